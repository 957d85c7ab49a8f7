"""Environments with one fault each; `Sound` has none."""

import itertools
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces


class Sound(gymnasium.Env):
    """A walk on a line, pushed by the action, over episodes of different lengths that end beyond 1."""

    observation_space: spaces.Space = spaces.Box(-10, 10, (2,), np.float32)
    action_space: spaces.Space = spaces.Box(-1, 1, (1,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place, self.now = float(self.np_random.uniform(-0.5, 0.5)), 0
        return self.seen(), {}

    def step(self, action: Any) -> Any:
        self.now += 1
        self.place += 0.5 * float(np.asarray(action).reshape(-1)[0])
        return self.seen(), self.reward(), *self.ends(), {}

    def seen(self) -> Any:
        return np.array([self.place, self.now / 100], np.float32)

    def reward(self) -> Any:
        return -abs(self.place)

    def ends(self) -> tuple[Any, Any]:
        return abs(self.place) > 1, False


def shown(space: spaces.Space, value: Any) -> type[Sound]:
    """A walk that shows something else: a function of the walk."""
    return type("Shown", (Sound,), {"observation_space": space, "seen": value})


class Unbounded(Sound):
    action_space = spaces.Box(-np.inf, np.inf, (1,), np.float32)


class TwoHands(Sound):
    action_space = spaces.Tuple([spaces.Box(-1, 1, (1,)), spaces.Box(-1, 1, (1,))])

    def step(self, action):
        return super().step(action[0])


class Words(Sound):
    observation_space = spaces.Text(5)

    def seen(self):
        return "word" + "s" * (self.now % 2)


class Tight(Sound):
    action_space = spaces.Box(np.float32([-1, 2]), np.float32([1, 2]))


class PoisonedReward(Sound):
    def reward(self):
        return float("nan")


class ArrayReward(Sound):
    def reward(self):
        return np.array([1.0])


class NoReward(Sound):
    def reward(self):
        return None


class Outside(Sound):
    def seen(self):
        return super().seen() + 100


class WrongChoice(Sound):
    observation_space = spaces.Discrete(3)

    def seen(self):
        return 3 + self.now


class Poisoned(Sound):
    def seen(self):
        return super().seen() * np.float32(np.inf)


class Wide(Sound):
    def seen(self):
        return np.zeros(3, np.float32) + np.float32(self.place)


class Double(Sound):
    def seen(self):
        return super().seen().astype(np.float64)


class FractionalImage(Sound):
    observation_space = spaces.Box(0, 255, (16, 16, 3), np.uint8)

    def seen(self):
        return np.full((16, 16, 3), abs(self.place) % 1)


class MissingKey(Sound):
    observation_space = spaces.Dict(here=Sound.observation_space, gone=Sound.observation_space)

    def seen(self):
        return {"here": super().seen()}


class BothEnds(Sound):
    def ends(self):
        return self.now >= 5, self.now >= 5


class Timed(Sound):
    def ends(self):
        return self.now >= 5, False


class Endless(Sound):
    def ends(self):
        return False, False


class IntegerEnds(Sound):
    def ends(self):
        return int(self.now > 4 + abs(self.place)), 0


class Unseeded(Sound):
    def reset(self, *, seed=None, options=None):
        return super().reset()


class Remembering(Sound):
    """Each episode begins where the last one ended."""

    place = 0.0

    def reset(self, *, seed=None, options=None):
        before = self.place
        super().reset(seed=seed)
        self.place = before / 2
        return self.seen(), {}


class MadeByChance(Sound):
    """As dm_control's lqr: what is drawn when it is made lies beyond any seed."""

    made = itertools.count()

    def __init__(self):
        self.offset = next(self.made)

    def seen(self):
        return super().seen() + np.float32(self.offset % 2)


class Reusing(Sound):
    def __init__(self):
        self.board = np.zeros(2, np.float32)

    def seen(self):
        self.board[:] = super().seen()
        return self.board


class Blank(Sound):
    def seen(self):
        return np.zeros(2, np.float32)


class HalfBlank(Sound):
    observation_space = spaces.Dict(walk=Sound.observation_space, blank=Sound.observation_space)

    def seen(self):
        return {"walk": super().seen(), "blank": np.zeros(2, np.float32)}


class WithoutInfo(Sound):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed)[0]


class Seedless(Sound):
    def reset(self):
        return super().reset()


class OldStep(Sound):
    def step(self, action):
        seen, reward, terminated, _, info = super().step(action)
        return seen, reward, terminated, info


class Failing(Sound):
    def step(self, action):
        raise ZeroDivisionError("division by zero")
