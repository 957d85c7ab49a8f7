"""Human-normalised scores."""

import pytest

from reverie.results.atari_scores import SCORES, human_normalised


def test_random_play_is_0_and_a_human_1():
    for game, reference in SCORES.items():
        assert human_normalised(f"ale:{game}", reference.random) == 0
        assert human_normalised(f"ale:{game}", reference.human) == 1


def test_numbers_of_others():
    """TWM's in Robine et al. 2023, table 1: Breakout 20.0 and Pong 18.8."""
    assert human_normalised("ale:Breakout", 20.0) == pytest.approx((20.0 - 1.7) / 28.8)
    assert human_normalised("ale:Pong", 18.8) == pytest.approx(39.5 / 35.3)


@pytest.mark.parametrize("env", ["ale:Adventure", "gym:Pong", "Pong", "dmc:Pong", "ale:pong", "py:mine:Pong", ""])
def test_what_is_none_of_the_games_has_none(env):
    assert human_normalised(env, 3.0) is None


def test_the_games_are_those_of_atari_100k():
    assert len(SCORES) == 26
    gymnasium, ale_py = pytest.importorskip("gymnasium"), pytest.importorskip("ale_py")
    gymnasium.register_envs(ale_py)
    assert {f"ALE/{game}-v5" for game in SCORES} <= set(gymnasium.registry)
