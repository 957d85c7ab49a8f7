"""Atari games by name."""

import sys

import numpy as np
import pytest

from reverie.envs.make import make
from reverie.envs.probe import episode_limit
from reverie.errors import MissingExtra, UserError


def test_a_game_is_seen_as_published_agents_see_it():
    pytest.importorskip("ale_py")
    env = make("ale:Pong")
    image = env.observation_space["image"]
    assert (image.shape, image.dtype, env.action_space.n) == ((64, 64, 3), np.uint8, 6)
    kwargs = env.unwrapped.spec.kwargs
    assert kwargs["repeat_action_probability"] == 0 and kwargs["frameskip"] == 1
    seen, _ = env.reset(seed=3)
    before = env.unwrapped.ale.getEpisodeFrameNumber()
    env.step(0)
    assert env.unwrapped.ale.getEpisodeFrameNumber() == before + 4
    assert seen["image"].std() > 1
    assert env.render().shape == (210, 160, 3)


def test_pixels_are_what_it_observes_anyway():
    """Drawn anew, sprites that flicker would be missing in every other frame."""
    pytest.importorskip("ale_py")
    played = []
    for options in ({}, {"pixels": True}):
        env = make("ale:Asteroids", **options)
        seen = [env.reset(seed=1)[0]["image"], *[env.step(step % 5)[0]["image"] for step in range(30)]]
        played.append(np.stack(seen))
    assert np.array_equal(*played)
    assert make("ale:Asteroids", pixels=True, size=96).observation_space["image"].shape == (96, 96, 3)


def test_its_own_limit_is_known():
    pytest.importorskip("ale_py")
    assert episode_limit(make("ale:Enduro")) == 108_000 // 4


def test_a_seed_fixes_a_game():
    pytest.importorskip("ale_py")
    played = []
    for _ in range(2):
        env = make("ale:Breakout")
        first = env.reset(seed=5)[0]["image"]
        played.append([first, *[env.step(step % 4)[0]["image"] for step in range(40)]])
    assert np.array_equal(*map(np.stack, played))


def test_losing_a_life_ends_nothing():
    pytest.importorskip("ale_py")
    env = make("ale:Breakout")
    env.reset(seed=0)
    lives, over = [5], False
    while len(lives) < 3:
        _, _, over, cut, info = env.step(1)
        assert not (over or cut)
        lives += [info["lives"]] if info["lives"] != lives[-1] else []
    assert lives == [5, 4, 3]


def test_an_unknown_game_is_told():
    pytest.importorskip("ale_py")
    with pytest.raises(UserError, match="did you mean 'Pong'"):
        make("ale:Pongg")


def test_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ale_py", None)
    with pytest.raises(MissingExtra, match=r"ale:Pong needs the package 'ale-py'.*pip install 'reverie\[atari\]'"):
        make("ale:Pong")
