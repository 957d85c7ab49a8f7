"""`reverie train` and `reverie resume`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro

from reverie.cli.arguments import Request, parse
from reverie.cli.reading import read
from reverie.errors import UserError
from reverie.train.run import forecast, resume, run


def train(arguments: Sequence[str]) -> None:
    """Train a preset; write everything into the run's folder."""
    begin(parse(arguments))


def begin(request: Request) -> None:
    """Make the run that was asked for, or say what it would be."""
    if request.dry_run:
        forecast(request.resolved, request.run)
    else:
        run(request.resolved, request.run, pictures=request.pictures, minutes=_positive(request.time_limit))


@dataclass(frozen=True)
class Resume:
    """Go on with a run from its last checkpoint."""

    run: Annotated[str, tyro.conf.Positional]
    """the run's folder"""
    device: str = ""
    """where to go on, such as cpu or cuda; otherwise where the run was told to be when it began"""
    time_limit: float | None = None
    """minutes after which to stop, with a checkpoint and exit status 75"""
    pictures: bool = True
    """draw the run's pictures at its end"""


def go_on(arguments: Sequence[str]) -> None:
    """Resume a run."""
    chosen = read(Resume, arguments, "reverie resume")
    resume(chosen.run, device=chosen.device, pictures=chosen.pictures, minutes=_positive(chosen.time_limit))


def _positive(minutes: float | None) -> float | None:
    if minutes is not None and not minutes > 0:
        raise UserError(f"--time-limit must be above 0 minutes, not {minutes}")
    return minutes
