"""Doubts about a configuration: said where there is one, and only there."""

from dataclasses import replace

import gymnasium
import pytest
from tiny import tiny

from reverie.agents.cautions import cautions
from reverie.agents.presets import PRESETS
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
    ignored = {name: getattr(own, name) for name in ("prefill", "pretrain", "train_every", "eval_every")}
    assert doubts("worldmodels", **ignored) == []
    (doubt,) = doubts("worldmodels", **ignored | {"prefill": 7})
    assert doubt.startswith("--prefill does nothing in worldmodels")


@pytest.mark.parametrize(("arena", "num_envs", "said"), [("real", 1, 1), ("real", 2, 0), ("dream", 1, 0)])
def test_a_population_that_waits_for_its_turn(arena, num_envs, said):
    resolved = tiny("worldmodels", num_envs=num_envs)
    config = resolved.config
    resolved = replace(resolved, config=replace(config, behaviour=replace(config.behaviour, arena=arena)))
    found = [line for line in cautions(resolved, gymnasium.spaces.Dict()) if "--arena" in line]
    assert len(found) == said
    assert all(line.startswith("--arena real plays one episode after the other") for line in found)
