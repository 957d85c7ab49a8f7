"""`reverie check-env`: what it prints, and how it ends."""

import re
from pathlib import Path

import pytest
from command import call


def test_an_environment_that_is_fit(capsys):
    outcome = call(capsys, "check-env", "py:tiny:walk", "--episodes", "3", "--action-repeat", "2")
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    for pattern in (
        r"environment +py:tiny:walk",
        r"observation +Box\(-inf, inf, \(2,\), float32\)",
        r"action +Box\(-2\.0, 2\.0, \(1,\), float32\)",
        r"time limit +none known",
        r"episodes +3 ended in 30 steps, after 10 to 10: 0 terminated, 3 truncated",
        r"reward +-\S+ to -?\S+, mean -\S+",
        r"speed +[\d,]+ steps/s",
        r"  'state' +float32 \(2,\); encoder MLP, decoder MLP",
        r"  action +continuous, 1 in \[-1, 1\] \(BoxCodec\)",
        r"  heads +reward squared, continuation Bernoulli",
        r"  actor +continuous \(\w+\)",
        r"as trained +[\d,]+ agent steps/s, action repeat 2",
        r"fit for training",
    ):
        assert any(re.fullmatch(pattern, line) for line in lines), (pattern, outcome.out)
    assert list(Path().iterdir()) == []


def test_choices_have_an_actor_of_their_own(capsys):
    outcome = call(capsys, "check-env", "gym:CartPole-v1")
    assert outcome.code == 0, outcome.out
    assert "  action          discrete, 2 choices (OneHotCodec)" in outcome.out
    assert "  actor           discrete (OneHots)" in outcome.out


def test_pixels_are_seen_by_convolutions(capsys):
    outcome = call(capsys, "check-env", "py:tiny:walk", "--pixels", "--size", "16")
    assert outcome.code == 0
    assert "  'image'         uint8 (16, 16, 3); encoder CNN, decoder CNN" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("py:tiny:poisoned",), "observation-not-finite"),
        (("py:tiny:walk", "--pixels", "--size", "40"), "image-sides"),
        (("py:broken:Unbounded",), "infinite-action-bounds"),
        (("py:broken:Words",), "unsupported-observation-space"),
        (("py:broken:Endless",), "never-ends"),
        (("py:broken:Sound", "--pixels"), "refused"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_unfit_is_named_and_ends_in_2(capsys, monkeypatch, arguments, name):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "envs"))
    outcome = call(capsys, "check-env", *arguments)
    assert outcome.code == 2
    assert outcome.err.strip() == f"reverie: {arguments[0]} is not fit for training: {name}"
    assert len(re.findall(rf"^violation  {name}: ", outcome.out, re.MULTILINE)) == 1
    assert "fit for training" not in outcome.out


def test_notes_alone_end_in_0(capsys, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "envs"))
    outcome = call(capsys, "check-env", "py:broken:Unseeded")
    assert (outcome.code, outcome.err) == (0, "")
    assert "note       not-repeatable: " in outcome.out


def test_a_preset_of_ones_own_is_tried_at_its_first_scale(capsys, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "agents"))
    outcome = call(capsys, "check-env", "py:tiny:walk", "--preset", "py:own_parts:SMALL")
    assert outcome.code == 0, outcome.err


def test_a_episode_limit_cures_an_endless_environment(capsys, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "envs"))
    outcome = call(capsys, "check-env", "py:broken:Endless", "--episode-limit", "20", "--action-repeat", "2")
    assert outcome.code == 0, outcome.out
    assert "time limit        40 steps" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("Pendulum-v7",), "did you mean 'Pendulum-v1'?"),
        (("py:tiny:walk", "--episodes", "0"), "--episodes must be at least 1, not 0"),
        (("py:tiny:walk", "--scale", "papper"), "did you mean 'paper'?"),
    ],
)
def test_mistakes_are_one_line(capsys, arguments, words):
    outcome = call(capsys, "check-env", *arguments)
    assert (outcome.code, outcome.out, len(outcome.err.splitlines())) == (2, "", 1)
    assert words in outcome.err
