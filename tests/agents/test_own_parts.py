"""Parts and presets of a user's own are named as environments are, and found again."""

import json
from dataclasses import fields

import own_parts
import pytest

from reverie.agents.parts import PARTS, PROTOCOLS, Parts, part
from reverie.agents.resolve import from_plain, resolve
from reverie.errors import UserError
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


def test_a_preset_of_ones_own():
    resolved = resolve("py:own_parts:MINE", "gym:Pendulum-v1")
    assert (resolved.preset, resolved.parts.behaviour) == ("py:own_parts:MINE", EAGER)
    assert from_plain(json.loads(json.dumps(resolved.plain()))) == resolved
    assert default_path(resolved.preset, "gym:Pendulum-v1", 4).name == "MINE-Pendulum-v1-s4"


def test_a_class_that_no_other_process_finds_is_refused():
    class Local(own_parts.Eager):
        """Of this function alone."""

    with pytest.raises(UserError, match=r"the behaviour .*Local cannot be imported by name; move it into a module"):
        resolve("dreamer", "gym:Pendulum-v1", parts={"behaviour": Local})


def test_a_part_must_keep_its_protocol():
    with pytest.raises(UserError, match=r"--latent py:own_parts:Eager lacks bounded, .*, which every latent has"):
        Parts(backbone="gru", latent=EAGER, posterior="filter", behaviour="value-gradient")
