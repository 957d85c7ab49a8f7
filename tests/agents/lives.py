"""A game of lives whose every number is known, importable by name, as `py:lives:game`."""

from types import SimpleNamespace
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces


class Game(gymnasium.Env):
    """Shows its own clock and a number drawn at each step, pays 1 a step, and takes a life at each of some clocks.

    Attributes:
        ale: as Atari games have it, of which only the lives are there.
        log: what was done: "new SEED", or the action of a step.
    """

    def __init__(self, lives: int = 3, life: int = 4, forgetful: bool = False) -> None:
        """life: steps of each. forgetful: no seed fixes what is drawn."""
        self.observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float32)
        self.action_space = spaces.Discrete(2)
        self.lives, self.life, self.forgetful = lives, life, forgetful
        self.clock, self.left = 0, lives
        self.ale = SimpleNamespace(lives=lambda: self.left)
        self.log: list[str] = []

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        super().reset(seed=None if self.forgetful else seed)
        self.clock, self.left = 0, self.lives
        self.log.append(f"new {seed}")
        return self.seen(), {}

    def step(self, action):
        self.clock += 1
        self.left -= self.clock % self.life == 0
        self.log.append(str(int(action)))
        return self.seen(), 1.0, self.left == 0, False, {}

    def seen(self):
        return np.array([self.clock, self.np_random.uniform()], np.float32)


def game() -> gymnasium.Env:
    """Three lives of four steps."""
    return Game()


def forgetful() -> gymnasium.Env:
    """The same, and no seed repeats it."""
    return Game(forgetful=True)
