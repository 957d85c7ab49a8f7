"""Mistakes that a user can make. The command line prints the message alone and exits with status 2."""

import difflib
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal


class UserError(ValueError):
    """Something the user asked for cannot be done; the message names the thing, the value and the cure."""


class MissingExtra(UserError):  # noqa: N818 (it names what is missing)
    """A package that only some tasks need is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        self._made = (package, extra, purpose)
        super().__init__(
            f"{purpose} needs the package '{package}', which is not installed: pip install 'reverie[{extra}]'"
        )

    def __reduce__(self) -> tuple[type["MissingExtra"], tuple[str, str, str]]:
        """From process to process, as `reverie bench` and environments side by side send it."""
        return type(self), self._made


@contextmanager
def about(thing: str) -> Iterator[None]:
    """Within the block a mistake's message begins with the thing that it is about."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{thing}: {error}") from error


def in_one_line(error: BaseException) -> str:
    """The error's type and the first line of its message."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def raised_at(error: Exception) -> str:
    """The error in a line, and the line of the code that raised it."""
    places = traceback.extract_tb(error.__traceback__)
    file, line = (error.filename, error.lineno) if isinstance(error, SyntaxError) else places[-1][:2]
    return f"{in_one_line(error)}, {file}:{line}"


def unknown(kind: str, value: str, known: Iterable[str]) -> UserError:
    """The error for a name that is not known, with the nearest name that is."""
    names = sorted(known)
    near = difflib.get_close_matches(value, names, n=1, cutoff=0.5)
    if near:
        return UserError(f"unknown {kind} '{value}'; did you mean '{near[0]}'?")
    return UserError(f"unknown {kind} '{value}'; known: {', '.join(names)}")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, for commands that look at many before they speak.

    Attributes:
        level: fine, a note (worth knowing), or a violation (training refuses it, or is spoiled by it).
        name: what was found, as one hyphenated word.
        message: the thing and its value.
        cure: what to do about it; empty where the message says so, or nothing need be done.
    """

    level: Literal["fine", "note", "violation"]
    name: str
    message: str
    cure: str = ""

    def __str__(self) -> str:
        return f"{self.level:<10} {self.name}: {self.message}" + (f"; {self.cure}" if self.cure else "")


def violations(findings: Iterable[Finding]) -> list[Finding]:
    """Those that training refuses or is spoiled by."""
    return [finding for finding in findings if finding.level == "violation"]
