"""One row of the table of mistakes, and what rows prepare."""

import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ANYTHING = "…"
"""In a message: whatever stands there depends on the machine, on a version or on a draw."""


@dataclass(frozen=True)
class Place:
    """Where a mistake is made: the working folder is empty and the test's own."""

    patch: pytest.MonkeyPatch
    trained: Path
    """a finished run of `py:tiny:walk`"""
    held: list[Any]
    """what must stay open until the end"""

    def run(self) -> Path:
        """A copy of the finished run, as `run`."""
        return Path(shutil.copytree(self.trained, "run"))

    def module(self, text: str) -> None:
        """A module of the user's, as `mine`."""
        Path("mine.py").write_text(text)
        self.patch.syspath_prepend(str(Path.cwd()))
        self.patch.delitem(sys.modules, "mine", raising=False)


@dataclass(frozen=True)
class Mistake:
    """A mistake, and what it is told.

    Attributes:
        situation: what is wrong, for readers.
        command: what was typed after `reverie`, as in a shell.
        message: what comes after `reverie: `; "…" stands for anything.
        prepare: makes the files and the circumstances.
        leaves: a folder of a run that has begun and may stay.
        needs: packages without which the mistake cannot be made.
        tiny: makes a run that begins a small one; not for readers.
        check: what must hold afterwards.
    """

    situation: str
    command: str
    message: str
    prepare: Callable[[Place], object] | None = None
    leaves: str = ""
    needs: tuple[str, ...] = ()
    tiny: bool = False
    check: Callable[[], object] | None = None

    def fits(self, message: str) -> bool:
        """Whether this is the message."""
        return re.fullmatch(".+?".join(map(re.escape, self.message.split(ANYTHING))), message) is not None


def refusing(owner, name: str, error: Exception, after: int = 0):
    """From some call on, a function fails."""

    def prepare(at: Place) -> None:
        real, calls = getattr(owner, name), 0

        def fail(*arguments, **options):
            nonlocal calls
            calls += 1
            if calls > after:
                raise error
            return real(*arguments, **options)

        at.patch.setattr(owner, name, fail)

    return prepare
