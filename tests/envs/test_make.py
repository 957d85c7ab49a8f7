"""What `make` promises of every environment: its form, its repeats, its limits, its seeds."""

import gymnasium
import numpy as np
import pytest
from counting import Counting
from gymnasium import spaces

from reverie.envs import EnvConfig, frame, make, make_vector

FORMS = {
    "Pendulum-v1": {"state": ((3,), np.float32)},
    "gym:CartPole-v1": {"state": ((4,), np.float32)},
    "FrozenLake-v1": {"state": ((16,), np.float32)},
    "InvertedPendulum-v5": {"state": ((4,), np.float32)},
    "dmc:cartpole-swingup": {"position": ((3,), np.float32), "velocity": ((2,), np.float32)},
    "gym:dm_control/walker-walk-v0": {
        "height": ((1,), np.float32),  # a scalar of dm_control's
        "orientations": ((14,), np.float32),
        "velocity": ((9,), np.float32),
    },
    "py:counting:factory": {"state": ((2,), np.float32)},
}


def forms(observation):
    return {key: (value.shape, value.dtype) for key, value in observation.items()}


def rollout(env, seed, steps=30):
    """All that an episode shows, under actions that are always the same."""
    rng = np.random.default_rng(0)
    seen, _ = env.reset(seed=seed)
    trace = [*seen.values()]
    for _ in range(steps):
        seen, reward, *_ = env.step(rng.uniform(env.action_space.low, env.action_space.high))
        trace += [*seen.values(), np.float64(reward)]
    return np.concatenate([np.ravel(x) for x in trace])


@pytest.mark.parametrize("name", FORMS)
def test_form(name):
    env = make(name)
    assert isinstance(env.observation_space, spaces.Dict)
    seen, _ = env.reset(seed=0)
    assert forms(seen) == FORMS[name]
    assert env.observation_space.contains(seen)
    seen, reward, *_ = env.step(env.action_space.sample())
    assert forms(seen) == FORMS[name] and env.observation_space.contains(seen) and np.isfinite(reward)
    env.close()


@pytest.mark.parametrize(
    ("space", "form", "value"),
    [
        (spaces.Box(0, 255, (6, 5, 3), np.uint8), ("image", (6, 5, 3), np.uint8), 1),
        (spaces.Box(0, 255, (6, 5), np.uint8), ("image", (6, 5, 1), np.uint8), 1),
        (spaces.Box(0, 255, (6,), np.uint8), ("state", (6,), np.float32), 1),
        (spaces.Box(-1e308, 1e308, (2, 3), np.float64), ("state", (6,), np.float32), 1),
        (spaces.Box(-5, 5, (), np.float64), ("state", (1,), np.float32), 1),
        (spaces.Discrete(4), ("state", (4,), np.float32), [0, 1, 0, 0]),
        (spaces.Tuple([spaces.Discrete(2), spaces.Box(0, 9, (2,))]), ("state", (4,), np.float32), [0, 1, 1, 1]),
        (spaces.Dict(a=spaces.Box(0, 9, (2,)), none=spaces.Box(0, 9, (0,))), ("a", (2,), np.float32), 1),
    ],
)
def test_form_of_any_space(space, form, value):
    env = make(lambda: Counting(space))
    env.reset()
    seen, *_ = env.step(0)
    key, shape, dtype = form
    assert forms(seen) == {key: (shape, dtype)}
    np.testing.assert_array_equal(seen[key], np.broadcast_to(value, shape))
    assert env.observation_space.contains(seen)


def test_observations_are_copies():
    board = np.zeros(2)

    class Reusing(Counting):
        def seen(self):
            board[:] = self.steps
            return board

    env = make(Reusing)
    first, _ = env.reset()
    env.step(0)
    np.testing.assert_array_equal(first["state"], 0)


def test_action_repeat_sums_the_rewards_and_stops_at_the_end():
    env = make(lambda: Counting(length=5), action_repeat=2)
    env.reset()
    steps = [env.step(0)[:4] for _ in range(3)]
    assert [s[0]["state"][0] for s in steps] == [2, 4, 5]
    assert [s[1] for s in steps] == [1 + 2, 3 + 4, 5]
    assert [s[2] for s in steps] == [False, False, True]
    assert env.metadata["render_fps"] == 15


@pytest.mark.parametrize(("repeat", "limit"), [(1, 4), (2, 2)])
def test_time_limit_counts_agent_steps_and_truncates(repeat, limit):
    env = make(lambda: Counting(length=100), action_repeat=repeat, episode_limit=limit)
    for _ in range(2):
        env.reset()
        ends = [env.step(0)[2:4] for _ in range(limit)]
        assert ends == [(False, False)] * (limit - 1) + [(False, True)]


def test_own_end_within_the_time_limit_is_terminal():
    env = make(lambda: Counting(length=2), episode_limit=3)
    env.reset()
    assert [env.step(0)[2:4] for _ in range(2)] == [(False, False), (True, False)]


