"""Episodes of a replay, against what its environments did."""

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from scripted import Counting

from reverie.data.collect import Collector, columns_of
from reverie.data.recording import Recording, check_numbers, recordings
from reverie.data.replay import Replay
from reverie.envs.codec import codec
from reverie.errors import UserError

MIB = 2**20
CODEC = codec(Counting().action_space)


def collected(*envs, steps, capacity=MIB):
    """A replay, and whether the last episode of each environment is over."""
    vector = SyncVectorEnv([lambda env=env: env for env in envs], autoreset_mode=AutoresetMode.NEXT_STEP)
    columns = columns_of(vector.single_observation_space, CODEC)
    replay = Replay(columns, CODEC, streams=len(envs), capacity=capacity, length=2)
    collector = Collector(vector, CODEC, replay)
    collector.collect(steps, lambda observation, reward, first: np.full((len(envs), 1), 0.5, np.float32))
    return replay, collector.state()["done"]


def test_episodes_one_after_the_other_stream_by_stream():
    replay, done = collected(Counting(3), Counting(2, "truncated"), steps=14)
    found = list(recordings(replay, CODEC, done))
    lengths = [(len(x), x.begun, x.ended) for x in found]
    # 7 or 8 turns: three steps and a reset, two steps and a reset
    assert lengths[0] == (4, True, True)
    assert sum(length for length, _, _ in lengths) == len(replay)
    assert all(begun for _, begun, _ in lengths)
    first = found[0].columns
    np.testing.assert_array_equal(first["observation/step"][:, 0], [0, 1, 2, 3])
    np.testing.assert_array_equal(first["action"][:, 0], np.float32([0, 0.5, 0.5, 0.5]))
    np.testing.assert_array_equal(first["reward"], [0, 10, 20, 30])
    np.testing.assert_array_equal(first["first"], [True, False, False, False])
    np.testing.assert_array_equal(first["terminal"], [False, False, False, True])
    assert found[0].total == 60
    cut = [x for x in found if x.whole and not x.columns["terminal"].any()]
    assert [len(x) for x in cut] == [3] * len(cut) != []
    # Put together again they are the streams.
    for name in first:
        together = np.concatenate([x.columns[name] for x in found])
        np.testing.assert_array_equal(together, np.concatenate(replay.whole(name)))


@pytest.mark.parametrize(("steps", "ended"), [(2, False), (3, True)])
@pytest.mark.parametrize("ending", ["terminal", "truncated"])
def test_whether_the_last_one_was_over(steps, ended, ending):
    replay, done = collected(Counting(3, ending), steps=steps)
    (only,) = recordings(replay, CODEC, done)
    assert (only.begun, only.ended, only.whole) == (True, ended, ended)


def test_where_the_beginning_was_dropped_the_oldest_record_begins():
    replay, done = collected(Counting(6), steps=40, capacity=8 * 18 * 2)
    before = replay.whole("observation/step")[0][:, 0]
    assert before[0] != 0
    oldest, *others = recordings(replay, CODEC, done)
    assert not oldest.begun and not oldest.whole and all(x.begun for x in others)
    np.testing.assert_array_equal(oldest.columns["observation/step"][:, 0], before[: len(oldest)])
    assert oldest.columns["first"][0] and oldest.columns["reward"][0] == 0 and oldest.columns["action"][0] == 0
    np.testing.assert_array_equal(oldest.columns["reward"][1:], 10 * before[1 : len(oldest)])


def test_records_are_rows():
    columns = {"reward": np.arange(3.0), "action": np.arange(6.0).reshape(3, 2)}
    rows = list(Recording(columns).records())
    assert [row["reward"].tolist() for row in rows] == [[0], [1], [2]]
    assert [row["action"].tolist() for row in rows] == [[[0, 1]], [[2, 3]], [[4, 5]]]


def test_what_is_not_finite_is_told_with_its_episode():
    columns = {"observation/state": np.array([[0.0], [np.nan]]), "reward": np.zeros(2)}
    columns["action"] = np.zeros((2, 1))
    with pytest.raises(UserError, match="runs/a holds an observation 'state' of nan in its episode 7"):
        check_numbers(Recording(columns), "runs/a", 7, codec(spaces.Box(-1, 1, (1,))))


@pytest.mark.parametrize(
    ("space", "taken", "message"),
    [
        (spaces.Box(-1, 1, (1,)), [[0.0], [np.nan]], "actions that are not finite"),
        (spaces.Discrete(3), [0, 3], "actions that are none of its space"),
    ],
)
def test_actions_that_are_none_are_told_with_their_episode(space, taken, message):
    columns = {"observation/state": np.zeros((2, 1)), "reward": np.zeros(2), "action": np.array(taken)}
    with pytest.raises(UserError, match=f"runs/a holds {message}.* in its episode 7"):
        check_numbers(Recording(columns), "runs/a", 7, codec(space))
