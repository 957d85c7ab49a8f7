"""Every preset and every legal pair of parts learns."""

import itertools
import math
import re
from dataclasses import replace

import pytest
import torch
from tiny import built, changed, learner, random_batch, tiny, weights

from reverie.agents.build import build_world
from reverie.agents.parts import PARTS, Parts
from reverie.agents.presets import PRESETS
from reverie.errors import UserError

MEASURED = {"behaviour.return_range", "behaviour.ends"}
"""Where returns are not divided by their range, it is not measured."""
LEARNING = {kind: [name for name in names if name != "none"] for kind, names in PARTS.items() if kind != "planner"}
"""Planners learn nothing, nor does who only has one: tests/behaviour/test_planners.py has them act in every world."""
PAIRS = [dict(zip(LEARNING, names, strict=True)) for names in itertools.product(*LEARNING.values())]


def walks(parts):
    """Whether a filter would walk through a backbone that learns from whole chunks."""
    return PARTS["posterior"][parts["posterior"]].walks and not PARTS["backbone"][parts["backbone"]].walkable


def unfit(parts):
    """What the objective says of the posterior or of the latents, if it cannot work with them."""
    objective, posterior, latent = (PARTS[kind][parts[kind]] for kind in ("objective", "posterior", "latent"))
    if objective.needs_encode and posterior.walks:
        return "encodes observations one by one, and --posterior filter needs the past: add --posterior encode"
    if objective.needs_certain and not latent.certain:
        cure = "--latent simnorm or --latent fsq or --latent deterministic"
        return f"matches latents by their distance, and --latent {parts['latent']} draws them: add {cure}"
    if objective.needs_bounded and not latent.bounded:
        has = f"measures the latents' entropy by the largest one, and --latent {parts['latent']} has none"
        return f"{has}: add --latent categorical"
    if objective.needs_exact and not latent.exact:
        return (
            f"needs a mismatch that is never below zero, and --latent {parts['latent']} has none in closed form: "
            "add --latent gaussian or --latent categorical or --latent fsq"
        )
    return ""


OPTIONS: list[dict] = [
    {},
    {"stack": True, "starts": "shared"},
    {"positions": "relative", "gate": "gtrxl", "outputs": "all"},
    {"positions": "learned", "starts": "shared"},
]

WALKED = [parts for parts in PAIRS if walks(parts)]
UNFIT = [parts for parts in PAIRS if unfit(parts) and not walks(parts)]
APART = {"vision-memory", "evolution"}
"""An objective that is another one at each stage, and a behaviour whose update is a generation."""
LEGAL = [p for p in PAIRS if not walks(p) and not unfit(p) and not APART & {p["objective"], p["behaviour"]}]


def met(parts):
    """Every two parts that meet in a choice of all."""
    return set(itertools.combinations(sorted(parts.items()), 2))


def covering(choices):
    """Few of the choices, in which every two parts meet that meet in any: each is the one that adds most."""
    left, chosen = set().union(*map(met, choices)), []
    while left:
        chosen.append(max(choices, key=lambda parts: len(left & met(parts))))
        left -= met(chosen[-1])
    return chosen


COVERING = covering(LEGAL)


def update(learning, resolved, times, stage=None):
    stage = stage or PRESETS[resolved.preset].program(resolved.config)[-1]
    for seed in range(times):
        metrics = learning.update(stage, random_batch(learning.agent, seed=seed), diagnosed=True)
        assert all(math.isfinite(value) for value in metrics.values()), metrics
    return metrics


def without_free_nats(resolved):
    """A tiny latent's mismatch may lie below the floor, where the prior learns nothing."""
    objective = resolved.config.objective
    if not hasattr(objective, "free_nats"):
        return resolved
    return replace(resolved, config=replace(resolved.config, objective=replace(objective, free_nats=0.0)))


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_learns(preset):
    resolved = without_free_nats(tiny(preset))
    agent = built(resolved)
    before = weights(agent)
    # A target may follow only now and then; and a critic of dreams alone waits for a reward that starts at zero.
    learning, times = learner(resolved, agent), 1 + max(2, getattr(resolved.config.behaviour, "target_every", 5))
    for stage in PRESETS[preset].program(resolved.config)[1:]:
        update(learning, resolved, times, stage)
    still = set(before) - changed(before, agent)
    # All weights of world, actor and critic move; what is measured on real experience does not.
    idle = set() if getattr(resolved.config.behaviour, "return_scale", False) else MEASURED
    assert {name for name in still if "preprocess" not in name} - idle == set()


