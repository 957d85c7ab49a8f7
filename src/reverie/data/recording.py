"""Recordings: episodes that were collected elsewhere, in the form of replay's records.

    record 0      o_0, the action that is 0 to the model, reward 0, first = 1
    record t      o_t, a_{t-1}, r_t, and terminal_t = 1 where the environment itself ended the episode there

An episode of T steps has T + 1 records. The last one is its end: terminal, or the last before a time limit.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import gymnasium
import numpy as np

from reverie.data.collect import unfinite
from reverie.data.replay import PREFIX, Record, Replay
from reverie.envs.codec import ActionCodec
from reverie.envs.make import EnvConfig
from reverie.errors import UserError


@dataclass(frozen=True)
class Recording:
    """The records of one episode.

    Attributes:
        columns: as of a `Record`, "T ..." each.
        begun: whether the first one is the episode's own beginning, and not the oldest that was kept.
        ended: whether the episode came to an end, terminal or not, and was not still running.
    """

    columns: Mapping[str, np.ndarray]
    begun: bool = True
    ended: bool = True

    def __len__(self) -> int:
        return len(self.columns["reward"])

    @property
    def whole(self) -> bool:
        """Whether nothing of the episode is missing."""
        return self.begun and self.ended

    @property
    def total(self) -> float:
        """The sum of the rewards."""
        return float(self.columns["reward"].sum(dtype=np.float64))

    def records(self) -> Iterator[Record]:
        """One record after the other, "1 ..." each."""
        for t in range(len(self)):
            yield {name: column[t : t + 1] for name, column in self.columns.items()}


class Source(Protocol):
    """What was recorded somewhere.

    Attributes:
        name: as the command line knows it.
        env: the environment that it was recorded in, where that is known.
        records: how many there are, about.
        remarks: lines that should be read before it is learned from.
        observation_space, action_space: of what was recorded, observations in one form (envs/observation.py).
    """

    name: str
    env: EnvConfig | None
    records: int
    remarks: Sequence[str]
    observation_space: gymnasium.spaces.Dict
    action_space: gymnasium.Space

    def episodes(self) -> Iterator[Recording]:
        """All episodes, one after the other.

        Raises:
            UserError: if they cannot be read.
        """
        ...


def recordings(replay: Replay, codec: ActionCodec, done: Sequence[bool]) -> Iterator[Recording]:
    """The episodes that a replay holds.

    Where the beginning of one is no longer held, the oldest record that is becomes its first: what led there goes.

    Args:
        replay: of B environments.
        codec: of their actions.
        done: B, whether the last episode of each has ended.
    """
    for row, last, columns in replay.episodes():
        begun = bool(columns["first"][0])
        ended = not last or bool(columns["terminal"][-1]) or bool(done[row])
        yield Recording(columns if begun else _begin(columns, codec), begun, ended)


def _begin(columns: Mapping[str, np.ndarray], codec: ActionCodec) -> dict[str, np.ndarray]:
    """The same records, the first one as a reset leaves it."""
    own = {name: column.copy() for name, column in columns.items()}
    own["action"][:1] = no_action(codec)
    own["reward"][0], own["first"][0] = 0, True
    return own


def no_action(codec: ActionCodec) -> np.ndarray:
    """What a reset is recorded with, "1 ...": an action of the space, which 0 may not be."""
    return codec.decode(np.zeros((1, codec.size), np.float32))


def check_numbers(recording: Recording, name: str, number: int, actions: ActionCodec) -> None:
    """See that the numbers of a source's episode are some, and its actions of their space.

    Raises:
        UserError: that names the first one that is not finite, or says what is wrong with an action.
    """
    taken, found = recording.columns["action"], None
    try:
        found = None if np.isfinite(actions.encode(taken)).all() else "actions that are not finite"
    except ValueError as error:
        found = f"actions that are none of its space ({error})"
    if found:
        raise UserError(f"{name} holds {found} in its episode {number}: leave the episode out")
    seen = {key.removeprefix(PREFIX): x for key, x in recording.columns.items() if key.startswith(PREFIX)}
    if found := unfinite(seen, recording.columns["reward"]):
        raise UserError(
            f"{name} holds {found} in its episode {number}; a world cannot be learned from that: leave the episode out"
        )
