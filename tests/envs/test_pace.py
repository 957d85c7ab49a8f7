"""Steps take until their tick, and what is late is not made up for."""

import gymnasium
import pytest
from tiny import Walk

from reverie.envs.make import EnvConfig, make_vector
from reverie.envs.pace import Paced
from reverie.envs.seeds import EpisodeSeeds
from reverie.errors import UserError
from reverie.train.environments import seeded


class Clock:
    """Time that passes only where somebody sleeps, or `takes` something."""

    def __init__(self):
        self.now, self.slept = 100.0, []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def env(clock):
    paced = Paced(Walk(), 4.0, clock, clock.sleep)
    paced.reset()
    return paced


def test_each_step_ends_at_its_tick(env, clock):
    for _ in range(3):
        env.step([0.0])
        clock.now += 0.125  # who chooses takes half the time
    assert clock.slept == [0.25, 0.125, 0.125]
    assert clock.now == 100.75 + 0.125


def test_a_late_step_moves_the_ticks(env, clock):
    clock.now += 0.375
    env.step([0.0])
    assert clock.slept == []
    env.step([0.0])
    assert clock.slept == [0.25]


def test_a_reset_begins_the_ticks_anew(env, clock):
    clock.now += 7
    env.reset()
    env.step([0.0])
    assert clock.slept == [0.25]


def test_training_alone_has_a_pace():
    config = EnvConfig(env="py:tiny:walk", rate=5.0)
    assert isinstance(seeded(config, 0, 0), Paced)
    assert isinstance(seeded(config, 0, 0, training=False), EpisodeSeeds)
    assert isinstance(seeded(EnvConfig(env="py:tiny:walk"), 0, 0), EpisodeSeeds)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_what_is_taken_up_again_is_found_below_it(kind):
    envs = make_vector([lambda: seeded(EnvConfig(env="gym:Pendulum-v1", rate=1000.0), 0, 0)], kind)
    try:
        envs.set_attr("episode", [7])
        envs.reset()
        assert envs.get_attr("episode") == (8,)
    finally:
        envs.close()


def test_paced_is_a_wrapper_like_others(env):
    assert isinstance(env, gymnasium.Wrapper) and env.unwrapped.taken == 0


@pytest.mark.parametrize("rate", [-1.0, float("nan"), float("inf")])
def test_no_pace_that_is_none(rate):
    with pytest.raises(UserError, match="--rate must be a number of agent steps a second, or 0 for no pace, not"):
        EnvConfig(env="py:tiny:walk", rate=rate)
