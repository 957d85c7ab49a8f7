"""Environments on which runs go wrong in a known way, importable as `py:ailing:fading`, and runs made to fail."""

import time
from dataclasses import replace
from itertools import chain, repeat
from typing import Any

import gymnasium
from running import run
from tiny import Walk, tiny

from reverie.report.diagnosis import Facts
from reverie.report.log import read_metrics
from reverie.report.measured import measure
from reverie.train.folder import load


class Paying(gymnasium.Wrapper):
    """A walk that pays something else, whatever is done, and may take its time."""

    def __init__(self, pays: Any, seconds: float = 0.0) -> None:
        super().__init__(Walk())
        self.pays, self.now, self.seconds = iter(pays), 0.0, seconds

    def reset(self, **options: Any):
        self.now = next(self.pays)
        return super().reset(**options)

    def step(self, action: Any):
        time.sleep(self.seconds)
        observation, _, terminated, truncated, info = super().step(action)
        return observation, self.now, terminated, truncated, info


def indifferent() -> gymnasium.Env:
    """Every step pays 1."""
    return Paying(repeat(1.0))


def fading() -> gymnasium.Env:
    """The second episode pays best, and later ones pay next to nothing."""
    return Paying(chain([1.0, 5.0], repeat(0.5)))


def slow() -> gymnasium.Env:
    """A step takes 20 milliseconds."""
    return Paying(repeat(1.0), 2e-2)


def changed(config: Any, path: str, value: Any) -> Any:
    """A configuration with one field, such as `objective.optimiser.clip`, of another value."""
    name, _, rest = path.partition(".")
    return replace(config, **{name: changed(getattr(config, name), rest, value) if rest else value})


def facts(folder, values=(), **changes: Any) -> Facts:
    """A tiny run with some values, and all that is known of it."""
    resolved = tiny(**changes)
    for path, value in dict(values).items():
        resolved = replace(resolved, config=changed(resolved.config, path, value))
    made = run(resolved, folder).folder.path
    agent, resolved = load(made, "cpu")
    return Facts(read_metrics(made / "metrics.jsonl"), resolved, measure(agent, resolved, 2))