@pytest.mark.parametrize(("name", "steps"), [("Pendulum-v1", 200), ("dmc:cartpole-swingup", 1000)])
def test_the_suites_own_time_limit_is_truncation(name, steps):
    env = make(name, action_repeat=4)
    env.reset(seed=0)
    action = np.zeros(env.action_space.shape, env.action_space.dtype)
    ends = [env.step(action)[2:4] for _ in range(steps // 4)]
    assert ends == [(False, False)] * (steps // 4 - 1) + [(False, True)]
    env.close()


def test_stack_of_vectors_is_end_to_end_the_oldest_first():
    env = make(lambda: Counting(), frame_stack=3)
    seen, _ = env.reset()
    np.testing.assert_array_equal(seen["state"], [0, 0, 0, 0, 0, 0])
    env.step(0)
    seen, *_ = env.step(0)
    np.testing.assert_array_equal(seen["state"], [0, 0, 1, 1, 2, 2])
    assert seen["state"].dtype == np.float32 and env.observation_space.contains(seen)
    np.testing.assert_array_equal(env.reset()[0]["state"], 0)


def test_stack_of_images_is_in_the_channels_the_oldest_first():
    env = make(lambda: Counting(spaces.Box(0, 255, (4, 6, 2), np.uint8)), frame_stack=3)
    env.reset()
    env.step(0)
    seen, *_ = env.step(0)
    assert forms(seen) == {"image": ((4, 6, 6), np.uint8)} and env.observation_space.contains(seen)
    np.testing.assert_array_equal(seen["image"][0, 0], [0, 0, 1, 1, 2, 2])


@pytest.mark.parametrize(
    "name", ["Pendulum-v1", "InvertedPendulum-v5", "dmc:cartpole-swingup", "dmc:lqr-lqr_2_1", "dmc:finger-turn_hard"]
)
def test_an_episode_is_repeated_by_its_seed(name):
    one, other = make(name), make(name)
    expected = rollout(one, 3)
    different = rollout(other, 4)
    assert not np.array_equal(expected, different)
    np.testing.assert_array_equal(rollout(other, 3), expected)
    one.close(), other.close()


def test_pendulum_numbers():
    # Gymnasium's documentation of Pendulum-v1: reward -(theta^2 + 0.1 thetadot^2 + 0.001 torque^2).
    env = make("Pendulum-v1")
    seen, _ = env.reset(seed=0)
    cos, sin, speed = seen["state"].astype(float)
    _, reward, *_ = env.step(np.array([1.0], np.float32))
    assert reward == pytest.approx(-(np.arctan2(sin, cos) ** 2 + 0.1 * speed**2 + 0.001), rel=1e-5)


def test_dm_control_films_at_its_own_pace():
    env = make("dmc:cartpole-swingup", action_repeat=2)
    assert env.metadata["render_fps"] == 50  # cartpole's period is 0.01 s


def test_frame():
    env = make("py:counting:factory")
    env.reset()
    env.step(0)
    image = frame(env)
    assert image.shape == (8, 8, 3) and image.dtype == np.uint8 and (image == 1).all()


def records(envs, steps):
    """(observation, reward, terminated, truncated) of each step; the observation is the environment's own count."""
    seen, _ = envs.reset(seed=0)
    out = [(seen["state"][:, 0].tolist(), None, None, None)]
    for _ in range(steps):
        seen, reward, terminated, truncated, _ = envs.step(np.zeros(envs.num_envs, int))
        out.append((seen["state"][:, 0].tolist(), reward.tolist(), terminated.tolist(), truncated.tolist()))
    return out


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_the_reset_is_a_record_of_its_own(kind):
    # length 3:   step   0  1  2  3      reset  1
    #             reward    1  2  3      0      1
    envs = make_vector([EnvConfig(env="py:counting:factory").make] * 2, kind)
    assert isinstance(envs, gymnasium.vector.VectorEnv) and envs.num_envs == 2
    out = records(envs, 5)
    envs.close()
    no, yes = [False, False], [True, True]
    assert out == [
        ([0, 0], None, None, None),
        ([1, 1], [1, 1], no, no),
        ([2, 2], [2, 2], no, no),
        ([3, 3], [3, 3], yes, no),
        ([0, 0], [0, 0], no, no),
        ([1, 1], [1, 1], no, no),
    ]


def test_next_step_autoreset_after_a_time_limit():
    envs = make_vector([lambda: make(lambda: Counting(length=100), episode_limit=2)])
    out = records(envs, 4)
    assert [r[0] for r in out] == [[0], [1], [2], [0], [1]]
    assert [r[3] for r in out[1:]] == [[False], [True], [False], [False]]
    assert [r[2] for r in out[1:]] == [[False]] * 4


def test_config_reaches_the_environment():
    config = EnvConfig(env="py:counting:factory", action_repeat=2, frame_stack=2, episode_limit=1, pixels=True, size=4)
    env = config.make()
    seen, _ = env.reset()
    assert forms(seen) == {"image": ((4, 4, 6), np.uint8)}
    _, reward, terminated, truncated, _ = env.step(0)
    assert (reward, terminated, truncated) == (3, False, True)
