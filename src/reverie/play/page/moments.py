"""The recorded moments of a run, each by its number."""

from typing import NamedTuple

import numpy as np
import torch

from reverie.play.starts import Starts
from reverie.types import Batch, State


class Moment(NamedTuple):
    """A recorded moment, "1 ..." of each: the world's state and what was seen in it."""

    state: State
    observation: dict[str, np.ndarray]
    reward: float


class Moments(Starts):
    """The moments of a replay at which a dream may begin, in the order of its streams."""

    def at(self, number: int, generator: torch.Generator) -> Moment:
        """The moment of that number, encoded with what came before it; generator draws its latents."""
        stream, end, needed = (int(x) for x in self._moments[number])
        batch = self._replay.until([stream], [end], needed).to(generator.device)
        state = self._world.observe(batch, self._world.initial(1), generator).last()
        seen = {key: x[0, -1].cpu().numpy() for key, x in batch.observation.items()}
        return Moment(state, seen, float(batch.reward[0, -1]))

    def some(self, rows: int, rng: np.random.Generator) -> Batch:
        """Records of as many moments, "B 1 ...", each equally likely."""
        streams, ends, _ = self._moments[rng.integers(len(self), size=rows)].T
        return self._replay.until(streams.tolist(), ends.tolist(), 1)
