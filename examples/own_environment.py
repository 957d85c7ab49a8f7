"""Your own environment: any Gymnasium environment that a function of a module returns, named `py:module:function`.

python examples/own_environment.py [STEPS]
reverie check-env py:own_environment:balance            # from within examples/: what is wrong with it, before training
reverie train dreamer --env py:own_environment:balance
"""

import sys

import gymnasium
import numpy as np
from gymnasium import spaces

import reverie


class Balance(gymnasium.Env):
    """A ball on a beam: tilt the beam, -1 to 1, so that the ball stays in the middle. It pays 1 less the distance.

    Bounds of the action must be finite, observations float32 vectors or images of bytes, or a Dict of them. An end of
    the environment's own is `terminated`; that time is up is `truncated`: the first is worth 0 to an agent, the second
    is not.
    """

    observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float32)
    action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)  # all that is drawn comes from self.np_random: a seed repeats the episode
        self.place, self.speed, self.now = float(self.np_random.uniform(-0.5, 0.5)), 0.0, 0
        return self._seen(), {}

    def step(self, action):
        self.now += 1
        self.speed += 0.05 * float(action[0])
        self.place += self.speed
        return self._seen(), 1 - abs(self.place), abs(self.place) > 1, self.now >= 100, {}

    def _seen(self):
        return np.array([self.place, self.speed], np.float32)


def balance():
    """What `py:own_environment:balance` names."""
    return Balance()


if __name__ == "__main__":
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 8_000
    resolved = reverie.resolve(
        "dreamer", "py:own_environment:balance", steps=steps, prefill=steps // 4, eval_every=steps // 4, eval_episodes=4
    )
    print(reverie.run(resolved, "runs/own-environment").pictures)
