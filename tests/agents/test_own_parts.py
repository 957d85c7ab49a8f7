"""Parts and presets of a user's own are named as environments are, and found again."""

import json
import re
from dataclasses import fields, replace

import own_parts
import pytest

from reverie.agents.dreamer import DREAMER
from reverie.agents.parts import PARTS, PROTOCOLS, Parts, part
from reverie.agents.preset import nearest
from reverie.agents.resolve import from_plain, resolve
from reverie.errors import UserError
from reverie.latent.categorical import Categorical
from reverie.train.folder import default_path

EAGER = "py:own_parts:Eager"


@pytest.mark.parametrize("kind", PARTS)
def test_reveries_own_parts_have_what_is_asked_of_others(kind):
    assert PROTOCOLS.keys() == PARTS.keys()
    for known in PARTS[kind].values():
        assert part(kind, f"py:{known.__module__}:{known.__qualname__}") is known


def test_a_class_is_written_down_by_name_and_comes_back():
    resolved = resolve("dreamer", "gym:Pendulum-v1", parts={"behaviour": own_parts.Eager}, **{"behaviour.haste": 3.0})
    assert resolved.parts.behaviour == EAGER
    back = from_plain(json.loads(json.dumps(resolved.plain())))
    assert back == resolved
    assert (type(back.config.behaviour), back.config.behaviour.haste) == (own_parts.EagerConfig, 3.0)


@pytest.mark.parametrize("scale", ["laptop", "desktop", "paper"])
def test_what_extends_a_part_has_the_scales_values_of_that_part(scale):
    plain, own = (
        resolve("dreamer", "gym:Pendulum-v1", scale=scale, parts=parts).config.behaviour
        for parts in ({}, {"behaviour": EAGER})
    )
    assert own.haste == 2.0
    assert all(getattr(own, field.name) == getattr(plain, field.name) for field in fields(plain))


def test_what_extends_a_part_says_more_than_a_scale_does():
    assert nearest(own_parts.HastyConfig, DREAMER.scales["desktop"]["behaviour"]).horizon == 2


def test_reveries_classes_are_written_down_by_their_names():
    assert resolve("dreamer", "gym:Pendulum-v1", parts={"latent": Categorical}).parts.latent == "categorical"
    assert resolve("dreamer", "gym:Pendulum-v1", parts={"latent": None}).parts.latent == "gaussian"


@pytest.mark.parametrize(
    ("scales", "message"),
    [
        (
            {"laptop": {"behavior": ()}},
            "unknown field of the scale 'laptop' of mine 'behavior'; did you mean 'behaviour'?",
        ),
        ({"big": {"behaviour": own_parts.EagerConfig()}}, "the behaviour of the scale 'big' of mine should be a tuple"),
    ],
)
def test_a_preset_whose_scales_cannot_be_is_refused(scales, message):
    with pytest.raises(UserError, match=re.escape(message)):
        replace(own_parts.MINE, scales=scales)


def test_a_preset_without_a_laptop_scale_has_its_first():
    assert replace(own_parts.MINE, scales={"big": {}, "small": {}}).usual == "big"


def test_a_preset_is_named():
    with pytest.raises(UserError, match=r"a preset should be a name, such as 'dreamer' or .*, not Preset"):
        resolve(own_parts.MINE, "gym:Pendulum-v1")


def test_a_preset_of_ones_own():
    resolved = resolve("py:own_parts:MINE", "gym:Pendulum-v1")
    assert (resolved.preset, resolved.parts.behaviour) == ("py:own_parts:MINE", EAGER)
    assert from_plain(json.loads(json.dumps(resolved.plain()))) == resolved
    assert default_path(resolved.preset, "gym:Pendulum-v1", 4).name == "MINE-Pendulum-v1-s4"


def test_a_class_that_no_other_process_finds_is_refused():
    class Local(own_parts.Eager):
        """Of this function alone."""

    nowhere = r"the behaviour should be a name, a function or a class itself, not EagerConfig"
    with pytest.raises(UserError, match=nowhere):
        resolve("dreamer", "gym:Pendulum-v1", parts={"behaviour": own_parts.EagerConfig()})
    with pytest.raises(
        UserError, match=r"the behaviour .*Local cannot be imported by name; move it to the top of a module"
    ):
        resolve("dreamer", "gym:Pendulum-v1", parts={"behaviour": Local})


def test_a_part_must_keep_its_protocol():
    with pytest.raises(UserError, match=r"--latent py:own_parts:Eager lacks bounded, .*, which every latent has"):
        Parts(backbone="gru", latent=EAGER, posterior="filter", behaviour="value-gradient")
