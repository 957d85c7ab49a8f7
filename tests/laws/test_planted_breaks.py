"""For each law something that breaks it, planted: a law that cannot fail says nothing."""

import dynamics_laws
import pytest
import torch
from backbones import INPUTS, make_dynamics, prepare

import laws
from reverie.dynamics.block_gru import BlockGRU, BlockGRUConfig
from reverie.dynamics.dynamics import ConcatEntry, Dynamics, Entry
from reverie.dynamics.gru import GRU, GRUConfig
from reverie.dynamics.history import Stacked
from reverie.dynamics.markov import Markov, MarkovConfig
from reverie.nets.mlp import MLPConfig
from reverie.ops import tree


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


class UpdateSeesNothing(Dynamics):
    def update(self, embed, inputs, first, state, generator=None):
        return super().update(torch.zeros_like(embed), inputs, first, state, generator)


class ChunkForgetsTheLatentBefore(Dynamics):
    def observe(self, embed, inputs, first, state, generator=None):
        return super().observe(embed, inputs, first, state._replace(stoch=0 * state.stoch), generator)


class SeesTheNext(Dynamics):
    def observe(self, embed, inputs, first, state, generator=None):
        return super().observe(embed + 0.01 * embed.roll(-1, 1), inputs, first, state, generator)


class ActionIsOffByOne(Dynamics):
    """Index t of the action is read as a_t, not as a_{t-1}: the oldest mistake of all."""

    def observe(self, embed, inputs, first, state, generator=None):
        return super().observe(embed, inputs._replace(action=inputs.action.roll(-1, 1)), first, state, generator)


class LatentSurvives(Dynamics):
    def advance(self, inputs, first, state):
        h, memory = super().advance(inputs, first, state)
        return h + 0.01 * first.unsqueeze(-1) * state.stoch.sum(-1, keepdim=True), memory

    def scan(self, before, share, first, state):
        h, history = super().scan(before, share, first, state)
        return h + 0.01 * first.unsqueeze(-1) * before.sum(-1, keepdim=True), history


class StartIsOffByOne(Dynamics):
    def start(self, trace, rows, steps):
        return super().start(trace, rows, (steps - 1).clamp_min(0))


class StartHasAnotherMemory(Dynamics):
    def start(self, trace, rows, steps):
        state = super().start(trace, rows, steps)
        return state._replace(memory=trace.history.at(rows, (steps - 1).clamp_min(0)).detach())


class StartCutsTheGraph(Dynamics):
    def start(self, trace, rows, steps):
        return tree.detach(super().start(trace, rows, steps))


class StartIsUnpaid(Dynamics):
    def start(self, trace, rows, steps):
        state = super().start(trace, rows, steps)
        return state._replace(reward=0 * state.reward)


class RewardIsKnownAtOnce(Dynamics):
    """h_t reads r_t, from which r_t is to be predicted."""

    def shares(self, inputs, first, state):
        return self.entry.share(tree.forget(inputs.action, first), tree.forget(inputs.reward, first))


class ActionSurvives(Dynamics):
    def shares(self, inputs, first, state):
        before = torch.cat([state.reward.unsqueeze(1), inputs.reward[:, :-1]], 1)
        return self.entry.share(inputs.action, tree.forget(before, first))


class RewardSurvives(Dynamics):
    def shares(self, inputs, first, state):
        before = torch.cat([state.reward.unsqueeze(1), inputs.reward[:, :-1]], 1)
        return self.entry.share(tree.forget(inputs.action, first), before)


class ChunkForgetsTheRewardBefore(Dynamics):
    def observe(self, embed, inputs, first, state, generator=None):
        return super().observe(embed, inputs, first, state._replace(reward=0 * state.reward), generator)


class ComparesRows(Dynamics):
    def observe(self, embed, inputs, first, state, generator=None):
        return super().observe(embed - embed.mean(0), inputs, first, state, generator)


DYNAMICS_BREAKS = [
    ("fold", UpdateSeesNothing),
    ("chunk", ChunkForgetsTheLatentBefore),
    ("chunk", ChunkForgetsTheRewardBefore),
    ("causal", SeesTheNext),
    ("causal", ActionIsOffByOne),
    ("causal", RewardIsKnownAtOnce),
    ("reset", LatentSurvives),
    ("reset", ActionSurvives),
    ("reset", RewardSurvives),
    ("start", StartIsOffByOne),
    ("start", StartHasAnotherMemory),
    ("start", StartCutsTheGraph),
    ("start", StartIsUnpaid),
    ("rows", ComparesRows),
]


@pytest.mark.parametrize("posterior", ["filter", "encode"])
@pytest.mark.parametrize(("law", "broken"), DYNAMICS_BREAKS, ids=lambda x: x if isinstance(x, str) else x.__name__)
def test_broken_dynamics_are_found(law, broken, posterior):
    dynamics = make_dynamics("gru", posterior, "gaussian", wrap=broken)
    with pytest.raises(AssertionError):
        dynamics_laws.LAWS[law](dynamics, 0)


@pytest.mark.parametrize("entry", [Entry, ConcatEntry])
def test_an_entry_that_ignores_the_action_is_found(entry):
    class Deaf(entry):
        def share(self, action, reward):
            return super().share(0 * action, reward)

    with pytest.raises(AssertionError, match="nothing moved"):
        dynamics_laws.LAWS["causal"](make_dynamics("gru", "filter", "gaussian", entry=Deaf), 0)


def test_every_law_of_dynamics_has_a_break():
    assert {law for law, _ in DYNAMICS_BREAKS} == set(dynamics_laws.LAWS)
