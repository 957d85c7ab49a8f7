"""Suites are what the command line takes."""

import pytest

from reverie.cli.arguments import parse
from reverie.errors import UserError
from reverie.results.suites import ALONE, SUITES, named
from reverie.results.suites.recurrent import REPEAT_2_TASKS

RUNS = [(suite, name, line) for suite, known in SUITES.items() for name, line in known.runs.items()]


@pytest.mark.parametrize(("suite", "name", "line"), RUNS, ids=lambda value: value.split()[0])
def test_every_command_line_is_accepted(suite, name, line):
    resolved = parse([*line.split(), *ALONE.split()]).resolved
    assert resolved.config.train.threads == 1 and resolved.config.train.device == "cpu"
    if "-s" in name and name.rsplit("-s", 1)[1].isdigit():
        assert resolved.config.train.seed == int(name.rsplit("-s", 1)[1])


def test_the_published_tasks_are_all_there():
    runs = SUITES["dmc-repeat2"].runs
    assert set(runs) == {f"{task}-s{seed}" for task in REPEAT_2_TASKS for seed in (0, 1)}
    resolved = parse(runs["walker-walk-s1"].split()).resolved.config
    assert (resolved.env.env, resolved.env.action_repeat, resolved.train.seed) == ("dmc:walker-walk", 2, 1)
    assert (resolved.train.train_every, resolved.train.eval_every) == (2, 10_000)
    assert parse(runs["finger-spin-s0"].split()).resolved.config.train.train_every == 4


def test_what_a_suite_is_compared_with_is_a_run_of_another():
    for suite in SUITES.values():
        if suite.beside:
            other, name = suite.beside.split("/")
            assert name in SUITES[other].runs
            assert suite.frames


def test_names():
    assert named(["all"]) == SUITES
    assert list(named(["pendulum", "ablations"])) == ["pendulum", "ablations"]
    with pytest.raises(UserError, match="unknown suite 'pendulm'; did you mean 'pendulum'"):
        named(["pendulm"])
