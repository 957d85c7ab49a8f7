"""A world whose optimum is known in closed form: linear, without noise, its cost quadratic.

    x_{t+1} = A x_t + B a_t,    r_{t+1} = -(x'_{t+1} Q x_{t+1} + R a_t^2)

    maximise  sum_{t < H} gamma^t r_{t+1}:   a_t = -K_t x_t  and the return is  -x_0' P_0 x_0  with

    M_t = Q + gamma P_{t+1},   K_t = (R + B'M_t B)^-1 B'M_t A,   P_t = A'M_t (A - B K_t),   P_H = 0

The actions of the optimum are so small that tanh hardly bends them. z is the state in the block of its time, and zero
in all others, so that a linear policy may differ from step to step; with one block it cannot. h is the last action and
the time.
"""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from reverie.types import Actions, Batch, Experience, Features, State, Trace
from reverie.world.world import World

A = torch.tensor([[1.0, 0.3], [0.0, 0.9]])
B = torch.tensor([[0.0], [2.0]])
Q = torch.diag(torch.tensor([1.0, 0.1]))
R = 8.0


class Optimum(NamedTuple):
    """Gains K_0 .. K_{H-1}, "H 2", and the matrix P_0 of the cost."""

    gains: np.ndarray
    cost: np.ndarray


def riccati(gamma: float, horizon: int) -> Optimum:
    """The recursion above, from the end; a long horizon is an endless one."""
    a, b, q = (x.double().numpy() for x in (A, B, Q))
    p, gains = np.zeros((2, 2)), []
    for _ in range(horizon):
        m = q + gamma * p
        k = np.linalg.solve(R + b.T @ m @ b, b.T @ m @ a)
        p = a.T @ m @ (a - b @ k)
        gains.append(k[0])
    return Optimum(np.stack(gains[::-1]), p)


class LinearQuadratic(World):
    """Offers what a behaviour needs of a world, and its matrices as weights that a gradient could reach."""

    def __init__(self, blocks: int = 1, reward_scale: float = 1.0) -> None:
        nn.Module.__init__(self)
        self.blocks, self.reward_scale = blocks, reward_scale
        self.a, self.b, self.q = (nn.Parameter(x.clone()) for x in (A, B, Q))
        self.preprocess = SimpleNamespace(reward_unit=torch.tensor(1.0))
        self.dynamics = SimpleNamespace(start=self.start, select=self.select)
        self.going = 1.0
        self.sizes = (1 + blocks, 2 * blocks, Actions(1))

    def place(self, x: Tensor, action: Tensor, time: Tensor) -> State:
        """The state x "N 2" at a time "N blocks" (one-hot), reached by an action "N 1"."""
        z = (time.unsqueeze(-1) * x.unsqueeze(-2)).flatten(-2)
        return State((), torch.cat([action, time], -1), z, torch.zeros(len(x)))

    def at_first(self, x: Tensor) -> State:
        """The state x "N 2" at time 0."""
        time = torch.eye(self.blocks)[0].expand(len(x), -1)
        return self.place(x, torch.zeros(len(x), 1), time)

    def seen(self, features: Features) -> Tensor:
        """x "... 2"."""
        return features.stoch.unflatten(-1, (self.blocks, 2)).sum(-2)

    def start(self, trace: Trace, rows: Tensor, steps: Tensor) -> State:
        return State((), trace.deter[rows, steps], trace.stoch[rows, steps], trace.reward[rows, steps])

    def select(self, state: State, rows: Tensor) -> State:
        return State((), state.deter[rows], state.stoch[rows], state.reward[rows])

    def imagine(self, action, state, generator=None, temperature=1.0):
        x = self.seen(state.features) @ self.a.T + action @ self.b.T
        return self.place(x, action, state.deter[..., 1:].roll(1, -1))

    def reward(self, features):
        x, action = self.seen(features), features.deter[..., 0]
        return -self.reward_scale * (((x @ self.q) * x).sum(-1) + R * action.square())

    def continue_(self, features):
        return torch.full(features.deter.shape[:-1], self.going)


def experience(world: LinearQuadratic, rows: int, steps: int = 2, seed: int = 0) -> Experience:
    """Random states at time 0, drawn from [-1, 1]^2, as if a world had seen them."""
    x = torch.rand(rows * steps, 2, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    state = world.at_first(x)
    deter, stoch = (part.unflatten(0, (rows, steps)) for part in (state.deter, state.stoch))
    zeros = torch.zeros(rows, steps)
    batch = Batch({}, zeros.unsqueeze(-1), zeros, zeros, zeros)
    trace = Trace(deter=deter, stoch=stoch, reward=zeros, posterior=stoch, prior=stoch, history=None)  # type: ignore[arg-type]
    return Experience(batch, trace)


def cost(world: LinearQuadratic, behaviour, gamma: float, horizon: int, x: Tensor) -> np.ndarray:
    """The discounted cost of the policy's mode from states x "N 2"."""
    state, total = world.at_first(x), torch.zeros(len(x), dtype=torch.float64)
    with torch.no_grad():
        for step in range(horizon):
            action, _ = behaviour.act(world, state, (), torch.zeros(len(x)), "evaluate", None)
            state = world.imagine(action, state)
            total -= gamma**step * world.reward(state.features)
    return total.numpy()


def gains(world: LinearQuadratic, behaviour) -> np.ndarray:
    """K of the policy's mode in each block, "blocks 2": minus the slope of the action at x = 0."""
    rows = []
    for block in range(world.blocks):
        time = torch.eye(world.blocks)[block : block + 1]

        def action(x, time=time):
            state = world.place(x.unsqueeze(0), torch.zeros(1, 1), time)
            return behaviour.act(world, state, (), torch.zeros(1), "evaluate", None)[0][0, 0]

        rows.append(-torch.autograd.functional.jacobian(action, torch.zeros(2)).numpy())
    return np.stack(rows)
