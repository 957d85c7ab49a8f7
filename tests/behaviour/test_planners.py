"""Planners find what is known to be best, forget where an episode begins, and repeat themselves in evaluation."""

import pytest
import torch
from pushed_mass import PushedMass, at, riccati
from tiny import built, random_batch, tiny

from reverie.agents.parts import PARTS, Parts
from reverie.agents.presets import PRESETS
from reverie.behaviour.cem import CEM, CEMConfig
from reverie.behaviour.mppi import MPPI, MPPIConfig
from reverie.behaviour.planner import Unplanned, UnplannedConfig, worth
from reverie.behaviour.resting import Resting, RestingConfig
from reverie.errors import UserError
from reverie.types import Actions

PUSH = Actions(1, ())
H = 8
PLACES = torch.tensor([[0.5, 0.0], [-0.3, 0.2], [0.1, -0.4]])
SEARCHES = {
    "cem": CEM(CEMConfig(horizon=H, candidates=400, elites=40, iterations=14), PUSH),
    "mppi": MPPI(
        MPPIConfig(horizon=H, candidates=500, elites=50, iterations=20, temperature=60.0, min_std=0.003), PUSH
    ),
}
"""Built once: they hold nothing."""


@pytest.fixture
def resting():
    return Resting(RestingConfig(), 2, 1, PUSH)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", SEARCHES)
def test_a_plan_is_within_a_hundredth_of_the_best(name, resting):
    world, planner = PushedMass(), SEARCHES[name]
    if name == "cem":
        plan = planner.plan(world, resting, at(PLACES), generator())
    else:
        plan = planner.plan(
            world, resting, at(PLACES), planner.initial(resting, 3, torch.device("cpu")), generator()
        ).mean
    cost = -worth(world, resting, at(PLACES), plan.unsqueeze(1), 1.0, generator())[:, 0]
    _, P = riccati(H)
    least = ((PLACES @ P) * PLACES).sum(-1)
    assert (cost >= least * 0.9999).all()
    assert (cost <= least * 1.01).all(), cost / least


def test_the_worth_of_a_candidate_is_the_sum_that_a_loop_makes():
    world, gamma = PushedMass(going=0.9), 0.95
    valuing = Resting(RestingConfig(), 2, 1, PUSH)
    valuing.value = lambda features: 3 * features.deter[..., 0]
    actions = torch.rand(3, 5, 4, 1, generator=generator()) * 2 - 1
    found = worth(world, valuing, at(PLACES), actions, gamma, generator())
    for row in range(3):
        for candidate in range(5):
            state, weight, total = at(PLACES[row : row + 1]), 1.0, 0.0
            for step in range(4):
                state = world.imagine(actions[row, candidate, step : step + 1], state)
                total += weight * float(world.reward(state.features))
                weight *= gamma * 0.9
            total += weight * 3 * float(state.deter[0, 0])
            assert float(found[row, candidate]) == pytest.approx(total, rel=1e-5)


def test_a_candidate_whose_dream_breaks_is_never_chosen(resting):
    world = PushedMass()
    reward = world.reward
    world.reward = lambda features: torch.where(features.stoch[..., 0] > 0.5, torch.nan, reward(features))
    plan = SEARCHES["cem"].plan(world, resting, at(-PLACES[:1]), generator())
    assert torch.isfinite(plan).all()
    assert (plan <= 0.5).all()


@pytest.mark.parametrize("name", SEARCHES)
def test_evaluation_repeats_itself_and_exploration_does_not(name, resting):
    world, planner, first = PushedMass(), SEARCHES[name], torch.ones(3)
    memory = planner.initial(resting, 3, torch.device("cpu"))
    once, again = (planner.act(world, resting, at(PLACES), memory, first, "evaluate", None)[0] for _ in range(2))
    assert torch.equal(once, again)
    explored = [
        planner.act(world, resting, at(PLACES), memory, first, "explore", generator(seed))[0] for seed in (0, 1)
    ]
    assert not torch.equal(*explored)
    assert all(action.abs().max() <= 1 for action in explored)


def test_a_plan_goes_on_from_the_last_one_and_an_episode_begins_without(resting):
    world, planner = (
        PushedMass(),
        MPPI(MPPIConfig(horizon=3, iterations=1, candidates=8, elites=4, proposals=0), PUSH),
    )
    begun = []
    plan = planner.plan
    planner.plan = lambda world, behaviour, state, mean, draws: (
        begun.append(mean) or plan(world, behaviour, state, mean, draws)
    )
    memory = torch.tensor([[[0.1], [0.2], [0.3]]] * 2)
    planner.act(world, resting, at(PLACES[:2]), memory, torch.tensor([0.0, 1.0]), "evaluate", None)
    assert begun[0].squeeze(-1).tolist() == [pytest.approx([0.2, 0.3, 0.0]), [0.0, 0.0, 0.0]]


