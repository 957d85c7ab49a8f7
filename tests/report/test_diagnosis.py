"""Each rule speaks of a run that was made to fail in its way, and is silent on one that learned."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ailing import facts
from tiny import tiny

from reverie.report import diagnosis
from reverie.report.calibration import Told
from reverie.report.diagnosis import RULES, Facts, diagnose
from reverie.report.evaluate import Episode
from reverie.report.measured import Measured
from reverie.results.recorded import Recorded
from reverie.types import Actions

LEARNED = Path(__file__).parents[2] / "results" / "swingup-repeat4" / "dreamer-s0"
UNPAID = {"objective.reward": 0.0}
UNSEEN = {"objective.vector": 0.0, "objective.reward": 0.0, "objective.continuation": 0.0}
SICK = {
    "kl_at_its_floor": ({"objective.free_nats": 1e3}, {}),
    "latents_unused": (
        UNSEEN | {"objective.representation": 1.0, "objective.free_nats": 0.0, "objective.optimiser.lr": 1e-2},
        {"train_every": 1},
    ),
    "entropy_collapsed": (
        {"behaviour.entropy": 0.0, "behaviour.actor_optimiser.lr": 1.0},
        {"env": "gym:CartPole-v1", "preset": "dreamerv2", "train_every": 1},
    ),
    "value_far_from_return": ({"behaviour.critic_optimiser.lr": 1e-12}, {}),
    "dream_flatters": (UNPAID, {}),  # a walk pays less than nothing
    "dream_despairs": (UNPAID, {"env": "py:ailing:indifferent"}),
    "no_better_than_chance": ({}, {"env": "py:ailing:indifferent"}),
    "fell_from_its_best": ({}, {"env": "py:ailing:fading", "eval_every": 16}),
    "learns_too_seldom": ({}, {"live": True, "train_every": 1}),
    "environment_slower": ({}, {"env": "py:ailing:slow", "train_every": 40}),
    "gradient_clipped": ({"objective.optimiser.clip": 1e-6}, {}),
    "reward_not_foretold": (UNPAID, {}),
    "dream_no_better_than_a_guess": ({"objective.optimiser.lr": 1e-12}, {}),
}


@pytest.fixture(scope="module")
def well():
    """The log of a run that learned, with measurements of an agent that knows its world."""
    run = Recorded(LEARNED)
    came = np.linspace(0, 4, 50)
    random = [Episode({}, np.zeros((251, 1)), np.full(251, 0.1), False)]
    error = np.linspace(0, 0.5, 50)
    return Facts(
        run.metrics,
        run.resolved,
        Measured(
            random,
            random,
            Told(came + 0.1, came),
            Told(np.ones(50), np.ones(50)),
            Actions(1),
            1e-3,
            {"position": {"dream": error, "repeat": 2 * error + 0.1, "mean": np.ones(50)}},
        ),
    )


def test_every_rule_has_a_run_that_fails_in_its_way():
    assert {rule.__name__ for rule in RULES} == set(SICK)


@pytest.mark.parametrize("name", SICK)
def test_a_rule_speaks_of_a_run_that_was_made_to_fail(name, tmp_path):
    values, changes = SICK[name]
    finding = getattr(diagnosis, name)(facts(tmp_path / "run", values, **changes))
    assert finding is not None
    assert finding.name == name.replace("_", "-")
    assert any(character.isdigit() for character in finding.message), "the figure that triggered it"
    assert finding.cure


def test_nothing_is_said_of_a_run_that_learned(well):
    assert [str(finding) for finding in diagnose(well)] == []


@pytest.mark.parametrize(("rule", "sign"), [(diagnosis.dream_flatters, 1), (diagnosis.dream_despairs, -1)])
def test_drawn_dreams_go_before_those_of_the_log(well, rule, sign):
    got = well.measured.played[0].total
    log = [
        line | {"eval/dreamed": line["eval/return"] + sign * 1e3} if "eval/return" in line else line
        for line in well.log
    ]
    assert rule(Facts(log, well.resolved)) is not None
    assert rule(Facts(log, well.resolved, replace(well.measured, promised=np.full(4, got)))) is None
    found = rule(Facts(well.log, well.resolved, replace(well.measured, promised=np.full(4, got + sign * 1e3))))
    assert found is not None and "1e+03" in found.message


def test_rules_are_silent_on_what_is_not_known():
    assert list(diagnose(Facts([], tiny()))) == []


def test_what_spoils_learning_comes_first(tmp_path):
    found = list(diagnose(facts(tmp_path / "run", UNPAID | {"objective.free_nats": 1e3})))
    levels = [finding.level for finding in found]
    assert {"violation", "note"} == set(levels)
    assert levels == sorted(levels, key=lambda level: level != "violation")


def test_the_page_has_every_rule():
    page = (Path(__file__).parents[2] / "docs" / "report.md").read_text()
    for rule in RULES:
        assert f"| `{rule.__name__.replace('_', '-')}` |" in page


def test_a_small_distance_is_no_fault_where_nothing_is_decoded():
    run = Recorded(LEARNED.parents[1] / "swingup-tdmpc2" / "tdmpc2-s0")
    assert diagnosis.latents_unused(Facts(run.metrics, run.resolved)) is None


@pytest.mark.parametrize("run", ["swingup-live/live-s0", "swingup-live/live-s1", "pendulum-live/live-s0"])
def test_live_runs_that_learned_did_so_often_enough(run):
    known = Recorded(LEARNED.parents[1] / run)
    assert diagnosis.learns_too_seldom(Facts(known.metrics, known.resolved)) is None


@pytest.mark.parametrize(
    ("frames", "updates", "found"), [(100, 29, True), (100, 30, False), (20, 10, False), (20, 5, False)]
)
def test_a_quarter_of_the_updates_in_turn_is_often_enough(frames, updates, found):
    resolved = tiny("daydreamer", prefill=20, pretrain=10, train_every=1, live=True)
    log = [{"frames": frames, "updates": updates}]
    assert (diagnosis.learns_too_seldom(Facts(log, resolved)) is not None) == found


@pytest.mark.parametrize(("live", "found"), [(True, False), (False, True)])
def test_nothing_waits_for_the_environment_of_a_live_run(live, found, well):
    slow = replace(well.measured, step_seconds=1.0)
    train = replace(well.resolved.config.train, live=live)
    resolved = replace(well.resolved, config=replace(well.resolved.config, train=train))
    assert (diagnosis.environment_slower(Facts(well.log, resolved, slow)) is not None) == found


@pytest.mark.parametrize(("preset", "group"), [("dreamerv3", "agent"), ("worldmodels", "memory"), ("twm", "dynamics")])
def test_a_clip_is_seen_in_every_group(preset, group):
    resolved = tiny(preset)
    log = [{"frames": 1, "updates": number, f"grad/{group}": 1e9} for number in range(9)]
    found = diagnosis.gradient_clipped(Facts(log, resolved))
    clips = {g.name: g.optimiser.clip for stage in resolved.program() for g in stage.groups}
    assert (found is not None) == bool(clips[group])
    assert found is None or f"the gradient of '{group}'" in found.message
