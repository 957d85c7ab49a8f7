"""What the page and the server say to each other: JSON, one thing at a time.

from the page     {"act": [..]}  {"agent": true}  {"posterior": true}  {"pause": true}  {"temperature": 1.5}
                  {"reset": null}  {"moment": 12}  {"ping": 7}
to the page       {"hello": {..}}  {"frame": {..}}  {"pong": 7}  {"error": ".."}
"""

import base64
import json
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8

from reverie.errors import UserError, unknown
from reverie.play.page.session import Frame, Session

LONGEST = 4096
"""Characters of a message from the page."""

HOTTEST = 1000.0


class Message(NamedTuple):
    """A kind of message and its value."""

    kind: str
    value: Any


def parse(text: str, session: Session) -> Message:
    """A message from the page.

    Raises:
        UserError: if it is too long, no JSON, of no kind that is known, or its value cannot be.
    """
    if len(text) > LONGEST:
        raise UserError(f"a message may have {LONGEST} characters, not {len(text)}")
    try:
        said = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise UserError("a message must be JSON") from error
    if not isinstance(said, dict) or len(said) != 1:
        raise UserError("a message must be an object with one key")
    ((kind, value),) = said.items()
    if kind not in KINDS:
        raise unknown("message", kind[:20], KINDS)
    return Message(kind, KINDS[kind](value, session))


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _number(value: Any, session: Session) -> float:
    try:
        number = math.nan if isinstance(value, bool) or not isinstance(value, int | float) else float(value)
    except OverflowError:  # JSON knows whole numbers of any length
        number = math.inf
    if not math.isfinite(number):
        raise UserError("the value must be a finite number")
    return number


def _act(value: Any, session: Session) -> list[float]:
    if not isinstance(value, list):
        raise UserError("an action must be a list of numbers")
    numbers = [_number(x, session) for x in value]
    session.controls.check(numbers)
    return numbers


def _switch(value: Any, session: Session) -> bool:
    if not isinstance(value, bool):
        raise UserError("the value must be true or false")
    return value


def _temperature(value: Any, session: Session) -> float:
    number = _number(value, session)
    if not 0 < number <= HOTTEST:
        raise UserError(f"the temperature must be above 0 and at most {HOTTEST:g}, not {number:g}")
    return number


def _moment(value: Any, session: Session) -> int:
    number, moments = _number(value, session), len(session.moments)
    if number != int(number) or not 0 <= number < moments:
        raise UserError(f"a moment must be a whole number from 0 to {moments - 1}, not {number:g}")
    return int(number)


def _nothing(value: Any, session: Session) -> None:
    if value is not None:
        raise UserError("the value must be null")


KINDS: dict[str, Callable[[Any, Session], Any]] = {
    "act": _act,
    "agent": _switch,
    "posterior": _switch,
    "pause": _switch,
    "temperature": _temperature,
    "reset": _nothing,
    "moment": _moment,
    "ping": _number,
}
"""What the value of each kind must be."""


def say(kind: str, value: Any) -> str:
    """A message to the page."""
    return json.dumps({kind: value}, allow_nan=False)


def shown(frame: Frame, session: Session, *, paused: bool) -> str:
    """A frame and the switches, for the page."""
    rows, columns = frame.latent.shape
    cells = np.rint(frame.latent * 255).astype(np.uint8)
    latent = {"rows": rows, "columns": columns, "cells": base64.b64encode(cells.tobytes()).decode()}
    pictures = {"dream": _png(frame.dream), "real": _png(frame.real), "latent": latent}
    switches = {
        "agent": session.agent_acts,
        "posterior": session.posterior,
        "alone": session.alone,
        "paused": paused,
        "temperature": session.temperature,
    }
    return say("frame", vars(frame) | pictures | switches)


def _png(image: UInt8[np.ndarray, "H W 3"] | None) -> str | None:
    """The file in base64."""
    if image is None:
        return None
    import imageio.v3 as iio

    file = iio.imwrite("<bytes>", np.ascontiguousarray(image), extension=".png", plugin="pillow", compress_level=1)
    return base64.b64encode(file).decode()
