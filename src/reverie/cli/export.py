"""`reverie export`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro

from reverie.cli.reading import read
from reverie.data.minari import KIND, Written, write
from reverie.errors import UserError
from reverie.train.interrupt import like_ctrl_c
from reverie.train.sources import RunSource
from reverie.version import __version__


@dataclass(frozen=True)
class Export:
    """Write what a run has collected as a Minari dataset, for other libraries or for `reverie fit`."""

    run: Annotated[str, tyro.conf.Positional]
    """the run's folder"""
    to: str
    """the dataset, as minari:NAME-v0 or minari:NAMESPACE/NAME-v0; it lies in MINARI_DATASETS_PATH or ~/.minari"""


def export(arguments: Sequence[str]) -> None:
    """Write the dataset, and say what it holds and what is missing."""
    chosen = read(Export, arguments, "reverie export")
    if not chosen.to.startswith(KIND):
        raise UserError(f"--to {chosen.to} should read {KIND}NAME, as in: --to {KIND}pendulum/dreamer-v0")
    source = RunSource(chosen.run)
    assert source.env is not None
    if not source.records:
        raise UserError(f"{chosen.run} has collected nothing yet; train it for longer")
    like_ctrl_c()  # half a dataset would keep the name
    written = write(
        chosen.to.removeprefix(KIND),
        source.episodes(),
        source.observation_space,
        source.action_space,
        source.env,
        source.spec,
        (f"{source.preset} of reverie {__version__}", f"the replay of a run on {source.env.env}"),
    )
    print(f"{chosen.to}: {written.episodes:,} episodes, {written.steps:,} steps")
    for remark in _remarks(written):
        print(f"  careful: {remark}")
    print(written.path)


def _remarks(written: Written) -> list[str]:
    """What a dataset cannot say of its episodes."""
    told = {
        f"{written.running} of them had not ended, and are marked as truncated": written.running,
        f"of {written.unbegun} the beginning was no longer held: they begin later": written.unbegun,
        f"{written.left_out} that had only begun, with one observation and no step, were left out": written.left_out,
    }
    return [remark for remark, number in told.items() if number]
