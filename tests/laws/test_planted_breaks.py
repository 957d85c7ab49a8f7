"""For each law something that breaks it, planted: a law that cannot fail says nothing."""

import pytest
import torch
from backbones import INPUTS, prepare

import laws
from reverie.dynamics.block_gru import BlockGRU, BlockGRUConfig
from reverie.dynamics.gru import GRU, GRUConfig
from reverie.dynamics.history import Stacked
from reverie.dynamics.markov import Markov, MarkovConfig
from reverie.nets.mlp import MLPConfig


class ScanIgnoresFirst(GRU):
    def scan(self, u, first, state):
        return super().scan(u, torch.zeros_like(first), state)


class CollectReverses(GRU):
    def collect(self, states):
        return super().collect(states[::-1])


class LastIsTheSecondToLast(GRU):
    class History(Stacked):
        def last(self):
            return self.memory[:, max(0, self.memory.shape[1] - 2)]

    def scan(self, u, first, state):
        h, history = super().scan(u, first, state)
        return h, self.History(history.memory)


class Peeks(GRU):
    def scan(self, u, first, state):
        ahead = torch.cat([u[:, 1:], torch.zeros_like(u[:, :1])], 1)
        return super().scan(u + 0.01 * ahead, first, state)


class ForgetsNothing(GRU):
    def forget(self, state, first):
        return state


class ForgetsAlmost(GRU):
    def forget(self, state, first):
        return state * (1 - 0.99 * first).unsqueeze(-1)


class AtIsOffByOne(GRU):
    class History(Stacked):
        def at(self, rows, steps):
            return self.memory[rows, (steps - 1).clamp_min(0)]

    def scan(self, u, first, state):
        h, history = super().scan(u, first, state)
        return h, self.History(history.memory)


class AtSortsItsRows(GRU):
    class History(Stacked):
        def at(self, rows, steps):
            return self.memory[rows.sort().values, steps]

    def scan(self, u, first, state):
        h, history = super().scan(u, first, state)
        return h, self.History(history.memory)


class MixesRows(GRU):
    """Permuting the rows permutes its output, and yet no row is alone."""

    def cell(self, share, state):
        return super().cell(share + 0.01 * share.mean(0, keepdim=True), state)


class StepDetaches(GRU):
    def step(self, u, state):
        return super().step(u, state.detach())


class LastDetaches(GRU):
    class History(Stacked):
        def last(self):
            return self.memory[:, -1].detach()

    def scan(self, u, first, state):
        h, history = super().scan(u, first, state)
        return h, self.History(history.memory)


class InputIsLost(GRU):
    def cell(self, share, state):
        return super().cell(share.detach(), state)


class WritesInPlace(GRU):
    def step(self, u, state):
        h, _ = super().step(u, state)
        with torch.no_grad():
            state.add_(1)
        return h, h


class ScanOfBlocksIgnoresFirst(BlockGRU):
    def scan(self, u, first, state):
        return super().scan(u, torch.zeros_like(first), state)


class BlocksTakeTheNextRowsInput(BlockGRU):
    """The share of the inputs that scan computes once reaches the wrong rows; step is whole."""

    def scan(self, u, first, state):
        return super().scan(u.roll(1, 0), first, state)


class BlocksAreReadAsRows(BlockGRU):
    """Rows and blocks mistaken for each other: right for one row alone."""

    def cell(self, share, state):
        mixed = state.reshape(len(state), self._blocks, -1).transpose(0, 1).reshape(len(state), -1)
        return super().cell(share, mixed)


class BlocksDetach(BlockGRU):
    def step(self, u, state):
        return super().step(u, state.detach())


class HidesItsMemory(Markov):
    """A memory in the module, not in the state."""

    before: torch.Tensor | None = None

    def step(self, u, state):
        h, state = super().step(u, state)
        seen = h if self.before is None else h + self.before[: len(h)]
        self.before = seen.detach()
        return seen, state


BREAKS = [
    ("fold", ScanIgnoresFirst),
    ("fold", CollectReverses),
    ("fold", HidesItsMemory),
    ("chunk", LastIsTheSecondToLast),
    ("causal", Peeks),
    ("reset", ForgetsNothing),
    ("reset", ForgetsAlmost),
    ("start", AtIsOffByOne),
    ("start", AtSortsItsRows),
    ("rows", MixesRows),
    ("gradient", StepDetaches),
    ("gradient", LastDetaches),
    ("gradient", InputIsLost),
    ("pure", WritesInPlace),
    ("reset", ScanOfBlocksIgnoresFirst),
    ("fold", BlocksTakeTheNextRowsInput),
    ("rows", BlocksAreReadAsRows),
    ("gradient", BlocksDetach),
]


def _small(kind):
    configs = {
        Markov: MarkovConfig(mlp=MLPConfig(units=6)),
        GRU: GRUConfig(units=6),
        BlockGRU: BlockGRUConfig(units=6, hidden=4, blocks=2),
    }
    [config] = [config for whole, config in configs.items() if issubclass(kind, whole)]
    return prepare(kind(config, INPUTS))


@pytest.mark.parametrize(("law", "broken"), BREAKS, ids=lambda x: x if isinstance(x, str) else x.__name__)
def test_a_broken_backbone_is_found(law, broken):
    backbone = _small(broken)
    with pytest.raises(AssertionError):
        laws.LAWS[law](backbone, 0)


@pytest.mark.parametrize("whole", [GRU, BlockGRU, Markov])
def test_what_they_are_made_from_is_not_broken(whole):
    for law in laws.LAWS.values():
        law(_small(whole), 0)


def test_every_law_has_a_break():
    assert {law for law, _ in BREAKS} == set(laws.LAWS)
