"""Learning curves that others published, from a CSV file.

Columns: task, observation (proprio or vision), method, source, env_frames, seeds, mean, std. Tasks are named as
DeepMind Control's are, such as cartpole-swingup.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reverie.agents.resolve import Resolved
from reverie.errors import UserError

COLUMNS = ("task", "observation", "method", "source", "env_frames", "seeds", "mean", "std")
NEAR = 0.1
"""How far from our frames a published point may lie, as a share of ours."""

OTHER_NAMES = {"ball_in_cup-catch": "cup-catch"}
"""Tasks whose published name is not DeepMind Control's."""


@dataclass(frozen=True)
class Curve:
    """One published curve."""

    method: str
    source: str
    points: list[tuple[int, float]] = field(default_factory=list)
    """environment frames and mean return, in order"""

    def near(self, frames: int) -> float | None:
        """The mean of its points within 10 % of some frames, None where there is none."""
        found = [mean for at, mean in self.points if abs(at - frames) <= NEAR * frames]
        return sum(found) / len(found) if found else None


Published = dict[tuple[str, str], list[Curve]]
"""Curves by task and observation."""


def task_of(resolved: Resolved) -> tuple[str, str]:
    """Task and observation of a run, as published curves name them."""
    task = resolved.config.env.env.split(":")[-1]
    return OTHER_NAMES.get(task, task), "vision" if resolved.config.env.pixels else "proprio"


def read_published(path: Path, methods: Sequence[str] = ()) -> Published:
    """Read the curves, of some methods or of all.

    Raises:
        UserError: if there is no such file, a column is missing, a number is none, or a method is not in it.
    """
    curves: dict[tuple[str, str, str, str], Curve] = {}
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
            if missing:
                raise UserError(f"{path} lacks the column {', '.join(missing)}; it needs {','.join(COLUMNS)}")
            for number, row in enumerate(rows, start=2):
                key = row["task"], row["observation"], row["method"], row["source"]
                curve = curves.setdefault(key, Curve(row["method"], row["source"]))
                try:
                    curve.points.append((int(float(row["env_frames"])), float(row["mean"])))
                except (TypeError, ValueError, OverflowError):
                    found = f"{row['env_frames']!r}, {row['mean']!r}"
                    raise UserError(
                        f"line {number} of {path}: env_frames and mean must be numbers, not {found}"
                    ) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"the published curves {path} cannot be read: {reason}; name a CSV file in UTF-8") from error
    _known_methods(methods, {curve.method for curve in curves.values()}, path)
    chosen: Published = {}
    for (task, observation, method, _), curve in curves.items():
        if not methods or method in methods:
            curve.points.sort()
            chosen.setdefault((task, observation), []).append(curve)
    return chosen


def _known_methods(methods: Sequence[str], known: set[str], path: Path) -> None:
    for method in methods:
        if method not in known:
            raise UserError(f"{path} holds no method '{method}'; it holds {', '.join(sorted(known))}")


def labels(curves: Iterable[Curve]) -> dict[tuple[str, str], str]:
    """What to call each (method, source): the method, and its source where a method has several."""
    pairs = sorted({(curve.method, curve.source) for curve in curves})
    methods = [method for method, _ in pairs]
    return {
        (method, source): method if methods.count(method) == 1 else f"{method} ({source})" for method, source in pairs
    }
