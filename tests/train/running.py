"""Whole runs of a tiny agent."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from tiny import Walk, weights
from torch import Tensor

from reverie.agents.resolve import Resolved
from reverie.report.evaluate import Episode
from reverie.report.log import read_metrics
from reverie.report.progress import Progress
from reverie.train.folder import RunFolder
from reverie.train.interrupt import Stopped
from reverie.train.trainer import Trainer

CLOCKS = ("seconds", "train_seconds")


class Run(NamedTuple):
    """What is left of a run."""

    folder: RunFolder
    weights: dict[str, Tensor]
    metrics: list[dict[str, Any]]
    frames: int
    updates: int
    episodes: list[Episode]
    output: str
    walks: list[Walk]
    """the environments, those of training first"""

    def evaluations(self) -> list[dict[str, Any]]:
        """The lines of evaluations."""
        return [line for line in self.metrics if "eval/return" in line]

    def timeless(self) -> list[dict[str, Any]]:
        """The metrics without what a clock says."""
        return [{name: value for name, value in line.items() if name not in CLOCKS} for line in self.metrics]


def run(
    resolved: Resolved,
    path: Path,
    watch: Callable[[Trainer], None] | None = None,
    stop: Callable[[Trainer], Stopped | None] = lambda trainer: None,
) -> Run:
    """Train to the end. watch: may put something into the trainer before it runs. stop: asked with the trainer."""
    folder, output = RunFolder(path), io.StringIO()
    folder.create(resolved)
    Walk.alive.clear()
    trainer = Trainer(resolved, folder)
    walks = list(Walk.alive)
    if watch is not None:
        watch(trainer)
    try:
        with Progress(resolved.config.train.steps, stream=output) as progress:
            trainer.run(progress, lambda: stop(trainer))
    finally:
        trainer.close()
    return Run(
        folder,
        weights(trainer.agent),
        read_metrics(folder.metrics),
        trainer.frames,
        trainer.learner.updates,
        trainer.episodes,
        output.getvalue(),
        walks,
    )
