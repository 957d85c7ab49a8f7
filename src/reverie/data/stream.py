"""One environment's records, in segments: in memory to be sampled, and on disk to be found again.

A segment is an array of records. Its file, `STREAM-SEGMENT.records`, is the same bytes: it grows as the segment does,
and goes once the segment was dropped and a checkpoint that knows this is whole. A file may hold more than its
checkpoint says, from a run that was killed while it wrote: what lies behind is cut off.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from reverie.errors import UserError


class Stream:
    """Records in segments of equal size, the last one perhaps partly filled; the oldest are dropped whole.

    Attributes:
        first: the number of the oldest segment that is held.
    """

    def __init__(self, record: np.dtype, segment: int) -> None:
        self._record = record
        self._segment = segment
        self._segments: list[np.ndarray] = []
        self._filled = segment  # of the last segment
        self._saved = 0  # records on disk, dropped ones counted
        self.first = 0

    def __len__(self) -> int:
        return max(0, len(self._segments) * self._segment - (self._segment - self._filled))

    @property
    def total(self) -> int:
        """Records ever appended, dropped ones counted."""
        return self.first * self._segment + len(self)

    @property
    def oldest(self) -> int:
        """The number of the oldest record that is held, dropped ones counted."""
        return self.first * self._segment

    @property
    def full(self) -> bool:
        """Whether the next record needs a new segment."""
        return self._filled == self._segment

    @property
    def segments(self) -> int:
        """How many segments are held."""
        return len(self._segments)

    def grow(self) -> None:
        """Begin a new segment."""
        self._segments.append(np.empty(self._segment, self._record))
        self._filled = 0

    def drop(self) -> None:
        """Forget the oldest segment."""
        del self._segments[0]
        self.first += 1

    def append(self, record: Mapping[str, np.ndarray], row: int) -> None:
        """Add one row of a record."""
        segment = self._segments[-1]
        for name in self._record.names or ():
            segment[name][self._filled] = record[name][row]
        self._filled += 1

    def read(self, name: str, start: int, out: np.ndarray) -> None:
        """Copy len(out) values of a column from index start on, 0 being the oldest record that is held."""
        length, done = len(out), 0
        while done < length:
            segment, offset = divmod(start + done, self._segment)
            piece = self._segments[segment][name][offset : offset + length - done]
            out[done : done + len(piece)] = piece
            done += len(piece)

    def tail(self, name: str, length: int) -> np.ndarray:
        """The last values of a column, as a copy."""
        return self.piece(name, len(self) - length, len(self))

    def piece(self, name: str, start: int, end: int) -> np.ndarray:
        """The values of a column from one index up to another, 0 being the oldest record that is held, as a copy."""
        column = self._record[name]
        out = np.empty((end - start, *column.shape), column.base)
        self.read(name, start, out)
        return out

    def running(self, episodes: int = 1) -> int:
        """How many records the last episodes have so far; 0 where the beginning of the first is no longer held."""
        for number in range(len(self._segments) - 1, -1, -1):
            filled = self._filled if number == len(self._segments) - 1 else self._segment
            firsts = np.flatnonzero(self._segments[number]["first"][:filled])
            if len(firsts) >= episodes:
                return len(self) - number * self._segment - int(firsts[-episodes])
            episodes -= len(firsts)
        return 0

    def save(self, folder: Path, name: str) -> dict[str, int]:
        """Append to the files what is new, and see it onto the disk.

        Returns:
            What `load` needs: the first segment, and the records ever appended.
        """
        start = max(self._saved, self.first * self._segment)
        while start < self.total:
            number, offset = divmod(start, self._segment)
            end = min(self.total - number * self._segment, self._segment)
            with open(_file(folder, name, number), "r+b" if offset else "wb") as file:
                file.seek(offset * self._record.itemsize)
                file.truncate()
                file.write(self._segments[number - self.first][offset:end].tobytes())
                file.flush()
                os.fsync(file.fileno())
            start = number * self._segment + end
        self._saved = self.total
        return {"first": self.first, "total": self.total}

    def load(self, folder: Path, name: str, first: int, total: int) -> None:
        """Take up what `save` had written.

        Raises:
            UserError: if a file is missing or too short.
        """
        held = total - first * self._segment
        if not (first >= 0 and 0 <= held <= 2**40):
            raise UserError(f"the replay in {folder} cannot hold segments from {first} to {total} records")
        self._segments, self.first, self._saved, self._filled = [], first, total, self._segment
        for number in range(first, -(-total // self._segment)):
            filled = min(total - number * self._segment, self._segment)
            path = _file(folder, name, number)
            size = path.stat().st_size if path.is_file() else 0
            if size < filled * self._record.itemsize:
                raise UserError(
                    f"the replay's {path} has {size} bytes, fewer than the {filled * self._record.itemsize} that its "
                    "checkpoint expects: the run cannot be resumed, but its agent can still be loaded"
                )
            self.grow()
            self._segments[-1][:filled] = np.fromfile(path, self._record, filled)
            self._filled = filled

    def prune(self, folder: Path, name: str) -> None:
        """Remove the files of segments that were dropped; to be called when a checkpoint that knows of it is whole."""
        for path in folder.glob(f"{name}-*.records"):
            number = path.stem.rpartition("-")[2]
            if number.isdigit() and int(number) < self.first:
                path.unlink()


def _file(folder: Path, name: str, number: int) -> Path:
    return folder / f"{name}-{number:06d}.records"
