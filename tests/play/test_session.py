"""What a session dreams, beside reality and alone."""

import json

import numpy as np
import pytest
import torch
from dreaming import made

from reverie.agents.presets import PRESETS
from reverie.errors import UserError
from reverie.play.page import session as module
from reverie.play.page.messages import LONGEST, parse, shown
from reverie.play.page.session import Session


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """A run that learned from pixels."""
    return made(tmp_path_factory.mktemp("runs") / "walk", env="py:tiny:walk", pixels=True, size=16)


def lost(path, monkeypatch, *, decoder=True, draws=True):
    """A session whose world decodes nothing, or whose environment draws nothing."""
    load = module.load

    def blind(run, device):
        agent, resolved = load(run, device)
        agent.world.decoder = agent.world.decoder if decoder else None
        return agent, resolved

    def undrawn(env):
        raise UserError("it draws no image")

    monkeypatch.setattr(module, "load", blind)
    if not draws:
        monkeypatch.setattr("reverie.play.page.reality.frame", undrawn)
    return Session(path)


def test_pixels_beside_reality(walk):
    session = Session(walk)
    first = session.look()
    assert first.dream.shape == first.real.shape == (16, 16, 3)
    assert (first.step, first.real_reward, first.seen, first.dreamed) == (0, 0.0, [], [])
    frame = session.step([1.0])
    assert (frame.step, frame.controls) == (1, [1.0])
    assert frame.error > 0 and frame.real_reward < 0 and frame.value is not None
    assert frame.latent.min() >= 0 and frame.latent.max() <= 1


def test_state_beside_reality(pendulum):
    session = Session(pendulum)
    frames = [session.step([0.5]) for _ in range(3)]
    assert all(len(frame.dreamed) == len(frame.seen) == 3 for frame in frames)
    assert frames[0].dream is None and frames[0].real.ndim == 3
    assert frames[0].seen != frames[1].seen
    assert session.described()["vectors"] == ["state 0", "state 1", "state 2"]
    assert session.guess == pytest.approx(1, abs=0.2)  # in deviations of the run


def test_both_get_the_same_action(walk):
    session, other = Session(walk), Session(walk)
    right = [session.step([1.0]) for _ in range(4)][-1]
    left = [other.step([-1.0]) for _ in range(4)][-1]
    assert np.argmax(right.real[0, :, 0]) > np.argmax(left.real[0, :, 0])
    assert (right.dream != left.dream).any()


def test_a_dreamed_step_is_the_worlds(pendulum):
    session = Session(pendulum, seed=3)
    state, world, generator = session._state, session._world, torch.Generator()
    generator.set_state(session._generator.get_state())
    frame = session.step([0.5])
    with torch.inference_mode():
        state = world.imagine(torch.tensor([[0.5]]), state, generator, 1.0)
        reward = float(world.reward(state.features) * world.preprocess.reward_unit)
    assert torch.equal(state.stoch, session._state.stoch)
    assert frame.reward == pytest.approx(reward)


def test_a_session_repeats_itself(pendulum):
    def played(seed):
        session = Session(pendulum, seed=seed)
        return [session.step([0.1 * step]).dreamed for step in range(5)]

    assert played(1) == played(1) != played(2)


def test_the_posterior_follows_reality(pendulum):
    session = Session(pendulum)
    session.posterior = True
    for _ in range(3):
        frame = session.step([1.0])
        assert torch.equal(session._state.stoch, session._awake.stoch)
        assert frame.left is None
    session.posterior = False
    session.step([1.0])
    assert not torch.equal(session._state.stoch, session._awake.stoch)


def test_the_agent_acts(walk):
    session = Session(walk)
    session.agent_acts = True
    state = session._state
    frame = session.step([1.0])
    with torch.inference_mode():
        action = session._agent.behaviour.actor.mode(state.features)
    assert frame.controls == pytest.approx(action[0].tolist(), abs=1e-6)


def test_the_dream_has_left_where_it_is_worse_than_the_mean(pendulum):
    session = Session(pendulum)
    session._departure.guess = float("inf")
    assert session.reset().left is None
    assert all(session.step([0.0]).left is None for _ in range(3))
    session._departure.guess = 0.0
    assert [session.step([0.0]).left for _ in range(3)] == [4, 4, 4]
    assert session.reset().left == 0


