"""For each law of the dynamics something that breaks it, planted."""

import dynamics_laws
import pytest
import torch
from backbones import make_dynamics

from reverie.dynamics.dynamics import ConcatEntry, Dynamics, Entry
from reverie.ops import tree


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
