"""Replay: streams of records in fixed segments, sampled as chunks.

Each environment writes one stream, indexed by arrival: a record holds the observation, the action and the reward that
led to it, and whether it is the first or the terminal one of its episode. Episodes follow each other in the stream, the
running one at its end, so a chunk may hold a boundary; `first` marks it. Segments are only ever appended to and dropped
whole, oldest first (data/stream.py).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from reverie.data.draws import Draws, Uniform
from reverie.data.stream import Stream
from reverie.envs.codec import ActionCodec
from reverie.errors import UserError
from reverie.types import Batch

Record = Mapping[str, np.ndarray]
"""Columns of B rows: "observation/<key>", "action", "reward", "first", "terminal"."""

LONGEST_SEGMENT = 1024
PREFIX = "observation/"


@dataclass(frozen=True)
class Column:
    """What one column holds per record."""

    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def bytes(self) -> int:
        """Bytes per record."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize


class Replay:
    """Records of all environments under a hard cap in bytes, sampled over all chunks that fit."""

    def __init__(
        self,
        columns: Mapping[str, Column],
        codec: ActionCodec,
        *,
        streams: int,
        capacity: int,
        length: int,
        draws: Draws | None = None,
    ) -> None:
        """Start empty.

        Args:
            columns: what each record holds beside reward, first and terminal: observations and the action.
            codec: from stored actions to what the model sees.
            streams: B, environments that write.
            capacity: bytes, never exceeded by the segments.
            length: T, records per chunk.
            draws: how chunks are chosen; uniformly by default.

        Raises:
            UserError: if the capacity cannot hold a few chunks of each stream.
        """
        scalars = {"reward": np.float32, "first": np.bool_, "terminal": np.bool_}
        self._columns = dict(columns) | {name: Column((), np.dtype(kind)) for name, kind in scalars.items()}
        self._codec = codec
        self._length = length
        self.draws = draws or Uniform()
        self._attached: dict[str, list[np.ndarray]] = {}
        # In the columns' order and without gaps, so that a segment's bytes are the same everywhere.
        record = np.dtype([(name, column.dtype, column.shape) for name, column in self._columns.items()])
        size = record.itemsize
        segment = min(max(LONGEST_SEGMENT, length), capacity // size // streams // 4)
        if segment < length:
            need = math.ceil(4 * streams * length * size / 2**20 * 10) / 10
            raise UserError(
                f"a replay of {capacity / 2**20:.1f} MiB is too small for chunks of {length} records of {size} bytes "
                f"from {streams} environments; it needs --replay-mib {need:.1f} or more"
            )
        self._most = capacity // (segment * size)
        self._streams = [Stream(record, segment) for _ in range(streams)]
        self.bytes_per_segment = segment * size

    def __len__(self) -> int:
        """Records held."""
        return sum(len(stream) for stream in self._streams)

    @property
    def bytes(self) -> int:
        """Bytes held by all segments."""
        return sum(stream.segments for stream in self._streams) * self.bytes_per_segment

    def add(self, record: Record) -> None:
        """Append one record "B ..." to the streams, one row each; what was attached goes."""
        self._attached.clear()
        for row, stream in enumerate(self._streams):
            if stream.full:
                while sum(s.segments for s in self._streams) >= self._most:
                    max(self._streams, key=len).drop()
                stream.grow()
            stream.append(record, row)

    @property
    def chunks(self) -> int:
        """How many different chunks could be sampled."""
        return int(self._valid(self._length).sum())

    def attach(self, name: str, columns: Sequence[np.ndarray]) -> None:
        """Something about all records that are held, an array for each stream: batches carry it, until one is added."""
        self._attached[name] = list(columns)

    def sample(self, rows: int, rng: np.random.Generator, *, length: int | None = None, counted: bool = True) -> Batch:
        """B chunks of T records, or of another length, as `draws` chooses them, and counts them if that is wanted.

        Raises:
            UserError: if no chunk fits yet.
        """
        length = length or self._length
        valid = self._valid(length)
        if not valid.sum():
            raise UserError(
                f"the replay holds {len(self)} records, fewer than a chunk of {length}; collect more before learning: "
                "raise --prefill, or --steps where all is collected first"
            )
        which, starts = self.draws.draw([stream.oldest for stream in self._streams], valid, rows, rng, counted=counted)
        columns, places = {}, list(zip(which, starts, strict=True))
        for name, column in self._columns.items():
            out = np.empty((rows, length, *column.shape), column.dtype)
            for row, (stream, start) in enumerate(places):
                self._streams[stream].read(name, int(start), out[row])
            columns[name] = out
        attached = {
            name: np.stack([streams[stream][start : start + length] for stream, start in places])
            for name, streams in self._attached.items()
        }
        return self._batch(columns, attached)

    def beginnings(self, rows: int, rng: np.random.Generator) -> Batch:
        """B first records of episodes, "B 1 ...", each equally likely.

        Raises:
            UserError: if none is held.
        """
        firsts = [np.flatnonzero(first) for first in self.whole("first")]
        places = np.array([(stream, index) for stream, found in enumerate(firsts) for index in found], np.int64)
        if not len(places):
            raise UserError(f"the replay's {len(self)} records hold no beginning of an episode; raise --replay-mib")
        streams, starts = places[rng.integers(len(places), size=rows)].T
        return self.until(streams.tolist(), starts.tolist(), 1)

    def whole(self, name: str) -> list[np.ndarray]:
        """One column of all records that are held, an array for each stream, the oldest record first."""
        return [stream.tail(name, len(stream)) for stream in self._streams]

    def episodes(self) -> Iterator[tuple[int, bool, dict[str, np.ndarray]]]:
        """One episode after the other, stream by stream: the stream, whether it is its last one, and columns "T ...".

        The first of a stream may lack its beginning, which was dropped, and the last one may still go on.
        """
        for row, stream in enumerate(self._streams):
            starts = np.flatnonzero(stream.piece("first", 0, len(stream))).tolist()
            for start, end in pairwise(sorted({0, *starts, len(stream)})):
                yield row, end == len(stream), {name: stream.piece(name, start, end) for name in self._columns}

    def until(self, streams: Sequence[int], ends: Sequence[int], length: int) -> Batch:
        """B chunks of `length` records, each with one chosen record as its last.

        Where fewer are held before it, copies of the oldest record stand in their place, each the first of an episode.

        Args:
            streams: B, the stream of each.
            ends: B, the index of each last record, 0 being the oldest that is held.
            length: T.
        """
        columns = {}
        for name, column in self._columns.items():
            out = np.empty((len(ends), length, *column.shape), column.dtype)
            for row, (stream, end) in enumerate(zip(streams, ends, strict=True)):
                missing = max(0, length - 1 - int(end))
                self._streams[stream].read(name, max(0, int(end) + 1 - length), out[row, missing:])
                out[row, :missing] = out[row, missing]
                if name == "first" and missing:
                    out[row, : missing + 1] = True
            columns[name] = out
        return self._batch(columns)

    def running(self, episodes: Sequence[int]) -> list[dict[str, np.ndarray] | None]:
        """The columns of each stream's last episodes, at least one, so far; None where their beginning was dropped."""
        lengths = [stream.running(number) for stream, number in zip(self._streams, episodes, strict=True)]
        return [
            {name: stream.tail(name, length) for name in self._columns} if length else None
            for stream, length in zip(self._streams, lengths, strict=True)
        ]

    def last(self) -> dict[str, np.ndarray]:
        """The last record of all streams, "B ..."."""
        return {name: np.concatenate([s.tail(name, 1) for s in self._streams]) for name in self._columns}

    def save(self, folder: Path) -> list[dict[str, int]]:
        """Append what is new to the files of a folder; returns what `load` needs.

        Raises:
            OSError: if the disk is full or the folder cannot be written; what a checkpoint knows of is untouched.
        """
        folder.mkdir(parents=True, exist_ok=True)
        return [stream.save(folder, str(row)) for row, stream in enumerate(self._streams)]

    def load(self, folder: Path, saved: Sequence[Mapping[str, int]]) -> None:
        """Take up what `save` had written.

        Raises:
            UserError: if it is not there, or does not fit.
        """
        if len(saved) != len(self._streams):
            raise UserError(
                f"the checkpoint knows {len(saved)} environments, its configuration "
                f"{len(self._streams)}; put back the config.json that it was written with"
            )
        for row, (stream, where) in enumerate(zip(self._streams, saved, strict=True)):
            stream.load(folder, str(row), int(where["first"]), int(where["total"]))

    def prune(self, folder: Path) -> None:
        """Remove the files of what was dropped, once a checkpoint that knows of it is whole."""
        for row, stream in enumerate(self._streams):
            stream.prune(folder, str(row))

    def _valid(self, length: int) -> np.ndarray:
        return np.array([max(0, len(stream) - length + 1) for stream in self._streams])

    def _batch(self, columns: Mapping[str, np.ndarray], attached: Mapping[str, np.ndarray] | None = None) -> Batch:
        return Batch(
            observation={
                name.removeprefix(PREFIX): torch.from_numpy(column)
                for name, column in columns.items()
                if name.startswith(PREFIX)
            },
            action=torch.from_numpy(self._codec.encode(columns["action"])),
            reward=torch.from_numpy(columns["reward"]),
            first=torch.from_numpy(columns["first"].astype(np.float32)),
            terminal=torch.from_numpy(columns["terminal"].astype(np.float32)),
            opaque={name: torch.from_numpy(column) for name, column in (attached or {}).items()},
        )