def test_the_error_by_hand(pendulum):
    session = Session(pendulum)
    frame = session.step([0.0])
    std = session._world.preprocess.transforms[0].std.numpy()
    misses = (np.array(frame.dreamed) - np.array(frame.seen)) / std
    assert frame.error == pytest.approx(float(np.sqrt(np.square(misses).mean())), rel=1e-4)


def test_alone_from_a_moment(walk):
    session = Session(walk)
    seen = session._reality._steps
    frame = session.begin(5)
    assert session.alone and frame.real is not None and frame.step == 0
    frame = session.step([1.0])
    assert session._reality._steps == seen
    assert (frame.real, frame.error, frame.real_reward, frame.over) == (None, None, None, False)
    assert not (session.reset().over or session.alone)


def test_an_episode_that_is_over_is_followed_by_another(walk):
    session = Session(walk)
    frames = [session.step([0.0]) for _ in range(11)]
    assert [frame.over for frame in frames] == [False] * 9 + [True, False]
    assert frames[-1].step == 0


def test_choices(cartpole):
    session = Session(cartpole)
    assert session.controls.described() == [{"choices": ["0", "1"]}]
    assert session.step([1.0]).controls == [1.0]
    with pytest.raises(UserError, match=r"whole number from 0 to 1, not 2\.0"):
        session.controls.check([2.0])


def test_sliders_have_the_environments_ends(pendulum):
    assert Session(pendulum).controls.described() == [{"low": -2.0, "high": 2.0}]


def test_a_world_without_a_decoder(walk, monkeypatch):
    session = lost(walk, monkeypatch, decoder=False)
    frame = session.step([0.0])
    assert (frame.dream, frame.error, frame.left, session.guess) == (None, None, None, None)
    assert frame.real is not None
    assert "no decoder" in session.described()["notes"][0]


def test_an_environment_that_draws_nothing(pendulum, monkeypatch):
    session = lost(pendulum, monkeypatch, draws=False)
    assert session.step([0.0]).real is None
    assert session.described()["notes"] == ["The environment is not to be seen: it draws no image."]


def test_what_is_not_finite_is_not_shown(pendulum):
    session = Session(pendulum)
    session._state = session._state._replace(stoch=session._state.stoch * float("nan"))
    with pytest.raises(UserError, match="the dream is not finite after 1 steps: reset it"):
        session.step([0.0])
    assert session.reset().step == 0


def test_neither_is_what_is_not_finite_once_it_is_decoded(pendulum, monkeypatch):
    session = Session(pendulum)
    restore = session._world.preprocess.restore
    monkeypatch.setattr(
        session._world.preprocess, "restore", lambda found: {key: x / 0 for key, x in restore(found).items()}
    )
    with pytest.raises(UserError, match="the dream is not finite after 1 steps: reset it"):
        session.step([0.0])


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset(preset, tmp_path):
    session = Session(made(tmp_path / "run", preset))
    session.agent_acts = True
    for _ in range(3):
        json.loads(shown(session.step(session.controls.idle), session, paused=False))
    session.posterior = True
    assert session.step(session.controls.idle).step == 4
    session.begin(len(session.moments) - 1)
    assert session.step(session.controls.idle).step == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be JSON"),
        ("{", "must be JSON"),
        ("[" * 4000, "must be JSON"),
        ('{"act": [NaN]}', "must be JSON"),
        ('{"act": [1e999]}', "finite number"),
        ('{"act": [true]}', "finite number"),
        ('{"ping": 1' + "0" * 400 + "}", "finite number"),
        ('{"act": 1}', "list of numbers"),
        ('{"act": []}', "needs 1 numbers, not 0"),
        ("[1]", "object with one key"),
        ('{"act": [0], "reset": null}', "object with one key"),
        ('{"shout": 1}', "unknown message 'shout'"),
        ('{"look": null}', "unknown message 'look'"),
        ('{"agent": 1}', "true or false"),
        ('{"temperature": 0}', "above 0 and at most 1000"),
        ('{"temperature": "hot"}', "finite number"),
        ('{"moment": 999999}', "whole number from 0 to"),
        ('{"moment": 0.5}', "whole number from 0 to"),
        ('{"reset": 1}', "must be null"),
        (f'{{"ping": {"1" * LONGEST}}}', "may have 4096 characters"),
    ],
)
def test_a_message_that_makes_no_sense(pendulum, text, message):
    with pytest.raises(UserError, match=message):
        parse(text, Session(pendulum))
