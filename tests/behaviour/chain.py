"""A world of cells in a row, whose best policy is found by value iteration: two choices at once, both one-hot.

The first choice steps to the left or to the right; the second is one of three keys, and only the key cell mod 3 opens
the way. Arriving at the right end, or staying there, pays 1; at the left end 0.3.
"""

from itertools import product
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor, nn

from reverie.types import Actions, Batch, Experience, State, Trace
from reverie.world.world import World

CELLS, KEYS = 5, 3
ACTIONS = Actions(2 + KEYS, (2, KEYS))
CHOICES = [torch.cat([torch.eye(2)[side], torch.eye(KEYS)[key]]) for side, key in product(range(2), range(KEYS))]
PAYS = torch.tensor([0.3, 0.0, 0.0, 0.0, 1.0])


def _moves() -> Tensor:
    """Where each choice leads from each cell, "2 KEYS CELLS CELLS"."""
    moves = torch.zeros(2, KEYS, CELLS, CELLS)
    for side, key, cell in product(range(2), range(KEYS), range(CELLS)):
        there = min(max(cell + 2 * side - 1, 0), CELLS - 1) if key == cell % KEYS else cell
        moves[side, key, cell, there] = 1
    return moves


class Chain(World):
    """Offers what a behaviour needs of a world; z is the cell, one-hot, and h says nothing."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.moves = nn.Parameter(_moves())
        self.preprocess = SimpleNamespace(reward_unit=torch.tensor(1.0))
        self.dynamics = SimpleNamespace(start=self.start, select=lambda state, rows: self.at(state.stoch[rows]))
        self.sizes = (1, CELLS, ACTIONS)

    def at(self, z: Tensor) -> State:
        return State((), torch.zeros(len(z), 1), z, torch.zeros(len(z)))

    def start(self, trace: Trace, rows: Tensor, steps: Tensor) -> State:
        return self.at(trace.stoch[rows, steps])

    def imagine(self, action, state, generator=None, temperature=1.0):
        side, key = action[:, :2], action[:, 2:]
        return self.at(torch.einsum("na,nk,nz,akzy->ny", side, key, state.stoch, self.moves))

    def reward(self, features):
        return features.stoch @ PAYS

    def continue_(self, features):
        return torch.ones(features.stoch.shape[:-1])


def experience(rows: int) -> Experience:
    """Every cell, in that many rows."""
    z = torch.eye(CELLS).expand(rows, -1, -1)
    zeros = torch.zeros(rows, CELLS)
    batch = Batch({}, torch.zeros(rows, CELLS, ACTIONS.size), zeros, zeros, zeros)
    trace = Trace(deter=torch.zeros(rows, CELLS, 1), stoch=z, reward=zeros, posterior=z, prior=z, history=None)  # type: ignore[arg-type]
    return Experience(batch, trace)


def values(gamma: float, policy: np.ndarray | None = None) -> np.ndarray:
    """The values of the cells under a policy's choices, or under the best one."""
    moves, pays = _moves().flatten(0, 1).double().numpy(), PAYS.double().numpy()
    value = np.zeros(CELLS)
    for _ in range(500):
        ahead = moves @ (pays + gamma * value)
        value = ahead.max(0) if policy is None else ahead[policy, range(CELLS)]
    return value


def policy_of(world: Chain, behaviour) -> np.ndarray:
    """The number of the choice that the policy's mode makes in each cell."""
    with torch.no_grad():
        action, _ = behaviour.act(world, world.at(torch.eye(CELLS)), (), torch.zeros(CELLS), "evaluate", None)
    return (action @ torch.stack(CHOICES).T).argmax(-1).numpy()
