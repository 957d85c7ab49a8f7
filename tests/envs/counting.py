"""Environments whose every number is known beforehand."""

from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces


class Counting(gymnasium.Env):
    """Shows how many steps it has taken, pays that number, and ends by itself after `length` steps."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 30}

    def __init__(
        self,
        observation_space: spaces.Space | None = None,
        action_space: spaces.Space | None = None,
        length: int = 5,
        render_mode: str | None = None,
    ) -> None:
        self.observation_space = (
            spaces.Box(0, 100, (2,), np.float64) if observation_space is None else observation_space
        )
        self.action_space = action_space or spaces.Discrete(2)
        self.render_mode = render_mode
        self.length = length
        self.steps = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        super().reset(seed=seed)
        self.steps = 0
        return self.seen(), {}

    def step(self, action):
        self.steps += 1
        return self.seen(), float(self.steps), self.steps >= self.length, False, {}

    def seen(self):
        """The step, in the form of the space."""
        return self.fill(self.observation_space)

    def fill(self, space):
        """A member of the space that holds the step."""
        if isinstance(space, spaces.Dict):
            return {key: self.fill(value) for key, value in space.items()}
        if isinstance(space, spaces.Tuple):
            return tuple(self.fill(value) for value in space)
        if isinstance(space, spaces.Discrete):
            return np.int64(space.start + self.steps % space.n)
        return np.full(space.shape, self.steps, space.dtype)

    def render(self):
        """A picture whose brightness is the step."""
        return np.full((8, 8, 3), self.steps, np.uint8)


def factory(length: int = 3, render_mode: str | None = None) -> gymnasium.Env:
    """A function as a user would write it."""
    return Counting(length=length, render_mode=render_mode)


def demanding(length: int) -> gymnasium.Env:
    """A function that cannot be called without an argument."""
    return Counting(length=length)


def blind() -> gymnasium.Env:
    """A function that makes an environment which draws nothing."""
    return Counting()


def nothing() -> None:
    """A function that makes no environment."""


number = 3
