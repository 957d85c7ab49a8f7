"""Lives as episodes: what lands in the records, and that a game is taken up at whatever moment it was left."""

import copy

import numpy as np
import pytest
from lives import Game

from reverie.data.collect import Collector, RandomAct, columns_of
from reverie.data.replay import Replay
from reverie.envs.codec import codec
from reverie.envs.make import make, make_vector
from reverie.envs.seeds import EpisodeSeeds


def seeded(number, **of_game):
    return EpisodeSeeds(make(lambda: Game(**of_game), episodic_lives=True), 7, number)


def collector(replay=None, capacity=100_000, **of_game):
    envs = make_vector([lambda number=number: seeded(number, **of_game) for number in range(2)])
    actions = codec(envs.single_action_space)
    if replay is None:
        columns = columns_of(envs.single_observation_space, actions)
        replay = Replay(columns, actions, streams=2, capacity=capacity, length=2)
    return Collector(envs, actions, replay), replay


def collected(collecting, steps, seed=0):
    """Records one after the other, as nested lists."""
    act = RandomAct(codec(Game().action_space), np.random.default_rng(seed))
    records = [record for _ in range(steps) for record in collecting.collect(1, act)]
    return [{name: column.tolist() for name, column in record.items()} for record in records]


def taken_up(collecting, state):
    collecting.resume(state)
    return collecting.rebuild()


def test_a_life_is_terminal_and_the_next_begins_in_the_same_game():
    collecting, _ = collector(lives=3, life=4)
    records = collected(collecting, 12)
    column = {name: [record[name][0] for record in records[:14]] for name in ("first", "terminal", "reward")}
    assert [record["observation/state"][0][0] for record in records[:14]] == [*range(13), 0]
    assert np.flatnonzero(column["first"]).tolist() == [0, 5, 9, 13]
    assert np.flatnonzero(column["terminal"]).tolist() == [4, 8, 12]
    assert np.flatnonzero(np.array(column["reward"]) == 0).tolist() == [0, 5, 9, 13]


def test_what_finishes_is_a_game():
    collecting, _ = collector(lives=3, life=4)
    collected(collecting, 12)
    assert collecting.finished == [10.0, 10.0]  # 12 steps, two of them idle


@pytest.mark.parametrize("steps", range(1, 14))
def test_a_game_is_taken_up_at_whatever_moment(steps):
    """Rows of lives of 3, and every moment of a game of 9 clocks: begun, in a life, between lives, and over."""
    whole, _ = collector(lives=3, life=3)
    collected(whole, steps)
    stopped, replay = collector(lives=3, life=3)
    collected(stopped, steps)
    resumed, _ = collector(copy.deepcopy(replay), lives=3, life=3)
    assert taken_up(resumed, stopped.state()) == []
    assert collected(resumed, 20, seed=1) == collected(whole, 20, seed=1)
    assert resumed.state() == whole.state()


@pytest.mark.parametrize("steps", [1, 3, 4, 5, 6])
def test_a_game_that_does_not_repeat_itself_is_told_and_begun_anew(steps):
    stopped, replay = collector(lives=3, life=3, forgetful=True)
    collected(stopped, steps)
    resumed, _ = collector(replay, lives=3, life=3, forgetful=True)
    assert taken_up(resumed, stopped.state()) == [0, 1]
    records = collected(resumed, 1)
    assert records[0]["first"] == [True, True]
    assert [state[0] for state in records[0]["observation/state"]] == [0, 0]


@pytest.mark.parametrize("steps", [3, 4])
def test_other_lives_behind_the_same_pictures_are_told(steps):
    """The game that was stopped had lost a life; this one shows the same, and has not."""
    stopped, replay = collector(lives=3, life=3)
    collected(stopped, steps)
    resumed, _ = collector(replay, lives=3, life=5)
    assert taken_up(resumed, stopped.state()) == [0, 1]


def test_a_game_whose_beginning_was_dropped_is_told_and_begun_anew():
    stopped, replay = collector(capacity=2_000, lives=30, life=3)
    collected(stopped, 90)
    assert replay.running([1, 1])[0] is not None
    resumed, _ = collector(replay, lives=30, life=3)
    assert taken_up(resumed, stopped.state()) == [0, 1]
    assert [state[0] for state in collected(resumed, 1)[0]["observation/state"]] == [0, 0]


def test_the_episodes_after_a_game_that_was_not_taken_up_have_new_seeds():
    stopped, replay = collector(lives=3, life=3, forgetful=True)
    collected(stopped, 5)
    resumed, _ = collector(replay, lives=3, life=3, forgetful=True)
    taken_up(resumed, stopped.state())
    collected(resumed, 1)
    begun = [line for env in resumed._envs.envs for line in env.unwrapped.log if line.startswith("new")]
    assert len(set(begun)) == len(begun) == 4


def test_a_checkpoint_that_knows_of_no_lives_is_taken_up():
    whole, _ = collector(lives=1, life=5)
    stopped, replay = collector(lives=1, life=5)
    for each in (whole, stopped):
        collected(each, 3)
    old = stopped.state()
    del old["of_game"]
    resumed, _ = collector(copy.deepcopy(replay), lives=1, life=5)
    assert taken_up(resumed, old) == []
    assert collected(resumed, 9, seed=1) == collected(whole, 9, seed=1)