def test_proposals_are_what_the_behaviour_does():
    gains, _ = riccati(H)
    world, knowing = PushedMass(), Resting(RestingConfig(), 2, 1, PUSH)
    knowing.initial = lambda rows: 0
    knowing.act = lambda world, state, step, first, mode, draws: (-state.deter @ gains[step].T, step + 1)
    planner = MPPI(MPPIConfig(horizon=H, proposals=2, candidates=4, elites=2, iterations=1, temperature=1e4), PUSH)
    found = planner.plan(world, knowing, at(PLACES), planner.initial(knowing, 3, torch.device("cpu")), generator())
    cost = -worth(world, knowing, at(PLACES), found.mean.unsqueeze(1), 1.0, generator())[:, 0]
    _, P = riccati(H)
    torch.testing.assert_close(cost, ((PLACES @ P) * PLACES).sum(-1), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("mode", ["explore", "evaluate"])
@pytest.mark.parametrize("name", SEARCHES)
def test_where_every_dream_breaks_nothing_that_looks_like_an_action_is_chosen(name, mode, resting):
    world, planner, first = PushedMass(), SEARCHES[name], torch.ones(3)
    reward = world.reward
    world.reward = lambda features: torch.where(features.deter[..., 0] < -0.15, torch.nan, reward(features))
    memory = planner.initial(resting, 3, torch.device("cpu"))
    action, _ = planner.act(world, resting, at(PLACES), memory, first, mode, generator())
    assert torch.isnan(action).squeeze(-1).tolist() == [False, True, False]


@pytest.mark.parametrize("name", ["cem", "mppi"])
def test_choices_cannot_be_planned(name):
    kind = PARTS["planner"][name]
    with pytest.raises(UserError, match=f"--planner {name} looks among continuous actions, .*choose --planner none"):
        kind(kind.Config(), Actions(3, (3,)))


def test_something_must_act():
    with pytest.raises(UserError, match="leave nothing that acts: add --planner cem or --planner mppi"):
        Parts(backbone="gru", latent="gaussian", posterior="filter", behaviour="none")


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        (CEMConfig, {"elites": 1}, r"planner.elites must be in \[2, planner.candidates = 1000\], not 1"),
        (CEMConfig, {"horizon": 0}, "planner.horizon must be at least 1, not 0"),
        (CEMConfig, {"gamma": 1.5}, r"planner.gamma must be in \[0, 1\], not 1.5"),
        (CEMConfig, {"noise": -1.0}, "planner.noise must not be negative"),
        (MPPIConfig, {"proposals": 512}, r"planner.proposals must be in \[0, planner.candidates = 512\), not 512"),
        (MPPIConfig, {"min_std": 3.0}, "planner.min-std must be in"),
        (MPPIConfig, {"temperature": -1.0}, "planner.temperature must not be negative"),
        (MPPIConfig, {"elites": 600}, "planner.elites must be in"),
    ],
)
def test_searches_that_make_no_sense_are_refused(kind, values, said):
    with pytest.raises(UserError, match=said):
        kind(**values)


def test_without_a_planner_the_behaviour_acts():
    agent = built(tiny("dreamer"))
    assert isinstance(agent.planner, Unplanned)
    unplanned = Unplanned(UnplannedConfig(), PUSH)
    start = agent.world.observe(random_batch(agent), agent.world.initial(2)).last()
    for act in (agent.behaviour.act, lambda world, *rest: unplanned.act(world, agent.behaviour, *rest)):
        action, _ = act(agent.world, start, (), torch.ones(2), "evaluate", None)
        assert torch.equal(action, agent.behaviour.actor.mode(start.features))


@pytest.mark.parametrize("planner", ["cem", "mppi"])
@pytest.mark.parametrize("preset", sorted(set(PRESETS) - {"worldmodels"}))
def test_every_world_can_be_planned_in(preset, planner):
    agent = built(tiny(preset, planner=planner))
    assert agent.planner.plans
    carry = agent.initial(2)
    seen = {"state": torch.zeros(2, 2).numpy()}
    for first in (1, 0):
        action, carry = agent.act(seen, [0.0, 0.0], [first, first], carry, "explore", generator())
        assert action.shape == (2, 1)


@pytest.mark.parametrize("name", ["cem", "mppi"])
def test_dreams_that_do_not_draw_follow_the_most_likely_codes(name):
    agent = built(tiny("dcwm", planner=name))
    world, behaviour = agent.world, agent.behaviour
    trace = world.observe(random_batch(agent), world.initial(2))
    state, actions = trace.last(), torch.zeros(2, 4, 3, 1)

    def returned(draw, seed):
        config = type(agent.planner._config)(draw=draw)
        return worth(world, behaviour, state, actions, 0.9, config.latents(generator(seed)))

    for parameter in world.parameters():
        torch.nn.init.normal_(parameter.data, std=0.5)
    assert torch.equal(returned(False, 0), returned(False, 1))
    assert not torch.equal(returned(True, 0), returned(True, 1))


@pytest.mark.parametrize("name", ["cem", "mppi"])
def test_candidates_tried_in_half_precision_are_worth_nearly_the_same(name):
    agent = built(tiny("tdmpc2", planner=name))
    for parameter in agent.parameters():
        torch.nn.init.normal_(parameter.data, std=0.5)
    trace = agent.world.observe(random_batch(agent), agent.world.initial(2))
    actions = torch.randn(2, 16, 3, 1, generator=generator()).clamp(-1, 1)

    def worths(precision):
        planner = type(agent.planner)(type(agent.planner._config)(precision=precision), Actions(1))
        return planner.worth(agent.world, agent.behaviour, trace.last(), actions, generator())

    whole, half = worths("float32"), worths("bfloat16")
    assert half.dtype == torch.float32 and not torch.equal(whole, half)
    assert (half - whole).abs().max() < 0.1 * whole.std() + 0.02 * whole.abs().max()


def test_no_other_precision():
    with pytest.raises(UserError, match=r"planner.precision.*float16"):
        MPPIConfig(precision="float16")
