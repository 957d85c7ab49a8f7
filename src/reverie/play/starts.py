"""Where dreams begin: real moments of a run's replay, as the world knows them after what came before."""

from typing import Literal, get_args

import numpy as np
import torch

from reverie.data.replay import Replay
from reverie.errors import UserError, unknown
from reverie.types import State
from reverie.world.world import World

Start = Literal["first", "any"]
"""first: beginnings of episodes; any: every recorded moment from which the episode goes on."""


class Starts:
    """The moments of a replay at which dreams may begin.

    A moment is encoded with the records of its episode before it, as many as chunks had in training.
    """

    def __init__(self, replay: Replay, world: World, kind: Start, context: int) -> None:
        """Find them.

        Args:
            replay: the run's.
            world: encodes moments.
            kind: which of them.
            context: the most records that are encoded, the moment itself counted.

        Raises:
            UserError: if the kind is not known, or the replay holds no such moment.
        """
        if kind not in get_args(Start):
            raise unknown("start", kind, get_args(Start))
        self._replay, self._world = replay, world
        moments = []
        for stream, (first, terminal) in enumerate(zip(replay.whole("first"), replay.whole("terminal"), strict=True)):
            index = np.arange(len(first))
            began = np.maximum.accumulate(np.where(first, index, 0))
            chosen = np.flatnonzero(first if kind == "first" else ~terminal)
            needed = np.minimum(index - began + 1, context)[chosen]
            moments.append(np.stack([np.full_like(chosen, stream), chosen, needed], 1))
        self._moments = np.concatenate(moments)  # "M 3": stream, index, and how many records tell what it was
        if not len(self._moments):
            cure = "; start='any' may find others" if kind == "first" else ": train the run for longer"
            raise UserError(f"the replay's {len(replay)} records hold no moment at which a dream can begin{cure}")

    def __len__(self) -> int:
        return len(self._moments)

    def draw(self, rows: int, rng: np.random.Generator, generator: torch.Generator) -> State:
        """The states of as many moments, each equally likely; rng chooses them, generator draws their latents."""
        streams, ends, needed = self._moments[rng.integers(len(self._moments), size=rows)].T
        # What lies before an episode's beginning is forgotten at it, so one length serves all rows.
        batch = self._replay.until(streams.tolist(), ends.tolist(), int(needed.max())).to(generator.device)
        return self._world.observe(batch, self._world.initial(rows), generator).last()
