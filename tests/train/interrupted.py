"""Runs that are killed or stopped, and all that they leave."""

import io

from running import CLOCKS

from reverie.report.log import read_metrics
from reverie.report.progress import Progress
from reverie.train import checkpoint
from reverie.train.folder import RunFolder
from reverie.train.trainer import Trainer


class Killed(BaseException):
    """Nothing catches it, and nothing is written after it."""


def after(count, raised):
    """A function that raises in its count-th call."""
    calls = 0

    def ask(*arguments, **options):
        nonlocal calls
        calls += 1
        if calls == count:
            raise raised
        return None

    return ask


def wrap(owner, name, ask):
    """Ask before each call of a method."""
    method = getattr(owner, name)

    def asked(*arguments, **options):
        ask()
        return method(*arguments, **options)

    setattr(owner, name, asked)


def go(resolved, path, spoil=None, stop=lambda: None):
    """Train, from the beginning or from the last checkpoint; returns the trainer."""
    folder = RunFolder(path)
    fresh = not folder.config.exists()
    trainer = Trainer(resolved, folder)
    try:
        if fresh:
            folder.create(resolved)
        elif folder.checkpoint.exists():
            trainer.changed = trainer.resume()
        if spoil is not None:
            spoil(trainer)
        with Progress(resolved.config.train.steps, stream=io.StringIO()) as progress:
            trainer.run(progress, stop)
    finally:
        trainer.close()
    return trainer


def go_through_kills(resolved, path, moments, draw, kills=4):
    """Train to the end, killed at random calls of methods of the trainer: `moments` are their names and most calls."""
    for _ in range(kills):
        where, count = draw.choice(moments)
        count = draw.randint(1, count)

        def spoil(trainer, where=where, count=count):
            *owners, name = where.split(".")
            wrap(getattr(trainer, owners[0]) if owners else trainer, name, after(count, Killed()))

        try:
            go(resolved, path, spoil)
        except Killed:
            continue
        return
    go(resolved, path)


def outcome(path):
    """Everything that a run leaves, but for what a clock says."""
    folder = RunFolder(path)
    lines = [{k: v for k, v in line.items() if k not in CLOCKS} for line in read_metrics(folder.metrics)]
    tensors, progress = checkpoint.read(folder.checkpoint)
    progress = {k: v for k, v in progress.items() if k not in (*CLOCKS, "log")}
    files = {file.name: file.read_bytes() for file in folder.replay.iterdir()}
    return lines, {name: x.numpy().tobytes() for name, x in tensors.items()}, progress, files


class Uninterrupted:
    """What the uninterrupted run of each kind leaves; each is run once, when it is first asked for."""

    def __init__(self, folders, resolved):
        self._folders, self._resolved, self._left = folders, resolved, {}

    def __call__(self, kind):
        if kind not in self._left:
            path = self._folders.mktemp("whole") / "run"
            go(self._resolved(kind), path)
            self._left[kind] = outcome(path)
        return self._left[kind]
