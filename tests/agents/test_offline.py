"""What becomes of a preset's program where all is recorded."""

from dataclasses import replace

import pytest
from tiny import tiny

from reverie.agents.offline import Offline
from reverie.agents.presets import PRESETS
from reverie.agents.program import Stage, count_frames, count_updates
from reverie.agents.resolve import from_plain
from reverie.errors import UserError


def offline(preset, updates=0, eval_every=0, **changes):
    terms = Offline(data=("run",), updates=updates, eval_every=eval_every)
    return replace(tiny(preset, **changes), offline=terms)


def told(program):
    return [(stage.name, stage.until.updates, stage.evaluate) for stage in program]


@pytest.mark.parametrize("preset", PRESETS)
def test_nothing_is_collected_and_the_data_come_first(preset):
    resolved = offline(preset)
    program = resolved.program()
    assert count_frames(program) == 0
    assert [stage.actor for stage in program] == ["none"] * len(program)
    assert [stage.recorded for stage in program] == [True] + [False] * (len(program) - 1)
    own = PRESETS[preset].program(resolved.config)
    assert program[0].measure == any(stage.measure for stage in own)
    # As many updates as the preset makes where it collects, and the same groups.
    assert count_updates(program, 1) == count_updates(own, 1)
    assert {group.name for stage in program for group in stage.groups} == {
        group.name for stage in own for group in stage.groups
    }


def test_nobody_acts_while_it_learns_from_what_is_recorded():
    program = offline("daydreamer", live=True).program()
    assert not any(stage.live for stage in program)
    assert told(program) == told(offline("daydreamer").program())


def test_what_pretraining_learned_too_is_one_stage():
    assert told(offline("dreamer", 60, 7).program()) == [("data", 0, None), ("learn", 60, 7)]


def test_a_tenth_of_the_updates_lies_between_evaluations():
    assert told(offline("dreamer", 60).program())[-1] == ("learn", 60, 6)
    assert told(offline("dreamer", 3).program())[-1] == ("learn", 3, 1)


def test_stages_with_updates_of_their_own_keep_them():
    assert told(offline("twm", 60, 7, pretrain=20).program()) == [
        ("data", 0, None),
        ("see", 12, None),
        ("predict", 6, None),
        ("learn", 42, 7),
    ]
    assert told(offline("worldmodels").program()) == [
        ("data", 0, None),
        ("vision", 4, 0),
        ("memory", 4, 0),
        ("control", 4, 2),
    ]


@pytest.mark.parametrize(
    ("preset", "updates", "message"),
    [
        ("twm", 18, r"--updates 18 leaves nothing after the 18 of see, predict; raise it, or lower --pretrain"),
        ("worldmodels", 50, r"--updates is for programs that learn all at once; vision, memory, control have numbers"),
        ("dreamer", -1, r"--updates must not be negative, not -1"),
    ],
)
def test_updates_that_do_not_suit_the_stages(preset, updates, message):
    with pytest.raises(UserError, match=message):
        offline(preset, updates, pretrain=20)


def test_the_real_arena_is_refused():
    resolved = tiny("worldmodels")
    behaviour = replace(resolved.config.behaviour, arena="real")
    real = replace(resolved, config=replace(resolved.config, behaviour=behaviour))
    with pytest.raises(UserError, match="--arena real tries controllers out in the environment"):
        replace(real, offline=Offline(data=("run",)))


def test_a_configuration_of_each_kind_survives_json():
    resolved = offline("dreamer", 60, 7)
    assert from_plain(resolved.plain()) == resolved
    assert "offline" not in tiny().plain()
    with pytest.raises(UserError, match="unknown key of offline 'updatess'; did you mean 'updates'"):
        from_plain(resolved.plain() | {"offline": {"updatess": 3}})


def test_a_stage_learns_where_a_world_or_a_behaviour_does():
    program = tiny().program()
    assert [stage.learns for stage in program] == [False, True, True]
    assert not Stage(name="data", recorded=True, until=program[0].until).learns