@pytest.mark.parametrize("parts", covering(UNFIT), ids=lambda parts: "-".join(parts.values()))
def test_what_an_objective_cannot_work_with_is_refused(parts):
    with pytest.raises(UserError, match=re.escape(f"--objective {parts['objective']} {unfit(parts)}")):
        Parts(**parts)


@pytest.mark.parametrize("parts", covering(WALKED), ids=lambda parts: "-".join(parts.values()))
def test_a_pair_that_cannot_work_is_refused(parts):
    message = (
        f"--backbone {parts['backbone']} learns from whole chunks, and --posterior filter walks through them step by "
        "step: add --posterior encode"
    )
    with pytest.raises(UserError, match=re.escape(message)):
        Parts(**parts)


def stacked(backbone):
    """A run whose backbone shall read three tokens a step."""
    resolved = tiny(backbone=backbone, posterior="encode")
    dynamics = replace(resolved.config.dynamics, join="stack")
    return replace(resolved, config=replace(resolved.config, dynamics=dynamics))


@pytest.mark.parametrize("backbone", [name for name, kind in PARTS["backbone"].items() if not kind.many_tokens])
def test_a_backbone_that_cannot_read_the_tokens_is_refused(backbone):
    message = (
        f"--backbone {backbone} reads one token per step, and --dynamics.join stack makes 3: "
        "choose --dynamics.join sum or --dynamics.join concat, or --backbone attention or --backbone transformer-xl or "
        "--backbone s5"
    )
    with pytest.raises(UserError, match=re.escape(message)):
        stacked(backbone)
    resolved = tiny(backbone=backbone)
    config = replace(resolved.config, dynamics=replace(resolved.config.dynamics, join="stack"))
    with pytest.raises(UserError, match=re.escape(message)):
        build_world(config, resolved.parts, {"state": (2,)}, 1)


def assert_all_of_it_learns(resolved, backbone):
    """Every weight of the backbone moves in two updates."""
    resolved = without_free_nats(replace(resolved, config=replace(resolved.config, backbone=backbone)))
    agent = built(resolved)
    before = weights(agent)
    update(learner(resolved, agent), resolved, 2)
    inside = {name for name, _ in agent.named_parameters() if "backbone" in name}
    assert inside and inside <= changed(before, agent)


@pytest.mark.parametrize("options", [{}, {"initial": "hippo"}, {"initial": "linear", "layers": 2}], ids=str)
@pytest.mark.parametrize("stack", [False, True])
def test_s5_learns_whatever_its_options(options, stack):
    resolved = stacked("s5") if stack else tiny(backbone="s5")
    backbone = replace(resolved.config.backbone, **options)
    assert_all_of_it_learns(resolved, backbone)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_attention_learns_whatever_its_options(options):
    options = dict(options)
    resolved = stacked("attention") if options.pop("stack", False) else tiny(backbone="attention", posterior="encode")
    backbone = replace(resolved.config.backbone, layers=2, window=3, **options)
    assert_all_of_it_learns(resolved, backbone)


def test_which_backbones_cannot_be_walked():
    assert {parts["backbone"] for parts in WALKED} == {"attention", "transformer-xl"}


def test_every_two_parts_that_can_meet_do():
    assert set().union(*map(met, COVERING)) == set().union(*map(met, LEGAL))
    assert len(COVERING) < len(LEGAL) / 4


@pytest.mark.parametrize("parts", COVERING, ids=lambda parts: "-".join(parts.values()))
def test_every_pair_of_parts_learns(parts):
    resolved = tiny(**parts)
    metrics = update(learner(resolved), resolved, 3)
    learned = "value/mean" if parts["behaviour"] == "td3" else "return/dreamed"  # which needs no dream
    assert {"loss/world", "loss/actor", "kl", "entropy", learned, "grad/world", "grad/actor"} <= set(metrics)
    assert metrics["grad/world"] > 0
    assert metrics["kl"] > 0


