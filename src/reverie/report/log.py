"""The log of a run: one JSON object per line in `metrics.jsonl`, and the scalars again for those who look on.

    {"frames": 1000, "updates": 60, "seconds": 12.5, "train_seconds": 9.1, "loss/reward": 0.31, "eval/returns": [3, 5]}

The JSON lines are the record: whole lines only, cut at a byte offset when a run resumes. Sinks (`reverie.report.sinks`:
TensorBoard, Weights & Biases) are views of them by environment frames, or by updates.
"""

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reverie.errors import UserError
from reverie.report.sinks import Axis, Sink, sinks_of
from reverie.report.write import plain

STAMP = ("frames", "updates", "seconds", "train_seconds")
"""The fields that every line starts with."""


class MetricLog:
    """Appends to `folder/metrics.jsonl`, and shows the scalars to some sinks.

    A line that a crash cut short is removed when the log is opened again.

    Args:
        folder: the run's.
        sinks: who is shown the scalars; by default those that the run's configuration names, TensorBoard among them.
        axis: what the sinks show them against.

    Raises:
        OSError: the folder cannot be made or written.
        UserError: a sink cannot be opened.
    """

    def __init__(
        self, folder: str | os.PathLike[str], sinks: Sequence[Sink] | None = None, axis: Axis = "frames"
    ) -> None:
        self.folder, self.axis = Path(folder), axis
        self.path = self.folder / "metrics.jsonl"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._sinks = sinks_of(self.folder, axis) if sinks is None else list(sinks)
        self._file = open(self.path, "ab")  # noqa: SIM115 (open for the whole run)
        self._file.truncate(_whole_lines(self.path))

    def __enter__(self) -> "MetricLog":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def offset(self) -> int:
        """The length of `metrics.jsonl` in bytes: what a checkpoint stores, and `truncate` takes."""
        return os.fstat(self._file.fileno()).st_size

    def write(
        self,
        frames: int,
        updates: int,
        seconds: float,
        train_seconds: float,
        metrics: Mapping[str, float | list[float]],
    ) -> None:
        """Append one line, in one write, and flush it.

        Args:
            frames: environment frames so far (action repeat counted).
            updates: gradient updates so far.
            seconds: wall-clock time since the run began.
            train_seconds: the part of it not spent on evaluations.
            metrics: name -> a number, or a list of numbers (such as `eval/returns`), which goes to the JSON alone.
                A value that is not finite is null in the JSON, and itself in the sinks.

        Raises:
            ValueError: a metric has the name of one of the four fields above.
        """
        taken = [name for name in STAMP if name in metrics]
        if taken:
            raise ValueError(f"metrics may not be called {taken}: every line has these fields already")
        values = {name: _number(value) for name, value in metrics.items()}
        stamp = dict(zip(STAMP, (int(frames), int(updates), float(seconds), float(train_seconds)), strict=True))
        line = json.dumps(plain(stamp | values), allow_nan=False)
        self._file.write(line.encode() + b"\n")
        self._file.flush()
        scalars = {name: value for name, value in values.items() if isinstance(value, float)}
        for sink in self._sinks if scalars else ():
            sink.show(scalars, int(frames if self.axis == "frames" else updates))

    def sync(self) -> int:
        """Force the lines onto the disk, so that a checkpoint never knows more than the log; returns `offset`."""
        os.fsync(self._file.fileno())
        return self.offset

    def truncate(self, offset: int) -> None:
        """Cut the log back to `offset` bytes, where a checkpoint left it; sinks that can forget the same steps.

        Raises:
            UserError: the log is shorter than that, or has no end of a line there: it is not the checkpoint's log.
        """
        size = self.offset
        if not 0 <= offset <= size:
            raise UserError(
                f"cannot resume the log {self.path}: it has {size} bytes and its checkpoint expects {offset}; "
                "put back a copy of it"
            )
        if offset and _byte(self.path, offset - 1) != b"\n":
            raise UserError(
                f"cannot resume the log {self.path}: no line ends at byte {offset}, as its checkpoint expects; "
                "put back a copy of it"
            )
        if offset == size:
            return
        self._file.truncate(offset)
        records = read_metrics(self.path)
        after = int(records[-1][self.axis]) + 1 if records else 0
        for sink in self._sinks:
            sink.forget(after)

    def close(self) -> None:
        """Close the file and the sinks; closing twice does no harm."""
        self._file.close()
        for sink in self._sinks:
            sink.close()


def read_metrics(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Read a `metrics.jsonl`, one dict per line; null comes back as nan.

    The last line of a run that still writes, or was killed, may be cut short: it is left out.

    Raises:
        UserError: there is no such file, or a line before its end is not a JSON object.
    """
    path = Path(path)
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        raise UserError(f"there are no metrics at {path}") from None
    records = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            if not isinstance(record, dict):
                raise ValueError("not an object")
        except ValueError:
            if number == len(lines):  # no end of line after it: cut short
                break
            raise UserError(f"line {number} of {path} is not a JSON object: {line[:60]!r}") from None
        records.append({name: _from_null(value) for name, value in record.items()})
    return records


def _number(value: Any) -> float | list[float]:
    """A float, or a list of them, of whatever counts as one: an int, a NumPy scalar, a tensor of one element."""
    return [float(item) for item in value] if isinstance(value, list | tuple) else float(value)


def _from_null(value: Any) -> Any:
    if isinstance(value, list):
        return [math.nan if item is None else item for item in value]
    return math.nan if value is None else value


def _whole_lines(path: Path) -> int:
    """How many bytes of the file are whole lines."""
    end = path.stat().st_size
    with open(path, "rb") as file:
        while end > 0:
            start = max(0, end - 65536)
            file.seek(start)
            found = file.read(end - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
    return 0


def _byte(path: Path, at: int) -> bytes:
    with open(path, "rb") as file:
        file.seek(at)
        return file.read(1)
