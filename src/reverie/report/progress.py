"""Live progress of a run: a bar on a terminal, a few plain lines anywhere else."""

import os
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

LINES = 10
"""How many lines a whole run prints where there is no terminal, and as many each long stage without frames."""

BRIEF = 10.0
"""Seconds that such a stage takes before it prints one."""


class Pace:
    """Frames per second over the last `window` seconds: evaluations and slow phases count, old ones fade."""

    def __init__(self, window: float = 120.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._window, self._clock = window, clock
        self._seen: deque[tuple[float, int]] = deque()

    def update(self, frames: int) -> None:
        """Note how many frames there are now; a resumed run's first call sets where it starts."""
        now = self._clock()
        self._seen.append((now, frames))
        # The oldest sample may lie just outside the window, so that slow updates always leave two.
        while len(self._seen) > 2 and self._seen[1][0] <= now - self._window:
            self._seen.popleft()

    @property
    def rate(self) -> float | None:
        """Frames per second, None before there is something to measure."""
        if len(self._seen) < 2:
            return None
        (start, first), (end, last) = self._seen[0], self._seen[-1]
        return (last - first) / (end - start) if end > start and last > first else None


class Progress:
    """How far a run is: frames, updates, frames per second, time left and the last evaluation.

    Args:
        total_frames: environment frames of the whole run.
        quiet: None draws a bar on a terminal and prints plain lines, about every 10 % of the frames, anywhere else;
            True prints plain lines on a terminal as well; False draws the bar wherever the output goes.
        stream: where to, standard output if None.

    Plain lines hold no control characters. Use it as a context manager, since a bar has to be taken down.
    """

    def __init__(self, total_frames: int, quiet: bool | None = None, stream: TextIO | None = None) -> None:
        self.total_frames = max(1, total_frames)
        self._stream = sys.stdout if stream is None else stream
        # Asked of the stream itself: rich would believe FORCE_COLOR and colour a pipe.
        terminal = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self.live = terminal if quiet is None else not quiet
        self._console = Console(file=self._stream, force_terminal=self.live, highlight=False)
        self._pace = Pace()
        self._done, self._total, self._unit = 0, self.total_frames, "frames"
        self._updates, self._note = 0, ""
        self._last_evaluation: float | None = None
        self._printed: int | None = None
        self._told = 0.0
        self._live = Live(console=self._console, get_renderable=self._render, refresh_per_second=4)

    def __enter__(self) -> "Progress":
        if self.live:
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self.live:
            self._live.stop()

    def update(
        self,
        frames: int,
        updates: int,
        last_evaluation: float | None,
        note: str = "",
        apart: tuple[int, int] | None = None,
    ) -> None:
        """Show how far the run is; cheap enough to call after every step.

        Args:
            frames: environment frames so far, a resumed run's earlier ones included.
            updates: gradient updates so far.
            last_evaluation: mean return of the last evaluation, None before the first.
            note: a few words about what happens now.
            apart: where no frames are collected meanwhile, how many updates of how many are made: they are what is
                shown then.
        """
        self._updates, self._last_evaluation = updates, last_evaluation
        done, total = apart or (frames, self.total_frames)
        if (apart is None) != (self._unit == "frames") or (apart is not None and note != self._note):
            self._pace, self._printed, self._told = Pace(), None, time.monotonic()
        self._done, self._total, self._unit, self._note = done, total, "frames" if apart is None else "updates", note
        self._pace.update(done)
        if self.live:
            return
        tenth = min(LINES, LINES * done // total)
        if self._printed is not None and tenth > self._printed:
            now = time.monotonic()
            if apart is not None and now - self._told < BRIEF:
                return
            self._told = now
            told = f"{done:,} / {total:,} {self._unit} ({done / total:.0%})"
            self.message("  ".join([told, *self._details()]))
        self._printed = tenth

    def message(self, text: str) -> None:
        """Print a line, above the bar if there is one."""
        if self.live:
            self._console.print(Text(text), soft_wrap=True)
        else:
            print(text, file=self._stream, flush=True)

    def _details(self) -> list[str]:
        rate = self._pace.rate
        details = [f"{self._updates:,} updates"]
        if rate is not None:
            details.append(f"{rate:,.0f} {self._unit}/s" if rate >= 10 else f"{rate:.1f} {self._unit}/s")
            details.append(f"{_duration(max(0, self._total - self._done) / rate)} left")
        if self._last_evaluation is not None:
            details.append(f"evaluation {self._last_evaluation:,.1f}")
        return [*details, self._note] if self._note else details

    def _render(self) -> Group:
        """Two rows, so that they fit a terminal of 80 columns: how far, and everything else."""
        share = min(1.0, self._done / self._total)
        row = Table.grid(expand=True, padding=(0, 1))
        row.add_column(ratio=1)
        row.add_column(justify="right", no_wrap=True)
        row.add_column(justify="right", no_wrap=True)
        bar = ProgressBar(total=1.0, completed=share, complete_style="cyan", finished_style="green")
        row.add_row(bar, Text(f"{share:.0%}", "bold"), Text(f"{self._done:,} / {self._total:,} {self._unit}"))
        return Group(row, Text("  ".join(self._details()), style="dim", no_wrap=True, overflow="ellipsis"))


def _duration(seconds: float) -> str:
    """h:mm:ss, with days before it from one day on."""
    days, rest = divmod(round(seconds), 86400)
    clock = f"{rest // 3600}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    return f"{days} d {clock}" if days else clock
