"""Which chunks a batch holds: how their starts are drawn."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np


class Draws(Protocol):
    """Draws starts of chunks among those that fit, and remembers what it needs for that.

    oldest: for each stream the number of the oldest record that it holds, dropped ones counted.
    fitting: for each stream how many starts of chunks it holds.
    """

    def draw(
        self, oldest: Sequence[int], fitting: np.ndarray, rows: int, rng: np.random.Generator, *, counted: bool = True
    ) -> tuple[np.ndarray, np.ndarray]:
        """Streams and starts, `rows` of each, a start of 0 being the oldest record that is held.

        counted: whether these draws weigh on later ones.
        """
        ...

    def state(self) -> dict[str, np.ndarray]:
        """What `resume` needs, by name."""
        ...

    def resume(self, state: Mapping[str, np.ndarray]) -> None:
        """Take up what `state` gave."""
        ...


class Uniform:
    """Each start is equally likely."""

    def draw(
        self, oldest: Sequence[int], fitting: np.ndarray, rows: int, rng: np.random.Generator, *, counted: bool = True
    ) -> tuple[np.ndarray, np.ndarray]:
        """Uniform over all streams together."""
        ends = np.cumsum(fitting)
        return _places(ends, rng.integers(0, ends[-1], rows), fitting)

    def state(self) -> dict[str, np.ndarray]:
        """Nothing."""
        return {}

    def resume(self, state: Mapping[str, np.ndarray]) -> None:
        """Nothing is taken up."""


class Balanced:
    """A start that was drawn n times has the weight exp(-n / temperature) (TWM, section 2.4: balanced sampling).

    Uniform draws favour what came early, which was there for longer. Deviation: a batch may hold a chunk twice.
    """

    def __init__(self, temperature: float) -> None:
        self._temperature = temperature
        self._visits: dict[int, np.ndarray] = {}
        """for each stream, of each record that it ever held from the first one on that is still counted"""
        self._since: dict[int, int] = {}

    def draw(
        self, oldest: Sequence[int], fitting: np.ndarray, rows: int, rng: np.random.Generator, *, counted: bool = True
    ) -> tuple[np.ndarray, np.ndarray]:
        """By weight over all streams together; each draw counts from the next batch on."""
        visits = np.concatenate([self._held(row, first, int(fitting[row])) for row, first in enumerate(oldest)])
        # Counted from the least visited on: weights are never all zero.
        weights = np.cumsum(np.exp((visits.min() - visits) / self._temperature))
        flat = np.searchsorted(weights, rng.random(rows) * weights[-1], side="right")
        streams, starts = _places(np.cumsum(fitting), np.minimum(flat, len(weights) - 1), fitting)
        for stream, start in zip(streams, starts, strict=True) if counted else ():
            self._visits[int(stream)][start] += 1
        return streams, starts

    def state(self) -> dict[str, np.ndarray]:
        """The counts of each stream, and since which record."""
        since = {f"since.{row}": np.array(number) for row, number in self._since.items()}
        return since | {f"visits.{row}": counts for row, counts in self._visits.items()}

    def resume(self, state: Mapping[str, np.ndarray]) -> None:
        """Take up the counts."""
        rows = [int(name.removeprefix("since.")) for name in state if name.startswith("since.")]
        self._since = {row: int(state[f"since.{row}"]) for row in rows}
        self._visits = {row: np.array(state[f"visits.{row}"], np.int64) for row in rows}

    def _held(self, row: int, oldest: int, fitting: int) -> np.ndarray:
        """The counts of a stream's starts: those of dropped records go, those of new ones begin at 0."""
        known = self._visits.get(row, np.zeros(0, np.int64))[oldest - self._since.get(row, 0) :]
        grown = np.concatenate([known, np.zeros(max(0, fitting - len(known)), np.int64)])
        self._visits[row], self._since[row] = grown, oldest
        return grown[:fitting]


def _places(ends: np.ndarray, flat: np.ndarray, fitting: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    streams = np.searchsorted(ends, flat, side="right")
    return streams, flat - (ends - fitting)[streams]


def draws(balance: float) -> Draws:
    """Balanced by visits at that temperature; 0 is uniform."""
    return Balanced(balance) if balance else Uniform()
