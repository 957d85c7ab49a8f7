"""VizDoom's scenarios by name."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec

from reverie.envs import make
from reverie.envs.doom import Screen
from reverie.envs.suites import open_env
from reverie.errors import MissingExtra, UserError

ACTIONS = np.random.default_rng(0).integers(3, size=125).repeat(8)


def opened(name="vizdoom:TakeCover", **options):
    return make(name, **options)


@pytest.fixture
def cover():
    env = opened()
    yield env
    env.close()


def play(env, seed, steps=1000):
    """Images "T height width 3", rewards and how the episode ended."""
    images, rewards, ends = [env.reset(seed=seed)[0]["image"]], [], (False, False)
    for action in ACTIONS[:steps]:
        seen, reward, *ends, _ = env.step(int(action))
        images.append(seen["image"])
        rewards.append(reward)
        if any(ends):
            break
    return np.stack(images), rewards, tuple(ends)


def same(one, other):
    return np.array_equal(one[0], other[0]) and one[1:] == other[1:]


def test_the_screen_alone_is_seen(cover):
    assert list(cover.observation_space) == ["image"]
    image = cover.observation_space["image"]
    assert (image.shape, image.dtype, cover.action_space.n) == ((64, 64, 3), np.uint8, 3)
    seen, _ = cover.reset(seed=0)
    assert cover.observation_space.contains(seen) and seen["image"].std() > 1
    assert cover.render().shape == (240, 320, 3)


def test_a_band_of_the_screen():
    env = opened(crop=(0.4, 0.7), size=(32, 64))
    seen, _ = env.reset(seed=0)
    assert seen["image"].shape == (32, 64, 3)
    assert abs(seen["image"].mean() - env.render()[96:168].mean()) < 1
    env.close()


def test_drawn_and_observed_are_the_same(cover):
    drawn = opened(pixels=True)
    assert same(play(drawn, 3, 20), play(cover, 3, 20))
    drawn.close()


def test_the_last_screen_is_shown_again_when_the_episode_is_over():
    env = open_env("vizdoom:TakeCover", None)
    before, _ = env.reset(seed=5)
    terminated = False
    while not terminated:
        last = before
        before, _, terminated, truncated, _ = env.step(0)
        assert before.max() > 0 and not truncated
    np.testing.assert_array_equal(before, last)
    np.testing.assert_array_equal(env.render(), last)
    assert env.unwrapped.state is None  # VizDoom has none to show
    env.close()


def test_rewards_of_held_actions_are_summed():
    env = opened(action_repeat=4, episode_limit=30)
    _, rewards, ends = play(env, 2, 30)
    assert rewards == [4.0] * 30 and ends == (False, True)
    env.close()


def test_a_seed_fixes_an_episode(cover):
    first = play(cover, 5)
    assert first[2] == (True, False)
    assert same(play(cover, 5), first)  # on the same one
    assert not same(play(cover, 6), first)
    play(cover, 7, 30)  # cut short
    assert same(play(cover, 5), first)  # after others
    fresh = opened()
    assert same(play(fresh, 5), first)  # on a new one
    play(cover, 8, 30)
    assert same(play(cover, 9, 60), play(fresh, 9, 60))
    fresh.close()


def test_a_time_limit_of_vizdooms_is_a_truncation():
    env = opened("vizdoom:Basic", action_repeat=10)
    env.reset(seed=1)
    ends = [env.step(0)[2:4] for _ in range(30)]
    assert ends == [(False, False)] * 29 + [(False, True)]
    env.close()


def test_the_newest_version(monkeypatch):
    import vizdoom.gymnasium_wrapper  # noqa: F401

    spec = gymnasium.spec("VizdoomTakeCover-v1")
    for version in (12, 3):
        newer = EnvSpec(f"VizdoomTakeCover-v{version}", entry_point=spec.entry_point, kwargs=spec.kwargs)
        monkeypatch.setitem(gymnasium.registry, newer.id, newer)
    env = opened()
    assert env.spec is not None and env.spec.id == "VizdoomTakeCover-v12"
    env.close()


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    env = open_env("vizdoom:TakeCover", None)
    assert isinstance(env, Screen)
    assert [path.name for path in tmp_path.iterdir()] == [Path(env.unwrapped.game.get_doom_config_path()).parent.name]
    env.close()
    env.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no such signals here")
def test_what_stops_the_program_does_not_stop_the_engine():
    """A terminal's Ctrl-C reaches all processes; and one that does not close its environment ends quietly."""
    code = (
        "import os, signal\n"
        "from reverie.envs import make\n"
        "signal.signal(signal.SIGINT, lambda *_: print('told', flush=True))\n"
        "env = make('vizdoom:TakeCover')\n"
        "env.reset(seed=0)\n"
        "os.killpg(0, signal.SIGINT)\n"
        "print([env.step(0)[1] for _ in range(9)] == [1.0] * 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, start_new_session=True, env=dict(os.environ)
    )
    assert (done.stdout, done.stderr) == ("told\nTrue\n", "")


def test_an_unknown_scenario_is_told():
    with pytest.raises(UserError, match="unknown scenario of VizDoom 'TakeCovr'; did you mean 'TakeCover'"):
        opened("vizdoom:TakeCovr")
    with pytest.raises(UserError, match="they are named like Basic and TakeCover"):
        opened("vizdoom:zzz")


def test_a_game_that_is_not_there_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(UserError, match=r"vizdoom:DoomE1M1-S1 could not be opened \(.*doom.wad.*\): mend that"):
        opened("vizdoom:DoomE1M1-S1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("module", "told"),
    [("vizdoom", r"'vizdoom'.*'reverie\[vizdoom\]'"), ("pygame", r"'pygame'.*'reverie\[pixels\]'")],
)
def test_the_extra_is_named(monkeypatch, module, told):
    monkeypatch.setitem(sys.modules, module, None)
    for name in [name for name in sys.modules if name.startswith("vizdoom.gymnasium_wrapper.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingExtra, match=f"vizdoom:TakeCover needs the package {told}"):
        opened()
