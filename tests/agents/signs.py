"""An environment whose observation is an image and a vector and whose action is two choices, as `py:signs:signs`.

Each is needed: the image shows which first choice is right, the vector which second one, and each right choice pays
1/2. What is shown is drawn anew at each step, so that choosing blindly pays 5/12 a step, looking at the image alone
2/3, at the vector alone 3/4, and at both 1.
"""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

SIDES, SIGNS, LENGTH = 2, 3, 8
BLIND, ONE_EYED, BEST = LENGTH * (1 / SIDES + 1 / SIGNS) / 2, LENGTH * (1 + 1 / SIDES) / 2, float(LENGTH)
"""Mean returns: without looking, at most with one of the two, and with both."""


class Signs(gymnasium.Env):
    """Light in the left or the right half of a 16 x 16 image, and one of three numbers of a vector at 10."""

    def __init__(self) -> None:
        self.observation_space = spaces.Dict(
            {"image": spaces.Box(0, 255, (16, 16, 3), np.uint8), "sign": spaces.Box(-np.inf, np.inf, (SIGNS,))}
        )
        self.action_space = spaces.MultiDiscrete([SIDES, SIGNS])
        self.shown, self.now = (0, 0), 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        super().reset(seed=seed)
        self.now = 0
        return self.show(), {}

    def step(self, action):
        paid = sum(int(choice) == right for choice, right in zip(action, self.shown, strict=True)) / 2
        self.now += 1
        # The last step is the environment's own end: what is shown there is worth nothing.
        return self.show(), paid, self.now >= LENGTH, False, {}

    def show(self):
        self.shown = (int(self.np_random.integers(SIDES)), int(self.np_random.integers(SIGNS)))
        image = np.zeros((16, 16, 3), np.uint8)
        image[:, slice(0, 8) if self.shown[0] == 0 else slice(8, 16)] = 255
        return {"image": image, "sign": 10 * np.eye(SIGNS, dtype=np.float32)[self.shown[1]]}


def signs() -> gymnasium.Env:
    """Episodes of 8 steps."""
    return Signs()
