"""The laws of action-conditioned dynamics over every backbone and latent; and for each law a planted break."""

from dataclasses import replace

import action_laws
import pytest
import torch
from action_laws import LAWS, REACH
from backbones import BACKBONES, ReadsReward, make_backbone, make_dynamics
from dynamics_laws import chunk, walk

from laws import remembers
from reverie.agents.parts import PARTS
from reverie.dynamics.action_conditioned import ActionConditioned, Anchored, Anchors
from reverie.dynamics.dynamics import ConcatEntry, Dynamics, Entry, StackEntry
from reverie.ops import tree


class Short(ActionConditioned):
    def __init__(self, config, *parts):
        super().__init__(replace(config, reach=REACH), *parts)


ONE_TOKEN = [name for name in BACKBONES if getattr(make_backbone(name), "tokens", 1) == 1]
THREE_TOKENS = sorted(set(BACKBONES) - set(ONE_TOKEN))


@pytest.mark.parametrize(
    ("entry", "latent", "seed"),
    [
        (Entry, "gaussian", 0),
        (ReadsReward, "categorical", 1),
        (ReadsReward, "gaussian", 2),
        (ConcatEntry, "gaussian", 3),
    ],
)
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("backbone", ONE_TOKEN)
def test_law(backbone, law, entry, latent, seed):
    LAWS[law](make_dynamics(backbone, "encode", latent, wrap=Short, entry=entry), seed)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("backbone", THREE_TOKENS)
def test_law_of_three_tokens(backbone, law):
    LAWS[law](make_dynamics(backbone, "encode", "gaussian", wrap=Short, entry=StackEntry), 0)


@pytest.mark.parametrize("law", [law for law in LAWS if law != "path"])
def test_laws_hold_without_a_graph(law):
    with torch.no_grad():
        LAWS[law](make_dynamics("gru", "encode", "gaussian", wrap=Short), 0)


@pytest.mark.parametrize("backbone", ONE_TOKEN)
def test_a_dream_conditioned_on_history_runs_through_its_latents(backbone):
    """The path that is cut: with history, d h_2 / d z_1 is not zero, and d h_2 / d a_0 is more than the backbone's."""
    dynamics = make_dynamics(backbone, "encode", "gaussian")
    *_, state, ahead = chunk(dynamics, 0)
    ahead = ahead[:, :2].clone().requires_grad_()
    middle = dynamics.imagine(ahead[:, 0], state, torch.Generator().manual_seed(0))
    end = dynamics.imagine(ahead[:, 1], middle, torch.Generator().manual_seed(1))
    by_latent, by_memory = torch.autograd.grad(
        end.deter.sum(), [middle.stoch, ahead], retain_graph=True, materialize_grads=True
    )
    assert by_latent.abs().max() > 1e-6
    held = dynamics.imagine(ahead[:, 1], middle._replace(stoch=middle.stoch.detach()))
    (alone,) = torch.autograd.grad(held.deter.sum(), ahead, materialize_grads=True)
    assert (by_memory[:, 0] - alone[:, 0]).abs().max() > 1e-6
    assert bool(alone[:, 0].abs().max() > 1e-9) == remembers(dynamics.backbone)


@pytest.mark.parametrize("latent", PARTS["latent"])
def test_nothing_is_drawn_in_a_dream(latent):
    dynamics = make_dynamics("gru", "encode", latent, wrap=Short)
    *_, state, ahead = chunk(dynamics, 0)
    one, other = (dynamics.imagine(ahead[:, 0], state, torch.Generator().manual_seed(seed)) for seed in (0, 1))
    assert torch.equal(one.stoch, other.stoch)


def test_a_reach_of_one_is_a_model_of_one_step():
    class OneStep(ActionConditioned):
        def __init__(self, config, *parts):
            super().__init__(replace(config, reach=1), *parts)

    one, markov = (make_dynamics("markov", "encode", "gaussian", wrap=wrap) for wrap in (OneStep, Dynamics))
    embed, inputs, first, _, ahead = chunk(markov, 0)
    traces = [x.observe(embed, inputs, first, x.initial(len(first))) for x in (one, markov)]
    dreams = [action_laws.dream(x, trace.last(), ahead) for x, trace in zip((one, markov), traces, strict=True)]
    torch.testing.assert_close(traces[0].deter, traces[1].deter)
    torch.testing.assert_close(*dreams)


def test_acting_stores_one_latent_and_no_past():
    dynamics = make_dynamics("gru", "encode", "gaussian", wrap=Short)
    embed, inputs, first, state, _ = chunk(dynamics, 0)
    for now in walk(dynamics, embed, inputs, first, state):
        assert (now.memory.age == 1).all()
        assert (now.memory.inner == 0).all()


