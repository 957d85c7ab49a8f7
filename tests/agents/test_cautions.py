"""Doubts about a configuration: said where there is one, and only there."""

from dataclasses import replace

import gymnasium
import pytest
from tiny import tiny

from reverie.agents.cautions import cautions
from reverie.agents.presets import PRESETS
from reverie.agents.program import count_updates
from reverie.agents.resolve import resolve
from reverie.dynamics.s5 import S5Config
from reverie.envs.make import EnvConfig

MOTION = "shows no motion: --frame-stack 4"
PIXELS = {"pixels": True, "size": 16}


def doubts(preset, **changes):
    resolved = tiny(preset, **changes)
    env = resolved.config.env.make()
    try:
        return cautions(resolved, env.observation_space)
    finally:
        env.close()


@pytest.mark.parametrize("preset", ["twm", "awm"])
def test_an_actor_on_latents_of_one_image(preset):
    (doubt,) = doubts(preset, **PIXELS)
    assert doubt.startswith("the actor reads z alone") and MOTION in doubt


def test_a_world_without_a_memory_of_one_image():
    (doubt,) = doubts("dreamer", backbone="markov", posterior="encode", **PIXELS)
    assert doubt.startswith("--backbone markov has no memory") and MOTION in doubt


@pytest.mark.parametrize("preset", ["twm", "awm"])
@pytest.mark.parametrize("changes", [{}, {**PIXELS, "frame_stack": 2}], ids=["vectors", "stacked"])
def test_nothing_is_said_of_what_shows_motion(preset, changes):
    assert doubts(preset, **changes) == []


@pytest.mark.parametrize("preset", ["dreamer", "tssm"])
def test_nothing_is_said_of_an_actor_with_a_past(preset):
    assert doubts(preset, **PIXELS) == []


def test_an_option_of_the_loop_that_stages_do_not_ask():
    own = PRESETS["worldmodels"].config(EnvConfig(env="py:tiny:walk")).train
    ignored = {
        name: getattr(own, name) for name in ("prefill", "pretrain", "train_every", "live", "eval_every", "balance")
    }
    assert doubts("worldmodels", **ignored) == []
    for name, value in {"prefill": 7, "live": True, "balance": 20.0}.items():
        (doubt,) = doubts("worldmodels", **ignored | {name: value})
        assert doubt.startswith(f"--{name} does nothing in worldmodels")


@pytest.mark.parametrize(("arena", "num_envs", "said"), [("real", 1, 1), ("real", 2, 0), ("dream", 1, 0)])
def test_a_population_that_waits_for_its_turn(arena, num_envs, said):
    resolved = tiny("worldmodels", num_envs=num_envs)
    config = resolved.config
    resolved = replace(resolved, config=replace(config, behaviour=replace(config.behaviour, arena=arena)))
    found = [line for line in cautions(resolved, gymnasium.spaces.Dict()) if "--arena" in line]
    assert len(found) == said
    assert all(line.startswith("--arena real plays one episode after the other") for line in found)


def ending(resolved, until, part="objective", field="optimiser"):
    """The doubts about a run, one of whose optimisers ends."""
    config = getattr(resolved.config, part)
    config = replace(config, **{field: replace(getattr(config, field), until=until, warmup=0)})
    resolved = replace(resolved, config=replace(resolved.config, **{part: config}))
    return [line for line in cautions(resolved, gymnasium.spaces.Dict()) if ".until" in line]


OPTIMISERS = [
    ("dreamer", "objective", "optimiser"),
    ("dreamer", "behaviour", "actor_optimiser"),
    ("dreamerv2", "behaviour", "critic_optimiser"),
    ("dreamerv3", "objective", "optimiser"),
]


@pytest.mark.parametrize(("preset", "part", "field"), OPTIMISERS)
def test_a_rate_that_ends_before_the_run(preset, part, field):
    resolved = tiny(preset)
    made = count_updates(resolved.program(), resolved.config.env.action_repeat)
    (doubt,) = ending(resolved, made - 1, part, field)
    option = f"--{part}.{field.replace('_', '-')}.until"
    assert doubt == f"{option} {made - 1}: the rate is nothing from then on, and {made} updates are made"
    assert ending(resolved, made, part, field) == ending(resolved, 0, part, field) == []


def test_a_rate_that_ends_in_a_live_run():
    resolved = tiny("dreamer", live=True)
    for until in (2, 10_000):
        (doubt,) = ending(resolved, until)
        assert doubt.endswith("nobody knows before how many updates a live run makes")


def test_a_rate_of_one_stage_is_judged_by_that_stage():
    resolved = tiny("worldmodels")
    vision = resolved.config.objective.vision
    for until, said in ((vision.updates - 1, 1), (vision.updates, 0)):
        changed = replace(vision, optimiser=replace(vision.optimiser, until=until))
        objective = replace(resolved.config.objective, vision=changed)
        known = replace(resolved, config=replace(resolved.config, objective=objective))
        found = [line for line in cautions(known, gymnasium.spaces.Dict()) if ".until" in line]
        assert len(found) == said
        assert all(line.startswith("--objective.vision.optimiser.until") for line in found)


def resolved_doubts(*arguments, **values):
    return cautions(resolve(*arguments, "py:tiny:walk", **values), gymnasium.spaces.Dict())


def test_a_part_without_values_at_a_large_scale():
    (doubt,) = resolved_doubts("dreamerv3", scale="400m", parts={"backbone": "s5"})
    assert doubt.startswith("--scale 400m has no values for --backbone s5") and "--backbone.*" in doubt
    assert resolved_doubts("dreamerv3", scale="400m") == []
    assert resolved_doubts("dreamerv3", parts={"backbone": "s5"}) == []
    assert resolved_doubts("dreamerv3", scale="400m", parts={"backbone": "s5"}, backbone=S5Config(units=512)) == []


@pytest.mark.parametrize(("preset", "said"), [("twm", 1), ("worldmodels", 1), ("dreamer", 0)])
def test_a_loss_that_cannot_shape_the_world(preset, said):
    found = resolved_doubts(preset, parts={"behaviour": "td3"})
    assert len(found) == said
    assert all(line.startswith(f"the loss behaviour/value does not shape the world in {preset}") for line in found)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("scale", ["laptop", "paper"])
def test_nothing_is_said_of_presets_as_they_are(preset, scale):
    if scale in PRESETS[preset].scales:
        known = ("--arena real plays", "--live without --rate")
        assert [line for line in resolved_doubts(preset, scale=scale) if not line.startswith(known)] == []


@pytest.mark.parametrize(("changes", "said"), [({"live": True}, 1), ({"live": True, "rate": 20.0}, 0), ({}, 0)])
def test_acting_while_learning_without_a_pace(changes, said):
    found = resolved_doubts("dreamer", **changes)
    assert len(found) == said
    assert all(line.startswith("--live without --rate") for line in found)
