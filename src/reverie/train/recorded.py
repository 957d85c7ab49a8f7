"""What a run learns from offline: the sources that it names, read into its replay one after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import gymnasium
import numpy as np

from reverie.agents.resolve import Resolved
from reverie.data.recording import Recording, Source, check_numbers
from reverie.data.replay import Replay
from reverie.envs.codec import codec
from reverie.errors import UserError
from reverie.train.measuring import Measuring
from reverie.train.sources import open_source

SHOWN = ("action_repeat", "pixels", "look", "crop", "frame_stack")
"""What of an environment's configuration has to be the same as in the data: the spaces do not tell all of it."""


@dataclass(frozen=True)
class Survey:
    """What was read: lines for people, and numbers for the log."""

    lines: list[str]
    metrics: dict[str, float]


class Recorded:
    """The sources of a run; none where it collects for itself. They are opened when they are first asked for."""

    def __init__(self, resolved: Resolved, observations: gymnasium.Space, actions: gymnasium.Space) -> None:
        """observations, actions: the spaces of the environment that the agent is made for."""
        self._config, self._terms = resolved.config, resolved.offline
        self._observations, self._actions = observations, actions

    @cached_property
    def sources(self) -> list[Source]:
        """All of them, opened."""
        return [open_source(name) for name in self._terms.data] if self._terms else []

    @property
    def records(self) -> int:
        """How many there are in all, about."""
        return sum(source.records for source in self.sources)

    def check(self) -> None:
        """See that there is enough, and that it is of this environment.

        Raises:
            UserError: if not, or if it cannot be read.
        """
        if self._terms is None:
            return
        if not self._terms.data:
            raise UserError("name what was recorded, as in: --data runs/RUN, or --data minari:NAME")
        if self._config.env.num_envs > 1:
            raise UserError(
                f"--num-envs {self._config.env.num_envs} is for collecting, and all is recorded: leave it at 1"
            )
        for source in self.sources:
            self._check(source)
        train = self._config.train
        if self.records < train.records:
            names = " ".join(self._terms.data)
            before = f" and --burn-in {train.burn_in}" if train.burn_in else ""
            raise UserError(
                f"--data {names} holds {self.records} records, fewer than a chunk of --length {train.length}{before}: "
                "name more"
            )

    def fill(self, replay: Replay, measuring: Measuring, rewards: bool) -> Survey:
        """Read all records into a replay, and measure them.

        Args:
            replay: of one environment.
            measuring: statistics of observations.
            rewards: whether the reward's unit is measured as well.

        Raises:
            UserError: if they do not fit, cannot be read or are not finite.
        """
        self.check()
        lines: list[str] = []
        returns: list[float] = []
        records = 0
        actions = codec(self._actions)
        for source in self.sources:
            tally = Tally()
            for number, recording in enumerate(source.episodes()):
                check_numbers(recording, source.name, number, actions)
                for record in recording.records():
                    replay.add(record)
                    measuring.add([record], rewards)
                tally.add(recording)
            lines += [f"{source.name}: {tally}", *(f"  careful: {remark}" for remark in self._doubts(source))]
            returns, records = returns + tally.returns, records + tally.records
        measuring.finish()
        if len(replay) < records:
            kept = f"the replay keeps the last {len(replay):,} of {records:,} records; --replay-mib would keep more"
            lines.append(f"  careful: {kept}")
        metrics = {"data/records": float(len(replay))}
        if returns:
            metrics |= {"data/return": float(np.mean(returns)), "data/best": max(returns)}
        return Survey(lines, metrics)

    def _doubts(self, source: Source) -> list[str]:
        own = self._config.env.env
        if source.env is None or source.env.env == own:
            return list(source.remarks)
        return [*source.remarks, f"it was recorded in {source.env.env}, and {own} only has the same spaces"]

    def _check(self, source: Source) -> None:
        env = self._config.env
        cure = "name the environment that it was recorded in, as it was seen then, or other --data"
        for field in SHOWN if source.env else ():
            there, here = getattr(source.env, field), getattr(env, field)
            if there != here:
                option = f"--{field.replace('_', '-')}"
                raise UserError(f"{source.name} was recorded with {option} {there}, and here it is {here}: {cure}")
        for what, there, here in (
            ("observations", _layout(source.observation_space), _layout(self._observations)),
            ("actions", _choices(source.action_space), _choices(self._actions)),
        ):
            if there != here:
                raise UserError(f"{source.name} has {what} {there}, and {env.env} has {here}: {cure}")


class Tally:
    """Counts what a source holds.

    Attributes:
        records: of all its episodes.
        returns: of those that are whole.
    """

    def __init__(self) -> None:
        self.records, self.returns = 0, []
        self._unbegun = self._unended = self._episodes = 0

    def add(self, recording: Recording) -> None:
        """Count one."""
        self.records += len(recording)
        self._episodes += 1
        self._unbegun += not recording.begun
        self._unended += not recording.ended
        if recording.whole:
            self.returns.append(recording.total)

    def __str__(self) -> str:
        told = [f"{self._episodes:,} episodes, {self.records:,} records"]
        told += [f"{self._unended} still running"] if self._unended else []
        told += [f"{self._unbegun} without their beginning"] if self._unbegun else []
        if self.returns:
            told.append(f"returns of whole ones: mean {np.mean(self.returns):.1f}, best {max(self.returns):.1f}")
        return ", ".join(told)


def beside_the_data(metrics: Sequence[Mapping[str, Any]]) -> str | None:
    """The last evaluation's return beside the data's own; None where nothing was recorded elsewhere."""
    data = [line for line in metrics if "data/return" in line]
    evaluations = [line["eval/return"] for line in metrics if "eval/return" in line]
    if not (data and evaluations):
        return None
    own = f"mean {data[-1]['data/return']:.1f}, best {data[-1]['data/best']:.1f}"
    return f"return {evaluations[-1]:.1f}; of the episodes that it was learned from: {own}"


def _layout(space: gymnasium.Space) -> str:
    """The keys, shapes and types of observations, which are all that has to agree of them."""
    assert isinstance(space, gymnasium.spaces.Dict)
    return ", ".join(f"{key} {box.shape} {box.dtype}" for key, box in sorted(space.spaces.items()))


def _choices(space: gymnasium.Space) -> str:
    """A space of actions in words, whatever its type of numbers."""
    if not isinstance(space, gymnasium.spaces.Box):
        return str(space)
    low, high = (
        (bound.flat[0] if (bound == bound.flat[0]).all() else bound.tolist()) for bound in (space.low, space.high)
    )
    return f"{space.shape} from {low} to {high}"