class DreamsKeepTheirLatents(Short):
    def imagine(self, action, state, generator=None, temperature=1.0):
        memory = state.memory._replace(age=torch.ones_like(state.memory.age))
        return super().imagine(action, state._replace(memory=memory), generator, temperature)


class NeverAnchorsAgain(Short):
    def _within(self, age):
        return age


class ScanKeepsItsLatents(Short):
    def scan(self, before, share, first, state):
        ages = self._ages(first, state.memory.age)
        u = self.entry(tree.forget(before, first), share)
        h, _ = self.backbone.scan(u, (ages <= 1).to(first.dtype), state.memory.inner)
        return h, Anchors(self.backbone, ages)


class EpisodesHaveNoAnchor(Short):
    """The first latent of an episode inside a chunk never enters."""

    def scan(self, before, share, first, state):
        return super().scan(tree.forget(before, first.roll(1, 1)), share, first, state)


class UpdateGoesOn(Short):
    """Acting keeps the anchor of before."""

    def update(self, embed, inputs, first, state, generator=None):
        entering, age = self._enter(state)
        now = super().update(embed, inputs, first, state, generator)
        share = self.entry.share(tree.forget(inputs.action, first), tree.forget(entering.reward, first))
        _, inner = self.advance(share, first, entering)
        return now._replace(memory=Anchored(inner, age + 1))


class LastGoesOn(Short):
    """The next chunk keeps the anchor of the one before."""

    class History(Anchors):
        def last(self):
            return super().last()._replace(age=self.ages[:, -1] + 1)

    def scan(self, before, share, first, state):
        h, history = super().scan(before, share, first, state)
        return h, self.History(*history)


class StartRemembers(Short):
    def start(self, trace, rows, steps):
        state = super().start(trace, rows, steps)
        return state._replace(stoch=state.stoch + 0.01 * trace.deter[rows, steps].sum(-1, keepdim=True))


class RewardsEnter(Short):
    def _enter(self, state):
        entering, age = super()._enter(state)
        return entering._replace(reward=state.reward), age


class ALeakThroughTheReward(Short):
    """z is hidden, but what is read from it is not."""

    def imagine(self, action, state, generator=None, temperature=1.0):
        entering = action + 0.01 * state.stoch.mean(-1, keepdim=True)
        return super().imagine(entering, state, generator, temperature)


class MemoryIsCut(Short):
    def imagine(self, action, state, generator=None, temperature=1.0):
        return super().imagine(action, state._replace(memory=tree.detach(state.memory)), generator, temperature)


class SeesTheNext(Short):
    def observe(self, embed, inputs, first, state, generator=None):
        return super().observe(embed + 0.01 * embed.roll(-1, 1), inputs, first, state, generator)


class ActionIsOffByOne(Short):
    def observe(self, embed, inputs, first, state, generator=None):
        return super().observe(embed, inputs._replace(action=inputs.action.roll(-1, 1)), first, state, generator)


class LatentSurvives(Short):
    def scan(self, before, share, first, state):
        h, history = super().scan(before, share, first, state)
        return h + 0.01 * first.unsqueeze(-1) * before.sum(-1, keepdim=True), history


class AgeSurvives(Short):
    """An episode inside a chunk counts on from the one before."""

    def _ages(self, first, age):
        return super()._ages(torch.cat([first[:, :1], 0 * first[:, 1:]], 1), age)


class ComparesRows(Short):
    def observe(self, embed, inputs, first, state, generator=None):
        return super().observe(embed - embed.mean(0), inputs, first, state, generator)


class SelectForgetsAges(Short):
    def select(self, state, rows):
        state = super().select(state, rows)
        return state._replace(memory=state.memory._replace(age=0 * state.memory.age))


BREAKS = [
    ("fold", ScanKeepsItsLatents),
    ("fold", EpisodesHaveNoAnchor),
    ("fold", ActionIsOffByOne),
    ("update", UpdateGoesOn),
    ("chunk", LastGoesOn),
    ("start", StartRemembers),
    ("blind", DreamsKeepTheirLatents),
    ("blind", NeverAnchorsAgain),
    ("blind", RewardsEnter),
    ("path", ALeakThroughTheReward),
    ("path", DreamsKeepTheirLatents),
    ("path", MemoryIsCut),
    ("causal", SeesTheNext),
    ("causal", ActionIsOffByOne),
    ("reset", LatentSurvives),
    ("reset", AgeSurvives),
    ("rows", ComparesRows),
    ("rows", SelectForgetsAges),
]


@pytest.mark.parametrize(("law", "broken"), BREAKS, ids=lambda x: x if isinstance(x, str) else x.__name__)
def test_a_break_is_found(law, broken):
    with pytest.raises(AssertionError):
        LAWS[law](make_dynamics("gru", "encode", "gaussian", wrap=broken), 0)


def test_every_law_has_a_break():
    assert {law for law, _ in BREAKS} == set(LAWS)
