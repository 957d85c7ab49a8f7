"""Replay, against a list of all that was ever added.

Each record says where it stands: its stream and its index there, in every column.
"""

import re
from collections import Counter

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from reverie.data.replay import LONGEST_SEGMENT, Column, Replay
from reverie.envs.codec import codec
from reverie.errors import UserError

CODEC = codec(spaces.Box(-1, 1, (1,), np.float32))
COLUMNS = {"observation/at": Column((2,), np.dtype(np.int32)), "action": Column((1,), np.dtype(np.float32))}
SIZE = 2 * 4 + 4 + 4 + 1 + 1  # bytes of a record: observation, action, reward, first, terminal


def action_at(index):
    return index % 1000 / 1000


def record(indices):
    """The next record of each stream; episodes last 5 records."""
    indices = np.asarray(indices)
    return {
        "observation/at": np.stack([np.arange(len(indices)), indices], -1).astype(np.int32),
        "action": action_at(indices)[:, None].astype(np.float32),
        "reward": indices.astype(np.float32),
        "first": indices % 5 == 0,
        "terminal": indices % 5 == 4,
    }


def filled(streams, length, records, capacity):
    replay = Replay(COLUMNS, CODEC, streams=streams, capacity=capacity, length=length)
    for index in range(records):
        replay.add(record([index] * streams))
    return replay


def starts_of(batch):
    """The stream and the first index of each chunk, after a check that every column follows from them."""
    at = batch.observation["at"].numpy()
    stream, start = at[:, 0, 0], at[:, 0, 1]
    index = start[:, None] + np.arange(at.shape[1])
    np.testing.assert_array_equal(at[..., 0], np.broadcast_to(stream[:, None], index.shape))
    np.testing.assert_array_equal(at[..., 1], index)
    np.testing.assert_allclose(batch.action[..., 0], action_at(index), atol=1e-6)
    np.testing.assert_array_equal(batch.reward, index)
    np.testing.assert_array_equal(batch.first, index % 5 == 0)
    np.testing.assert_array_equal(batch.terminal, index % 5 == 4)
    return list(zip(stream.tolist(), start.tolist(), strict=True))


@given(streams=st.integers(1, 3), length=st.integers(2, 4), chunks=st.integers(4, 9), records=st.integers(4, 150))
def test_contents_are_the_newest_that_fit(streams, length, chunks, records):
    capacity = SIZE * streams * length * chunks
    replay = filled(streams, length, 0, capacity)
    evicted = 0
    for index in range(records):
        before = len(replay)
        replay.add(record([index] * streams))
        evicted += before + streams - len(replay)
        assert replay.bytes <= capacity
        assert len(replay) * SIZE <= replay.bytes
        # Nothing is dropped before it must be: less than a segment of each stream is free.
        assert not evicted or capacity - replay.bytes < streams * replay.bytes_per_segment
    assert len(replay) == records * streams - evicted
    seen = set(starts_of(replay.sample(1500, np.random.default_rng(0))))
    # What is held of each stream ends with its newest record and has no hole: eviction was oldest first.
    oldest = [min(start for stream, start in seen if stream == row) for row in range(streams)]
    assert sum(records - start for start in oldest) == len(replay)
    assert seen == {(row, start) for row in range(streams) for start in range(oldest[row], records - length + 1)}
    assert replay.chunks == len(seen)


def test_nothing_is_dropped_while_all_fits():
    replay = filled(2, 3, 100, SIZE * 2 * 120)
    assert len(replay) == 200
    assert replay.chunks == 2 * 98


def test_every_start_is_equally_likely():
    # Evicted long before the end, and one stream holds fewer segments than the other.
    replay = filled(2, 3, 400, SIZE * 101)
    starts = Counter(starts_of(replay.sample(40_000, np.random.default_rng(1))))
    counts = np.array(list(starts.values()))
    assert len(counts) == replay.chunks
    expected = counts.mean()
    chi_square = ((counts - expected) ** 2 / expected).sum()
    free = len(counts) - 1
    assert abs(chi_square - free) < 4 * np.sqrt(2 * free)  # mean k, variance 2 k


def test_a_chunk_may_be_longer_than_what_is_left_of_its_segment():
    # 4 segments of 7 records, chunks of 6: most chunks span two.
    replay = filled(1, 6, 28, SIZE * 28)
    assert replay.bytes_per_segment == 7 * SIZE
    assert set(starts_of(replay.sample(500, np.random.default_rng(0)))) == {(0, start) for start in range(23)}


def test_the_running_episode_is_sampled():
    replay = filled(1, 2, 8, SIZE * 100)  # the episode that began at 5 runs at 7
    assert (0, 6) in starts_of(replay.sample(200, np.random.default_rng(0)))


