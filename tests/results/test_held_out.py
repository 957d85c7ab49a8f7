"""Errors of dreams on episodes that nobody has learned from."""

import math

import pytest
from tiny import tiny

from reverie.errors import UserError
from reverie.results.held_out import held_out
from reverie.train.run import run as train


def made(folder, *preset):
    return train(tiny(*preset), folder, pictures=False, say=lambda line: None).path


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return made(tmp_path_factory.mktemp("runs") / "run")


def test_dreams_are_compared_with_both_guesses(run):
    (figures,) = held_out(run, episodes=3, context=2, steps=4, start=1).values()
    guess = min(figures["repeat"], figures["mean"])
    assert figures["share of the better guess"] == pytest.approx(figures["dream"] / guess)
    assert figures["expected share"] == pytest.approx(figures["expected"] / guess)
    assert all(math.isfinite(value) for value in figures.values())


def test_a_dream_after_nothing_is_refused(run):
    with pytest.raises(UserError, match="--context must be at least 1, not 0"):
        held_out(run, 2, 0, 4, 1)


def test_a_world_that_decodes_nothing_is_refused(tmp_path):
    run = made(tmp_path / "run", "tdmpc2")
    with pytest.raises(UserError, match="decodes no observation"):
        held_out(run, 2, 2, 4, 1)
