"""What is refused of dreams, and in which words."""

import shutil

import numpy as np
import pytest
from dreaming import played
from gymnasium.error import ResetNeeded

import reverie
from reverie.data.replay import Replay
from reverie.errors import UserError
from reverie.play import dreams


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.0}, r"temperature must be a positive number, not 0.0; 1 dreams as was learned"),
        ({"temperature": float("nan")}, r"temperature must be a positive number, not nan"),
        ({"temperature": float("inf")}, r"temperature must be a positive number, not inf"),
        ({"horizon": 0}, r"horizon must be at least 1, not 0"),
        ({"observe": "decode"}, r"unknown observe 'decode'; did you mean 'decoded'\?"),
        ({"start": "last"}, r"unknown start 'last'"),
        ({"device": "abacus"}, r"device 'abacus' cannot be used here"),
        (
            {"render_mode": "human"},
            r"render_mode cannot be 'human'; its world decodes no image; make a probe that draws: reverie probe",
        ),
    ],
)
def test_an_option_that_makes_no_sense(pendulum, options, message):
    with pytest.raises(UserError, match=message):
        reverie.DreamEnv(pendulum, **options)


def test_a_batch_of_none(pendulum):
    with pytest.raises(UserError, match="num_envs must be at least 1, not 0"):
        reverie.DreamVectorEnv(pendulum, 0)


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ("config.json", r"holds no run: it has no config.json"),
        ("checkpoint", r"no checkpoint .*run.safetensors; a run writes its first one at the end of its first stage"),
        ("replay", r"has no replay, which holds its steps: put back its folder replay/"),
        ("replay/0-000000.records", r"has 0 bytes, fewer than"),
    ],
)
def test_a_run_that_lacks_something(pendulum, tmp_path, lost, message):
    path = tmp_path / "run"
    shutil.copytree(pendulum, path)
    shutil.rmtree(path / lost) if (path / lost).is_dir() else (path / lost).unlink()
    with pytest.raises(UserError, match=message):
        reverie.DreamEnv(path)


def test_a_world_without_a_decoder(cartpole, monkeypatch):
    loaded = dreams.load

    def blind(run, device):
        agent, resolved = loaded(run, device)
        agent.world.decoder = None
        return agent, resolved

    monkeypatch.setattr(dreams, "load", blind)
    with pytest.raises(UserError, match=r"the run's world has no decoder; use observe='features'"):
        reverie.DreamEnv(cartpole, observe="decoded")
    assert len(played(reverie.DreamEnv(cartpole), 0)) > 30


def test_a_replay_without_beginnings(pendulum, monkeypatch):
    monkeypatch.setattr(Replay, "whole", lambda replay, name: [np.zeros(len(replay), bool)], raising=True)
    with pytest.raises(UserError, match=r"121 records hold no moment .*; start='any' may find others"):
        reverie.DreamEnv(pendulum)
    reverie.DreamEnv(pendulum, start="any").reset(seed=0)


def test_what_is_not_finite_is_not_handed_on(pendulum):
    env = reverie.DreamEnv(pendulum)
    env.reset(seed=0)
    with pytest.raises(UserError, match="a dream is not finite after 1 steps"):
        env.step(np.array([np.nan], np.float32))


def test_an_action_outside_the_space(cartpole):
    env = reverie.DreamEnv(cartpole)
    with pytest.raises(ResetNeeded):
        env.step(0)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="actions must lie in"):
        env.step(2)
