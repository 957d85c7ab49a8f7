"""Clocks: when something is due, and how long training took."""

import time


class Every:
    """True once for each interval passed, such as every 5,000 frames.

    Attributes:
        passed: intervals passed so far.
    """

    def __init__(self, interval: int, start: int = 0) -> None:
        self._interval = interval
        self.passed = start // interval

    def __call__(self, now: int) -> bool:
        """Whether a multiple of the interval was reached since the last call."""
        count = now // self._interval
        due = count > self.passed
        self.passed = count
        return due


class Stopwatch:
    """Wall clock since the start, and the same without what was excluded."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._excluded = 0.0
        self._since: float | None = None

    def restart(self, seconds: float, train_seconds: float) -> None:
        """Go on from an earlier reading, as a resumed run does."""
        self._start, self._excluded = time.perf_counter() - seconds, seconds - train_seconds

    def __enter__(self) -> "Stopwatch":
        self._since = time.perf_counter()
        return self

    def __exit__(self, *exception: object) -> None:
        assert self._since is not None
        self._excluded += time.perf_counter() - self._since
        self._since = None

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._start

    @property
    def train_seconds(self) -> float:
        """Seconds since the start without those spent inside `with`."""
        return self.seconds - self._excluded
