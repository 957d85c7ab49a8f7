"""Environments whose every record is known beforehand."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces


class Counting(gymnasium.Env):
    """Shows the step and the action that led to it, pays ten times the step, ends after `length` steps.

    Attributes:
        seeds: the seed of each reset.
    """

    def __init__(self, length: int = 3, ending: str = "terminal", bad: tuple[str, int, float] | None = None) -> None:
        """ending: terminal or truncated. bad: (observation or reward, step, value), what comes there instead."""
        self.observation_space = spaces.Dict(
            {"step": spaces.Box(0, 1000, (1,), np.float32), "action": spaces.Box(-1, 1, (1,), np.float32)}
        )
        self.action_space = spaces.Box(-1, 1, (1,), np.float32)
        self.length, self.ending, self.bad = length, ending, bad
        self.now = 0
        self.seeds: list[int | None] = []

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        super().reset(seed=seed)
        self.seeds.append(seed)
        self.now = 0
        return self.seen(np.zeros(1)), {}

    def step(self, action):
        self.now += 1
        over = self.now >= self.length
        reward = self.replaced("reward", 10.0 * self.now)
        return self.seen(action), reward, over and self.ending == "terminal", over and self.ending == "truncated", {}

    def seen(self, action):
        step = np.array([self.replaced("observation", self.now)], np.float32)
        return {"step": step, "action": np.array(action, np.float32)}

    def replaced(self, what, value):
        return self.bad[2] if self.bad and self.bad[:2] == (what, self.now) else value
