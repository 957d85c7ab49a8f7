"""Gymnasium's CarRacing, the task of World Models, through the gym suite."""

import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.wrappers import RepeatAction, TransformAction

from reverie.envs import codec, make
from reverie.envs.racing import RepeatUndrawn
from reverie.errors import MissingExtra

ROAD = {"crop": (0, 0.875)}
"""Rows 0 to 83 of 96: without the bar of instruments below."""


def play(env, seed, steps=25):
    """Images and rewards, turning and braking now and then."""
    images, rewards = [env.reset(seed=seed)[0]["image"]], []
    for step in range(steps):
        action = np.array([np.sin(step / 5), 0.7, 0.3 * (step % 7 == 6)], np.float32)
        seen, reward, *_ = env.step(action)
        images.append(seen["image"])
        rewards.append(reward)
    return np.stack(images), rewards


@pytest.fixture
def car():
    env = make("gym:CarRacing-v3", **ROAD)
    yield env
    env.close()


def test_the_road_is_seen_without_the_instruments(car):
    seen, _ = car.reset(seed=0)
    assert seen["image"].shape == (64, 64, 3) and seen["image"].dtype == np.uint8
    assert seen["image"][-1].max() > 0  # the bar is black
    whole = make("gym:CarRacing-v3")
    image = whole.reset(seed=0)[0]["image"]
    assert image.shape == (96, 96, 3) and (image[85:, 20] == 0).all() and (image[83] != 0).any()
    whole.close()


def test_at_0_the_gas_is_half_and_the_brake_rests():
    env, own = make("gym:CarRacing-v3", action_repeat=2), gymnasium.make("CarRacing-v3")
    actions = codec(env.action_space)
    assert (actions.size, actions.groups) == (3, ())
    np.testing.assert_array_equal(actions.encode(np.array([0.5, -1, 1])), np.array([0.5, -1, 1], np.float32))
    env.reset(seed=0)
    own.reset(seed=0)
    pedals = {
        (0, 0, 0): (0, 0.5, 0),
        (-1, 1, -1): (-1, 1, 0),
        (1, -1, -0.5): (1, 0, 0),
        (0.5, -0.5, 0.25): (0.5, 0.25, 0.25),
    }
    for _ in range(5):
        for action, pressed in pedals.items():
            seen, reward, *_ = env.step(np.array(action, np.float32))
            paid = [own.step(np.array(pressed, np.float32)) for _ in range(2)]
            assert reward == paid[0][1] + paid[1][1]
            np.testing.assert_array_equal(seen["image"], paid[1][0])
    assert own.unwrapped.car.hull.linearVelocity.length > 10
    env.close()
    own.close()


def test_actions_that_are_not_the_cars_own_are_no_pedals():
    choices = make(lambda: gymnasium.make("CarRacing-v3", continuous=False))
    assert codec(choices.action_space).groups == (5,)
    choices.close()
    one = gymnasium.spaces.Box(-1, 1, (1,), np.float32)
    steered = make(lambda: TransformAction(gymnasium.make("CarRacing-v3"), lambda x: np.array([x[0], 0.1, 0]), one))
    assert codec(steered.action_space).size == 1
    steered.reset(seed=0)
    steered.step(np.array([0.5], np.float32))
    steered.close()


def test_a_seed_fixes_an_episode(car):
    images, rewards = play(car, 5)
    for other in (6, 7):
        assert not np.array_equal(play(car, other)[0], images)
    again, paid = play(car, 5)
    assert np.array_equal(again, images) and paid == rewards
    fresh = make("gym:CarRacing-v3", **ROAD)
    again, paid = play(fresh, 5)
    assert np.array_equal(again, images) and paid == rewards
    fresh.close()


def test_what_is_seen_is_the_same_where_held_frames_are_not_drawn(car, monkeypatch):
    """Bar and rewards as well, and where an episode ends within a held action."""
    drawn, played = [], {}
    game = type(car.unwrapped)
    draw = game._render
    monkeypatch.setattr(game, "_render", lambda game, mode: drawn.append(mode) or draw(game, mode))
    for wrapper in (RepeatAction, RepeatUndrawn):
        env = wrapper(gymnasium.make("CarRacing-v3", max_episode_steps=22), 4)
        drawn.clear()
        seen = [(env.reset(seed=3)[0],), *(env.step(np.array([-0.2, 1.0, 0.0])) for _ in range(6))]
        env.close()
        played[wrapper] = (seen, len(drawn))
    (every, all_frames), (last, few) = played.values()
    assert (all_frames, few) == (1 + 22, 1 + 6)
    for one, other in zip(every, last, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        assert one[1:] == other[1:]
    assert last[-1][3]  # truncated


@pytest.mark.parametrize("continuous", [True, False])
def test_held_actions_are_not_drawn_where_an_environment_is_made(continuous):
    env = made = make(lambda: gymnasium.make("CarRacing-v3", continuous=continuous), action_repeat=2)
    wrappers = []
    while isinstance(env, gymnasium.Wrapper):
        wrappers.append(type(env))
        env = env.env
    made.close()
    assert RepeatUndrawn in wrappers


def test_it_is_quiet_even_where_warnings_are_errors():
    code = "from reverie.envs import make\nenv = make('gym:CarRacing-v3')\nenv.reset(seed=0)\nenv.render()"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("module", "told"), [("Box2D", r"'box2d'.*'reverie\[box2d\]'"), ("pygame", r"'pygame'.*'reverie\[pixels\]'")]
)
def test_the_extra_is_named(monkeypatch, module, told):
    monkeypatch.setitem(sys.modules, module, None)
    for name in [name for name in sys.modules if name.startswith("gymnasium.envs.box2d")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingExtra, match=f"gym:CarRacing-v3 needs the package {told}"):
        make("gym:CarRacing-v3")
