"""A small world whose best actions are known: x' = A x + B u, in one exact dream; for planners and critics of one step.

Paid is -(x' Q x' + u R u) on arrival; z is the action that led there. The world of `linear_quadratic` is for gradients
through dreams.
"""

from types import SimpleNamespace

import torch
from torch import Tensor

from reverie.types import Features, State

A = torch.tensor([[1.0, 0.2], [0.0, 1.0]])
B = torch.tensor([[0.02], [0.2]])
Q = torch.diag(torch.tensor([1.0, 0.1]))
R = torch.tensor([[0.1]])


class PushedMass:
    """h is x, z is the action that led there; memory is nothing."""

    def __init__(self, going: float = 1.0) -> None:
        self.dynamics = SimpleNamespace(select=self.select)
        self.going = going

    def select(self, state: State, rows: Tensor) -> State:
        return State((), state.deter[rows], state.stoch[rows], state.reward[rows])

    def imagine(self, action: Tensor, state: State, generator=None) -> State:
        return State((), state.deter @ A.T + action @ B.T, action, torch.zeros_like(state.reward))

    def reward(self, features: Features) -> Tensor:
        x, u = features
        return -((x @ Q) * x).sum(-1) - ((u @ R) * u).sum(-1)

    def continue_(self, features: Features) -> Tensor:
        return torch.full_like(features.deter[..., 0], self.going)


def at(x: Tensor) -> State:
    """The state at places "B 2"."""
    return State((), x, torch.zeros(len(x), 1), torch.zeros(len(x)))


def riccati(horizon: int) -> tuple[list[Tensor], Tensor]:
    """The gains K_0 .. K_{H-1} of the best actions u = -K x, and the matrix P of the least cost x P x."""
    gains, P = [], torch.zeros(2, 2)
    for _ in range(horizon):
        ahead = P + Q  # what is paid on arrival, and what comes after
        gain = torch.linalg.solve(R + B.T @ ahead @ B, B.T @ ahead @ A)
        P = A.T @ ahead @ (A - B @ gain)
        gains.append(gain)
    return gains[::-1], P
