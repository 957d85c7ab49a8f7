"""A double pendulum without friction, chaotic at high energy: for `action_gradients.py`, and as an environment.

    reverie train dreamer --env py:double_pendulum:DoublePendulum        (with benchmarks/ on PYTHONPATH)

Two points of 1 kg on massless rods of 1 m. Angles are measured from hanging down, both against the vertical. An episode
is ten seconds in 200 steps, as in Ma et al. 2024. The equations are in torch, for the true gradient of a return.
"""

from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

GRAVITY, SECONDS, SUBSTEPS, STEPS = 9.81, 0.05, 2, 200
TORQUE = 10.0
"""Nm at the first joint for an action of 1; holding the rods level needs 3 g = 29."""
FAST = 5.0
"""rad/s; angular velocities are observed in this unit."""


def acceleration(state: Tensor, action: Tensor) -> Tensor:
    """d/dt of (angle 1, angle 2, velocity 1, velocity 2) "... 4", the action "... 1" pushing the first joint.

    M(d) (w1', w2') = forces,  M = [[2, cos d], [cos d, 1]],  d = angle 1 - angle 2.
    """
    one, two, w1, w2 = state.unbind(-1)
    cos, sin = torch.cos(one - two), torch.sin(one - two)
    first = TORQUE * action[..., 0] - sin * w2.square() - 2 * GRAVITY * torch.sin(one)
    second = sin * w1.square() - GRAVITY * torch.sin(two)
    det = 2 - cos.square()
    return torch.stack([w1, w2, (first - cos * second) / det, (2 * second - cos * first) / det], -1)


def advance(state: Tensor, action: Tensor) -> Tensor:
    """The state "... 4" one step later, the action "... 1" in [-1, 1] held: classical Runge-Kutta, twice."""
    h = SECONDS / SUBSTEPS
    for _ in range(SUBSTEPS):
        a = acceleration(state, action)
        b = acceleration(state + h / 2 * a, action)
        c = acceleration(state + h / 2 * b, action)
        d = acceleration(state + h * c, action)
        state = state + h / 6 * (a + 2 * b + 2 * c + d)
    return state


def energy(state: Tensor) -> Tensor:
    """Kinetic and potential energy "...", which stays what it is without a torque."""
    one, two, w1, w2 = state.unbind(-1)
    kinetic = w1.square() + w2.square() / 2 + w1 * w2 * torch.cos(one - two)
    return kinetic - GRAVITY * (2 * torch.cos(one) + torch.cos(two))


def observe(state: Tensor) -> Tensor:
    """What is seen "... 6": cosines and sines of both angles, and the velocities."""
    angles, velocities = state.split(2, -1)
    return torch.cat([torch.cos(angles), torch.sin(angles), velocities / FAST], -1)


def reward(state: Tensor) -> Tensor:
    """The height of the tip "...", from -1 (hanging) to 1 (upright)."""
    return -torch.cos(state[..., :2]).mean(-1)


def begin(rows: int, generator: torch.Generator) -> Tensor:
    """States "B 4" from which episodes begin: any angles, little speed."""
    draws = torch.rand(rows, 4, generator=generator, dtype=torch.float64) * 2 - 1
    return draws * torch.tensor([torch.pi, torch.pi, 1.0, 1.0], dtype=torch.float64)


class DoublePendulum(gymnasium.Env):
    """The pendulum as an environment: episodes of 200 steps."""

    def __init__(self) -> None:
        self.observation_space = spaces.Box(-np.inf, np.inf, (6,), np.float32)
        self.action_space = spaces.Box(-1, 1, (1,), np.float32)
        self._state, self._now = torch.zeros(4, dtype=torch.float64), 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        draws = torch.Generator().manual_seed(int(self.np_random.integers(2**31)))
        self._state, self._now = begin(1, draws)[0], 0
        return self._seen(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        self._state = advance(self._state, torch.as_tensor(action, dtype=torch.float64).clamp(-1, 1))
        self._now += 1
        return self._seen(), float(reward(self._state)), False, self._now >= STEPS, {}

    def _seen(self) -> np.ndarray:
        return observe(self._state).float().numpy()
