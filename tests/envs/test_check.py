"""Each fault is found, by its name; what is sound is left alone."""

import broken
import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.wrappers import TimeLimit

from reverie.envs import make
from reverie.envs.check import (
    bad_actions,
    bad_observation_space,
    not_repeatable,
    odd_spaces,
    probe_findings,
    uneven_images,
)
from reverie.envs.probe import episode_limit, leaves, probe, repeats, speed
from reverie.errors import Finding, violations


def findings(kind, env=None):
    """All that is found of an environment, as `reverie check-env` looks for it."""
    env = kind() if env is None else env
    spaces_ = bad_actions(env.action_space) + bad_observation_space(env, "it") + odd_spaces(env)
    probed = probe(env, episodes=4, steps=400)
    again = not_repeatable(repeats(env, probed), repeats(kind(), probed))
    return spaces_ + probe_findings(probed) + again


def names(found):
    return {(finding.name, finding.level) for finding in found}


@pytest.mark.parametrize(
    ("kind", "name", "level", "words"),
    [
        (broken.Unbounded, "infinite-action-bounds", "violation", "RescaleAction"),
        (broken.TwoHands, "unsupported-action-space", "violation", "the action space Tuple(Box("),
        (broken.Words, "unsupported-observation-space", "violation", "Text(1, 5"),
        (broken.Tight, "odd-space", "note", "minimum values are equal"),
        (broken.PoisonedReward, "reward-not-finite", "violation", "a reward of nan"),
        (broken.ArrayReward, "reward-type", "violation", "type ndarray (array([1.])), not a number; return float"),
        (broken.NoReward, "reward-type", "violation", "type NoneType"),
        (broken.Outside, "observation-outside-space", "note", "outside Box(-10.0, 10.0, (2,), float32)"),
        (broken.WrongChoice, "observation-outside-space", "violation", "'observation' was 3, outside Discrete(3)"),
        (broken.Poisoned, "observation-not-finite", "violation", "'observation' held"),
        (broken.Wide, "observation-shape", "violation", "has the shape (3,), its space says (2,)"),
        (broken.MissingKey, "observation-shape", "violation", "'gone' is missing"),
        (broken.Double, "observation-dtype", "note", "is float64, its space says float32"),
        (broken.FractionalImage, "observation-dtype", "violation", "return uint8 from 0 to 255"),
        (broken.BothEnds, "terminated-and-truncated", "violation", "both true at the end of all 4 episodes"),
        (broken.Timed, "terminated-at-one-length", "note", "terminated after 5 steps"),
        (broken.Endless, "never-ends", "violation", "no episode ended within 400 steps"),
        (broken.IntegerEnds, "end-type", "note", "terminated is of type int"),
        (broken.Unseeded, "not-repeatable", "note", "played again, it did something else"),
        (broken.Remembering, "not-repeatable", "note", "played again, it did something else"),
        (broken.MadeByChance, "not-repeatable", "note", "made anew, it did something else"),
        (broken.Reusing, "aliased-observation", "note", "changed after it was returned"),
        (broken.Blank, "constant-observation", "violation", "nothing that is observed ever changed"),
        (broken.HalfBlank, "constant-observation", "note", "'blank' never changed"),
        (broken.WithoutInfo, "reset-without-info", "violation", "reset returned a ndarray, not a tuple"),
        (broken.Seedless, "reset-takes-no-seed", "violation", "give it the signature reset(self, *, seed=None"),
        (broken.OldStep, "step-result", "violation", "step returned 4 things, not five"),
        (broken.Failing, "fails", "violation", "raised ZeroDivisionError: division by zero"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_fault_has_its_name(kind, name, level, words):
    found = [finding for finding in findings(kind) if finding.name == name]
    assert [finding.level for finding in found] == [level]
    assert words in str(found[0]) and "\n" not in str(found[0]) and "\x1b" not in str(found[0])


def test_nothing_is_wrong_with_what_is_sound():
    assert findings(broken.Sound) == []


@pytest.mark.parametrize("name", ["Pendulum-v1", "CartPole-v1", "dmc:cartpole-balance"])
def test_known_environments_are_sound(name):
    from reverie.envs.suites import open_env

    assert not violations(findings(lambda: open_env(name, None)))


def test_a_fault_alone_is_all_that_is_found():
    assert names(findings(broken.Reusing)) == {("aliased-observation", "note")}
    assert names(findings(broken.BothEnds)) == {("terminated-and-truncated", "violation")}


def test_a_known_limit_makes_sure_that_an_end_is_one():
    timed = lambda: TimeLimit(broken.Timed(), 5)  # noqa: E731
    assert ("terminated-and-truncated", "violation") in names(findings(timed))

    class Declared(broken.Timed):
        """It knows its limit, and tells it as the wrong end."""

        spec = gymnasium.envs.registration.EnvSpec("Declared-v0", max_episode_steps=5)

    assert ("terminated-at-time-limit", "violation") in names(findings(Declared))


def test_a_limit_is_an_end():
    assert findings(lambda: TimeLimit(broken.Endless(), 50)) == []


@pytest.mark.parametrize(
    ("name", "arguments", "limit"),
    [
        ("Pendulum-v1", {}, 200),
        ("dmc:cartpole-balance", {}, 1000),
        ("CartPole-v1", {"episode_limit": 40}, 40),
    ],
)
def test_limits_are_known(name, arguments, limit):
    env = make(name, **arguments)
    assert episode_limit(env) == limit
    env.close()


def test_no_limit_is_none():
    assert episode_limit(broken.Sound()) is None


@pytest.mark.parametrize(
    ("shape", "stages", "words"),
    [
        ((40, 64, 3), 4, "'eye' is an image of 40 x 64, which cannot be halved 4 times; resize it to 32 x 64"),
        ((84, 84, 3), 4, "resize it to 80 x 80"),
        ((84, 84, 3), 4, "or --encoder.cnn.stages 2 --decoder.cnn.stages 2"),
        ((7, 9, 1), 3, "resize it to 8 x 8 (with --pixels: --size; else gymnasium.wrappers.ResizeObservation)"),
        ((1, 1, 3), 2, "resize it to 4 x 4"),
    ],
)
def test_images_whose_sides_are_odd(shape, stages, words):
    found = uneven_images({"eye": shape, "state": (3,), "fine": (2**stages, 2**stages * 3, 1)}, stages)
    assert [finding.name for finding in found] == ["image-sides"]
    assert words in str(found[0])
    assert ("--encoder.cnn.stages" in str(found[0])) == all(side % 2 == 0 for side in shape[:2])


def test_leaves_have_the_names_of_their_path():
    space = spaces.Dict(a=spaces.Tuple([spaces.Discrete(2), spaces.Box(0, 1, (1,))]), b=spaces.Discrete(3))
    assert [(name, value) for name, _, value in leaves(space, {"a": (1, 2.0)})] == [
        ("a.0", 1),
        ("a.1", 2.0),
        ("b", None),
    ]
    assert [name for name, _, _ in leaves(spaces.Discrete(2), 0)] == ["observation"]


def test_the_probe_stays_within_its_steps():
    probed = probe(broken.Endless(), episodes=3, steps=120)
    assert (probed.steps, len(probed.episodes)) == (120, 1)
    assert len(probe(broken.Timed(), episodes=3, steps=120).ended) == 3


def test_the_probe_repeats_itself():
    one, other = (probe(broken.Sound(), seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.actions[0], other.actions[0])
    assert [m.reward for m in one.moments] == [m.reward for m in other.moments]


def test_speed_is_positive():
    assert speed(make(broken.Sound), steps=20) > 0


def test_a_finding_is_one_line():
    assert str(Finding("note", "a-name", "what", "do this")) == "note       a-name: what; do this"
    assert str(Finding("fine", "a-name", "what")) == "fine       a-name: what"
