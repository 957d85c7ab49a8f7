"""Options are read by tyro, and what it complains of is told in one message, where it would draw a box.

tyro offers no other way to learn what it found wrong: its words are read from the box. Words that are not known here
are passed on as they are.
"""

import contextlib
import io
import re
import sys
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

import tyro

from reverie.errors import UserError, unknown

T = TypeVar("T")
Unused = Annotated[T, tyro.conf.Fixed, tyro.conf.Suppress]
"""An option that is for collecting, and so for `reverie train` alone."""

PLACE = re.compile(r"Error parsing ([\w.-]+): (.*)")
NUMBER = re.compile(r"(invalid literal for int\(\) with base 10|could not convert string to float): (['\"].*['\"])")
EITHER = re.compile(r"no type matching \{None\}\|(FLOAT|INT) could be instantiated from \[(.*)\]")
NUMBERS = re.compile(r"Could not parse arguments \[(.*)\] into tuple type \S*\[float, float\]")
CHOICE = re.compile(r"invalid choice '(.*)' for argument '(.*)'\. Expected one of \((.*)\)\.")
UNKNOWN = re.compile(r"Unrecognized options: (.*)")
VALUE = re.compile(r"Missing value for argument '(.*)'")
REQUIRED = re.compile(r"Missing from (.*?): (--\S+)? ?[A-Z]+ (.*?)\.? \(required\)")


def read(kind: type[T], arguments: Sequence[str], prog: str, of: str = "", **options: Any) -> T:
    """What `tyro.cli` makes of the arguments.

    Args:
        kind: a dataclass of all options.
        arguments: the words after the command.
        prog: the command, such as `reverie train`.
        of: the word after it by which it chose its options.
        options: tyro's own.

    Raises:
        UserError: for options that are not known, or values that do not fit.
        SystemExit: for --help, with 0.
    """
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return tyro.cli(kind, args=list(arguments), prog=prog, **options)
    except SystemExit as end:
        if end.code != 2:
            sys.stderr.write(said.getvalue())
            raise
        error = _complaint(_paragraphs(said.getvalue()), _refusal(end), prog)
        raise UserError(f"{error}; all options: {f'{prog} {of}'.strip()} --help") from None


def check_seed(seed: int, below: int = 2**64) -> None:
    """See that a seed is one that generators take.

    Raises:
        UserError: if it is not.
    """
    if seed < 0:
        raise UserError(f"--seed must not be negative, not {seed}")
    if seed >= below:
        raise UserError(f"--seed must be below 2**{below.bit_length() - 1} = {below}, not {seed}")


def _refusal(end: BaseException) -> UserError | None:
    """What one of our own configurations said against its values, if that is why tyro ended."""
    cause = end.__context__
    while cause is not None and not isinstance(cause, UserError):
        cause = cause.__context__
    return cause


def _paragraphs(box: str) -> list[list[str]]:
    """The lines of a box, split at its rules."""
    paragraphs: list[list[str]] = [[]]
    for line in box.splitlines()[1:]:
        words = line.strip("│╰╯|").strip()
        if words.strip("─-"):
            paragraphs[-1].append(words)
        else:
            paragraphs.append([])
    return [lines for lines in paragraphs if lines]


def _complaint(paragraphs: list[list[str]], refusal: UserError | None, prog: str) -> str | UserError:
    words = " ".join(paragraphs[0]) if paragraphs else "the options cannot be read"
    if place := PLACE.match(words):
        return _about_a_value(place[1], place[2]) if refusal is None else _refused(place[1], str(refusal))
    if choice := CHOICE.match(words):
        return unknown(choice[2], choice[1], re.findall(r"'(.*?)'", choice[3]))
    if strangers := UNKNOWN.match(words):
        near = re.findall(r"^(--[\w.-]+)", "\n".join(line for lines in paragraphs[1:] for line in lines), re.MULTILINE)
        return _about_an_option(strangers[1].split(", ")[0], near, prog)
    if value := VALUE.match(words):
        dashes = f"{value[1]}=VALUE" if value[1].startswith("-") else f"{prog} -- VALUE"
        return f"{value[1]} needs a value (one that begins with a dash: {dashes})"
    if required := REQUIRED.match(words):
        option = f"{required[2]}: " if required[2] else ""
        return f"{required[1]} needs {option}{required[3]}"
    return words


def _refused(place: str, message: str) -> str:
    """A part's configuration knows its own name, but not always where it stands; a command's own needs no place."""
    known = message.startswith(f"{place}.") or place[:1].isupper()
    return message if known else f"{place}: {message}"


def _about_a_value(option: str, reason: str) -> str:
    if either := EITHER.match(reason):
        return f"{option} needs a {'whole ' if either[1] == 'INT' else ''}number, not {either[2]}"
    if pair := NUMBERS.match(reason):
        return f"{option} needs two numbers, not {pair[1].replace(', ', ' ')}"
    number = NUMBER.search(reason)
    if number is None:
        return f"{option}: {reason}"
    if number[1].startswith("could"):
        return f"{option} needs a number, not {number[2]}"
    return f"{option} needs a whole number, not {number[2]}{_written_out(number[2][1:-1])}"


def _written_out(value: str) -> str:
    """How to write 1e5, or nothing where it is no whole number."""
    with contextlib.suppress(ValueError, OverflowError):
        if float(value) == int(float(value)):
            return f": write {int(float(value))}"
    return ""


def _about_an_option(word: str, near: list[str], prog: str) -> str:
    if not word.startswith("-"):
        return f"{prog} has no place for '{word}' (options that are on or off take no value)"
    if word in near:
        return f"{word} stands after --, where options end; leave the -- out"
    return f"unknown option {word}" + (f"; did you mean {near[0]}?" if near else "")