def test_chunks_that_end_with_chosen_records():
    replay = filled(2, 4, 30, SIZE * 100)
    assert starts_of(replay.until([0, 1, 1], [3, 29, 17], 4)) == [(0, 0), (1, 26), (1, 14)]
    for stream, index in enumerate(replay.whole("observation/at")):
        np.testing.assert_array_equal(index, [(stream, at) for at in range(30)])


def test_before_the_oldest_record_stand_copies_that_begin_episodes():
    replay = filled(1, 2, 16 * 3 + 1, SIZE * 48)  # the first 12 were dropped
    oldest = int(replay.whole("reward")[0][0])
    assert oldest % 5 != 0
    batch = replay.until([0], [2], 5)
    np.testing.assert_array_equal(batch.reward[0], oldest + np.array([0, 0, 0, 1, 2]))
    np.testing.assert_array_equal(batch.first[0, :3], 1)
    np.testing.assert_array_equal(batch.first[0, 3:], (oldest + np.arange(1, 3)) % 5 == 0)


def test_the_same_generator_gives_the_same_chunks():
    replay = filled(2, 3, 50, SIZE * 200)
    first, again = (starts_of(replay.sample(20, np.random.default_rng(5))) for _ in range(2))
    assert first == again
    assert starts_of(replay.sample(20, np.random.default_rng(6))) != first


def test_a_sample_is_a_copy():
    replay = filled(1, 3, 10, SIZE * 100)
    batch = replay.sample(5, np.random.default_rng(0))
    starts = starts_of(batch)
    batch.reward.zero_()
    assert starts_of(replay.sample(5, np.random.default_rng(0))) == starts


def test_a_stored_record_is_a_copy():
    replay = filled(1, 3, 0, SIZE * 100)
    kept = record([0])
    for index in range(10):
        for name, values in record([index]).items():
            kept[name][:] = values
        replay.add(kept)
    # Were it none, all would be the last one.
    assert len(set(starts_of(replay.sample(20, np.random.default_rng(0))))) > 1


def test_too_few_records():
    replay = filled(2, 5, 4, SIZE * 100)
    assert replay.chunks == 0
    with pytest.raises(UserError, match=r"holds 8 records, fewer than a chunk of 5; collect more before"):
        replay.sample(1, np.random.default_rng(0))


@pytest.mark.parametrize("length", [5, 64, 2 * LONGEST_SEGMENT])
@pytest.mark.parametrize("streams", [1, 3])
def test_too_small_a_capacity_says_how_much_is_enough(streams, length):
    with pytest.raises(UserError, match=f"too small for chunks of {length} records of {SIZE} bytes") as error:
        filled(streams, length, 0, capacity=4 * streams * length * SIZE - 1)
    enough = float(re.search(r"--replay-mib ([\d.]+)", str(error.value))[1])
    replay = filled(streams, length, 4 * length, int(enough * 2**20))
    starts_of(replay.sample(20, np.random.default_rng(0)))


@pytest.mark.parametrize("length", [1, 3])
def test_chunks_of_another_length(length):
    batch = filled(2, 5, 40, 10_000).sample(300, np.random.default_rng(0), length=length)
    assert batch.first.shape == (300, length)
    # Every record may be the last one of a chunk.
    assert {start + length - 1 for _, start in starts_of(batch)} == set(range(length - 1, 40))


def test_beginnings_are_those_of_all_episodes():
    replay = filled(2, 5, 43, 10_000)
    batch = replay.beginnings(400, np.random.default_rng(0))
    assert batch.first.shape == (400, 1) and (batch.first == 1).all()
    counts = Counter(starts_of(batch))
    assert set(counts) == {(stream, start) for stream in range(2) for start in range(0, 43, 5)}
    assert min(counts.values()) > 400 / 18 / 3


def test_no_beginning_is_a_clear_message():
    replay = Replay(COLUMNS, CODEC, streams=1, capacity=10_000, length=2)
    replay.add({**record([1]), "first": np.array([False])})
    with pytest.raises(UserError, match="the replay's 1 records hold no beginning of an episode"):
        replay.beginnings(1, np.random.default_rng(0))


def test_what_is_attached_goes_with_its_records():
    replay = filled(2, 5, 40, 10_000)
    replay.attach("place", [np.stack([np.full(40, stream), np.arange(40)], -1) for stream in range(2)])
    batch = replay.sample(50, np.random.default_rng(0))
    np.testing.assert_array_equal(batch.opaque["place"], batch.observation["at"])
    replay.add(record([40, 40]))
    assert replay.sample(50, np.random.default_rng(0)).opaque == {}
