"""Programs as data."""

import pytest
from tiny import tiny

from reverie.agents.presets import PRESETS
from reverie.agents.program import Group, Stage, Until, axis_of, count_updates

LEARN = (Group(name="world", modules=("world",)),)


def test_updates_by_hand():
    program = (
        Stage(name="prefill", actor="random", until=Until(frames=100)),
        Stage(name="pretrain", groups=LEARN, until=Until(updates=7)),
        # 200 frames with a repeat of 4 are 50 agent steps, two for each update
        Stage(name="learn", actor="behaviour", collect=2, groups=LEARN, until=Until(frames=300)),
    )
    assert count_updates(program, repeat=4) == 7 + 25


def test_an_update_is_owed_only_for_all_its_steps():
    assert count_updates((Stage(name="learn", collect=2, behave=True, until=Until(frames=5)),), repeat=1) == 2


def test_a_stage_that_only_collects_makes_no_updates():
    assert count_updates((Stage(name="prefill", actor="random", until=Until(frames=100)),), repeat=1) == 0


@pytest.mark.parametrize("preset", PRESETS)
def test_what_curves_are_drawn_against(preset):
    assert axis_of(tiny(preset).program()) == ("updates" if preset == "worldmodels" else "frames")
