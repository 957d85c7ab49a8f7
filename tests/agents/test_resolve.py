"""A resolved configuration goes to JSON and comes back."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from tiny import SIZES, built, tiny

from reverie.agents.config import TrainConfig
from reverie.agents.parts import PARTS, Parts
from reverie.agents.presets import PRESETS
from reverie.agents.resolve import from_plain, resolve
from reverie.behaviour.evolution import EvolutionConfig
from reverie.envs.make import EnvConfig
from reverie.errors import UserError
from reverie.latent.categorical import CategoricalConfig
from reverie.latent.gaussian import GaussianConfig
from reverie.nets.optimiser import OptimiserConfig
from reverie.world.objective import FilteringConfig

SCALES = [(name, scale) for name, preset in PRESETS.items() for scale in preset.scales]


def as_read(resolved):
    return json.loads(json.dumps(resolved.plain()))


@pytest.mark.parametrize(("preset", "scale"), SCALES, ids="-".join)
def test_there_and_back(preset, scale):
    config = PRESETS[preset].config(EnvConfig(env="Pendulum-v1", action_repeat=2), scale)
    resolved = type(tiny())(preset=preset, scale=scale, parts=PRESETS[preset].parts, config=config)
    assert from_plain(as_read(resolved)) == resolved


@pytest.mark.parametrize(("preset", "scale"), SCALES, ids="-".join)
@pytest.mark.parametrize("behaviour", ["value-gradient", "ppo"])
def test_every_world_can_be_acted_in_by_the_same_behaviour(preset, scale, behaviour):
    assert resolve(preset, "gym:Pendulum-v1", scale=scale, parts={"behaviour": behaviour}).parts.behaviour == behaviour


def test_exchanged_parts_and_changed_values_come_back():
    resolved = tiny("dreamer-reward", backbone="markov", latent="categorical", posterior="encode", seed=17, num_envs=3)
    back = from_plain(as_read(resolved))
    assert back == resolved
    assert back.config.latent.classes == SIZES["classes"]
    assert back.config.backbone.mlp.units == SIZES["units"]
    assert (back.config.train.seed, back.config.env.num_envs) == (17, 3)


@pytest.mark.parametrize(
    ("path", "wrong", "message"),
    [
        (("train",), "batchh", "unknown key of config.train 'batchh'; did you mean 'batch'?"),
        (("behaviour",), "horizn", "unknown key of config.behaviour 'horizn'; did you mean 'horizon'?"),
        (("encoder", "mlp"), "unit", "unknown key of config.encoder.mlp 'unit'; did you mean 'units'?"),
        ((), "latentt", "unknown key of config 'latentt'; did you mean 'latent'?"),
    ],
)
def test_an_unknown_key_names_the_nearest(path, wrong, message):
    plain = as_read(tiny())
    inner = plain["config"]
    for key in path:
        inner = inner[key]
    inner[wrong] = 1
    with pytest.raises(UserError) as error:
        from_plain(plain)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"preset": "dreamerr"}, "unknown preset 'dreamerr'; did you mean 'dreamer'?"),
        ({"parts": None}, "the configuration cannot be read"),
        ({"parts": {}}, "the configuration cannot be read"),
        ({"config": {}}, "the configuration cannot be read"),
        ({"config": None}, "the configuration cannot be read"),
    ],
)
def test_what_cannot_be_read(change, message):
    with pytest.raises(UserError) as error:
        from_plain(as_read(tiny()) | change)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize("missing", ["preset", "scale", "parts", "config"])
def test_a_missing_entry(missing):
    plain = as_read(tiny())
    del plain[missing]
    with pytest.raises(UserError, match="the configuration cannot be read"):
        from_plain(plain)


@pytest.mark.parametrize(("kind", "near"), [(kind, sorted(names)[0]) for kind, names in PARTS.items()])
def test_an_unknown_part_names_the_nearest(kind, near):
    chosen = {kind: sorted(names)[0] for kind, names in PARTS.items()} | {kind: near + "x"}
    with pytest.raises(UserError) as error:
        Parts(**chosen)
    assert str(error.value) == f"unknown {kind} '{near}x'; did you mean '{near}'?"


def test_an_unknown_scale_names_the_nearest():
    with pytest.raises(UserError, match="unknown scale of dreamer 'papper'; did you mean 'paper'"):
        PRESETS["dreamer"].config(EnvConfig(env="Pendulum-v1"), "papper")


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 0},
        {"train_every": 0},
        {"batch": 0},
        {"eval_every": 0},
        {"eval_episodes": -1},
        {"log_every": 0},
        {"seed": -1},
        {"prefill": -1},
        {"pretrain": -1},
        {"threads": -1},
        {"length": 1},
        {"replay_mib": 0.0},
    ],
    ids=lambda change: next(iter(change)),
)
def test_values_that_make_no_sense(change):
    (name, value), *_ = change.items()
    with pytest.raises(UserError) as error:
        tiny(**change)
    assert f"--{name.replace('_', '-')} must" in str(error.value)
    assert f"not {value}" in str(error.value)


def test_whole_parts_and_values_by_name():
    train = TrainConfig(steps=900, prefill=100, batch=3)
    latent = CategoricalConfig(groups=2)
    resolved = resolve("dreamer", "Pendulum-v1", parts={"latent": "categorical"}, latent=latent, train=train, batch=4)
    assert resolved.config.latent == latent
    assert resolved.config.train == TrainConfig(steps=900, prefill=100, batch=4)


@pytest.mark.parametrize(
    ("parts", "values", "message"),
    [
        (
            {"latent": "categorical"},
            {"latent": GaussianConfig()},
            "latent cannot be GaussianConfig(size=16, min_std=0.1); it should be the CategoricalConfig of the latent "
            "'categorical', or choose parts={'latent': 'gaussian'}",
        ),
        (
            {},
            {"latent": CategoricalConfig()},
            "latent cannot be CategoricalConfig(groups=16, classes=8, unimix=0.01); it should be the GaussianConfig of "
            "the latent 'gaussian', or choose parts={'latent': 'categorical'}",
        ),
        ({}, {"backbone": "lstm"}, "backbone cannot be 'lstm'; it should be the GRUConfig of the backbone 'gru'"),
        ({}, {"train": {"steps": 9}}, "train cannot be {'steps': 9}; it should be the TrainConfig"),
        ({}, {"reward": None}, "reward cannot be None; it should be the HeadConfig"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_whole_part_of_the_wrong_kind_is_named(parts, values, message):
    with pytest.raises(UserError) as error:
        resolve("dreamer", "Pendulum-v1", parts=parts, **values)
    assert str(error.value) == message


def test_a_planner_cannot_stand_between_a_controller_and_the_real_arena():
    evolution = EvolutionConfig(arena="real")
    with pytest.raises(UserError, match="--arena real tries controllers out, and --planner cem would act"):
        resolve("dreamer", "gym:Pendulum-v1", parts={"behaviour": "evolution", "planner": "cem"}, behaviour=evolution)


def test_a_decoder_that_learns_by_itself_must_be_there():
    with pytest.raises(UserError, match="--objective consistency decodes nothing, and twm has its decoder learn"):
        resolve("twm", "gym:Pendulum-v1", parts={"objective": "consistency", "latent": "simnorm"})


@pytest.mark.parametrize("preset", ["planet", "tdmpc2"])
def test_what_a_planner_says_of_choices_can_be_done(preset):
    with pytest.raises(UserError, match="choose --planner none, with a behaviour that learns"):
        built(tiny(preset, env="py:tiny:choosing"))
    built(tiny(preset, env="py:tiny:choosing", planner="none", behaviour="actor-critic"))


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"objective": FilteringConfig(vector=math.inf)}, "objective.vector"),
        ({"objective": FilteringConfig(optimiser=OptimiserConfig(clip=math.inf))}, "objective.optimiser.clip"),
    ],
)
def test_what_json_cannot_hold_is_refused_before_a_run_begins(changes, name):
    with pytest.raises(UserError, match=f"^{name} must be a finite number, not inf"):
        resolve("dreamer", "gym:Pendulum-v1", **changes)


PAIRS = [
    (preset, kind, name)
    for preset in PRESETS
    for kind in ("backbone", "latent", "behaviour")
    for name in PARTS[kind]
    if name != getattr(PRESETS[preset].parts, kind)
]


@pytest.mark.parametrize(("preset", "kind", "name"), PAIRS, ids="-".join)
def test_an_exchanged_part_has_its_own_configuration_and_comes_back(preset, kind, name):
    try:
        resolved = resolve(preset, "gym:Pendulum-v1", parts={kind: name})
    except UserError:  # parts that do not fit are other tests' business
        return
    assert type(getattr(resolved.config, kind)) is PARTS[kind][name].Config
    assert from_plain(as_read(resolved)) == resolved


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"steps": 1e4}, "config.train.steps cannot be 10000.0; it should be a whole number"),
        ({"seed": np.int64(3)}, r"config.train.seed cannot be np.int64\(3\); it should be a whole number"),
        ({"train": TrainConfig(batch=2.0)}, "config.train.batch cannot be 2.0"),
        ({"latent": GaussianConfig(size=8.0)}, "config.latent.size cannot be 8.0"),
        ({"action_repeat": True}, "config.env.action_repeat cannot be True"),
    ],
)
def test_what_could_not_be_read_back_is_refused_before_it_is_trained(values, message):
    with pytest.raises(UserError, match=message):
        resolve("dreamer", "gym:Pendulum-v1", **values)


def test_single_values_of_parts_leave_the_scale_its_others():
    plain = resolve("dreamerv3", "gym:Pendulum-v1").config
    changed = resolve("dreamerv3", "gym:Pendulum-v1", **{"behaviour.horizon": 5, "continue.mlp.units": 9}).config
    assert changed.behaviour == replace(plain.behaviour, horizon=5)
    assert changed.continue_.mlp == replace(plain.continue_.mlp, units=9)
    assert changed.backbone == plain.backbone


def test_single_values_hold_together_in_any_order():
    values = {"planner.elites": 10, "planner.candidates": 50}
    for order in (values, dict(reversed(values.items()))):
        config = resolve("dreamer", "gym:Pendulum-v1", parts={"planner": "cem"}, **order).config
        assert (config.planner.elites, config.planner.candidates) == (10, 50)


def test_single_values_win_over_whole_parts():
    resolved = resolve("dreamer", "gym:Pendulum-v1", latent=GaussianConfig(size=8, min_std=0.3), **{"latent.size": 5})
    assert resolved.config.latent == GaussianConfig(size=5, min_std=0.3)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("behaviour.horizn", 3, "unknown key of config.behaviour 'horizn'; did you mean 'horizon'?"),
        ("behavior.horizon", 3, "unknown key of config 'behavior'; did you mean 'behaviour'?"),
        ("behaviour.actr.std", 3, "unknown key of config.behaviour 'actr'; did you mean 'actor'?"),
        ("behaviour.horizon.most", 3, "config.behaviour.horizon cannot be {'most': 3}; it should be a whole number"),
        ("behaviour.horizon", "x", "config.behaviour.horizon cannot be 'x'; it should be a whole number"),
        ("objective.free-nat", 3, "unknown key of config.objective 'free_nat'; did you mean 'free_nats'?"),
        ("steps", "x", "config.train.steps cannot be 'x'; it should be a whole number"),
        ("num_envs", 1.5, "config.env.num_envs cannot be 1.5; it should be a whole number"),
    ],
)
def test_a_single_value_that_cannot_be_is_named(name, value, message):
    with pytest.raises(UserError, match=re.escape(message)):
        resolve("dreamer", "gym:Pendulum-v1", **{name: value})
