"""`reverie train`."""

from collections.abc import Sequence

from reverie.cli.arguments import parse
from reverie.train.run import forecast, run


def train(arguments: Sequence[str]) -> None:
    """Train a preset; write everything into the run's folder."""
    request = parse(arguments)
    if request.dry_run:
        forecast(request.resolved, request.run)
    else:
        run(request.resolved, request.run, pictures=request.pictures)
