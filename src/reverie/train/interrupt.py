"""Why a run stops before its end: Ctrl-C, SIGTERM, or the time it was given."""

import signal
import threading
import time
from types import FrameType, TracebackType


class Stopped(Exception):  # noqa: N818 (it is no error)
    """A run stopped on request, with everything kept; `status` is the exit status for the shell."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.status = status


def like_ctrl_c() -> None:
    """From now on SIGTERM raises KeyboardInterrupt, as Ctrl-C does, so that what was begun is cleaned up."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupted)


class Interrupt:
    """Within the block Ctrl-C and SIGTERM only ask the run to stop, at the next moment that can be kept.

    A second Ctrl-C stops at once. Where signals cannot be handled, outside the main thread, only the time counts.

    Args:
        minutes: how long the run may take; None is for ever.
    """

    TIME_IS_UP = 75
    """EX_TEMPFAIL: a batch queue may start the run again, with `reverie resume`."""

    def __init__(self, minutes: float | None = None) -> None:
        self._end = None if minutes is None else time.monotonic() + 60 * minutes
        self._minutes = minutes
        self._signal: int | None = None
        self._before: dict[int, object] = {}

    def __enter__(self) -> "Interrupt":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._asked)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal itself gave

    def __call__(self) -> Stopped | None:
        """The reason to stop now, if there is one."""
        if self._signal is not None:
            return Stopped(f"stopped by {signal.Signals(self._signal).name}", 128 + self._signal)
        if self._end is not None and time.monotonic() >= self._end:
            return Stopped(f"stopped after the {self._minutes:g} minutes of --time-limit", self.TIME_IS_UP)
        return None

    def _asked(self, number: int, frame: FrameType | None) -> None:
        if self._signal is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._signal = number