@pytest.mark.parametrize(("preset", "objective"), [("dreamer", "vision-memory"), ("worldmodels", "filtering")])
def test_an_objective_that_does_not_fit_the_program_is_refused(preset, objective):
    with pytest.raises(UserError, match=f"--objective {objective} learns .*, unlike {preset}: choose --objective "):
        tiny(preset, objective=objective, posterior="encode", latent="gaussian")


VARIED = ("backbone", "latent", "behaviour")
STAGED = covering([dict(zip(VARIED, names, strict=True)) for names in itertools.product(*map(LEARNING.get, VARIED))])


@pytest.mark.parametrize("parts", STAGED, ids=lambda parts: "-".join(parts.values()))
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_each_stage_learns_with_every_backbone_latent_and_behaviour(parts, precision):
    resolved = tiny("worldmodels", precision=precision, **parts)
    learning = learner(resolved)
    for stage in PRESETS["worldmodels"].program(resolved.config)[1:]:
        before = weights(learning.agent)
        metrics = learning.update(stage, random_batch(learning.agent), diagnosed=True)
        assert all(math.isfinite(value) for value in metrics.values()), metrics
        moved = {name for name in changed(before, learning.agent) if "preprocess" not in name}
        assert {name.split(".")[0] for name in moved} == {"behaviour" if stage.behave else "world"}
        policy = "behaviour.weights" if parts["behaviour"] == "evolution" else "behaviour.actor"
        assert any(name.startswith(policy) for name in moved) == stage.behave


@pytest.mark.parametrize(
    ("posterior", "objective", "latent"),
    [
        ("filter", "filtering", "gaussian"),
        ("encode", "two-models", "categorical"),
        ("filter", "two-models", "categorical"),
    ],
)
def test_a_controller_evolves_while_the_world_learns(posterior, objective, latent):
    resolved = tiny(posterior=posterior, objective=objective, latent=latent, behaviour="evolution")
    learning = learner(resolved)
    before = weights(learning.agent)
    metrics = update(learning, resolved, 2)
    moved = changed(before, learning.agent)
    assert {"behaviour.weights", "world.dynamics.prior_net.0.weight"} <= moved
    assert metrics["population/steps"] > 0


@pytest.mark.parametrize("preset", ["dreamer", "dreamerv3", "twm"])
def test_every_program_tries_a_population_out_where_it_is_told_to(preset):
    resolved = tiny(preset, behaviour="evolution")
    config = replace(resolved.config, behaviour=replace(resolved.config.behaviour, arena="real"))
    program = PRESETS[preset].program(config)
    assert {stage.arena for stage in program if stage.behave} == {"real"}
    assert {stage.arena for stage in PRESETS[preset].program(resolved.config)} == {"dream"}


@pytest.mark.parametrize("preset", ["rssm-continuous", "rssm-discrete", "dreamerv2", "dreamerv3", "twm"])
def test_a_preset_learns_to_choose(preset):
    resolved = without_free_nats(tiny(preset, "py:tiny:choosing"))
    agent = built(resolved)
    before = weights(agent)
    update(learner(resolved, agent), resolved, 5)
    # One-hot actions: by the score function or, in value-gradient, straight through the choice.
    assert {name for name in before if "behaviour.actor" in name} <= changed(before, agent)


def test_the_learning_world_predicts_better():
    resolved = tiny()
    learning = learner(resolved)
    stage = PRESETS["dreamer"].program(resolved.config)[1]
    batch = random_batch(learning.agent, rows=4)
    losses = [float(learning.update(stage, batch)["loss/world"]) for _ in range(50)]
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])


@pytest.mark.parametrize("backbone", PARTS["backbone"])
@pytest.mark.parametrize("latent", [name for name, kind in PARTS["latent"].items() if kind.exact])
def test_half_precision_learns(backbone, latent):
    posterior = "filter" if PARTS["backbone"][backbone].walkable else "encode"
    resolved = tiny(precision="bfloat16", backbone=backbone, latent=latent, posterior=posterior)
    learning = learner(resolved)
    update(learning, resolved, 2)
    assert all(p.dtype == torch.float32 for p in learning.agent.parameters())
