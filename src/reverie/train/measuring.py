"""What a run measures of its experience: the statistics of observations, and the unit of the reward."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from reverie.data.replay import PREFIX, Record
from reverie.representation.preprocess import Preprocess

PIECE = 256
"""Records whose statistics are taken at once: images turn to double precision, and a prefill holds thousands."""
SEEN = "seen."
REWARDS = "rewards"


class Measuring:
    """Records on their way into the world's statistics.

    The last bits of a statistic depend on where its pieces end. They end where they are full, or where `finish` says,
    however the records came: one by one, or with a stop and a resumed run between them. What fills no piece waits.
    """

    def __init__(self, preprocess: Preprocess) -> None:
        self._preprocess = preprocess
        self._seen: list[dict[str, np.ndarray]] = []
        # All of a stage: replay may have dropped its first ones by the end.
        self._rewards: list[np.ndarray] = []

    def add(self, records: Sequence[Record], rewards: bool) -> None:
        """Measure the observations that fill a piece; the others wait, and with `rewards` all rewards do."""
        for record in records:
            self._seen.append({key.removeprefix(PREFIX): x for key, x in record.items() if key.startswith(PREFIX)})
            if len(self._seen) == PIECE:
                self._measure()
        if rewards:
            self._rewards += [record["reward"] for record in records]

    def finish(self) -> None:
        """Measure all that waits."""
        if self._seen:
            self._measure()
        if self._rewards:
            self._preprocess.measure_reward(torch.from_numpy(np.concatenate(self._rewards)))
            self._rewards = []

    def state(self) -> dict[str, Tensor]:
        """What waits, "N B ..." each; nothing where nothing does."""
        columns = {SEEN + key: [seen[key] for seen in self._seen] for key in (self._seen or [{}])[0]}
        columns |= {REWARDS: self._rewards} if self._rewards else {}
        return {name: torch.from_numpy(np.stack(values)) for name, values in columns.items()}

    def resume(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what waited."""
        columns = {name: list(x.cpu().numpy()) for name, x in state.items()}
        self._rewards = columns.pop(REWARDS, [])
        keys = [name.removeprefix(SEEN) for name in columns]
        self._seen = [dict(zip(keys, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def _measure(self) -> None:
        pieces = {key: np.concatenate([seen[key] for seen in self._seen]) for key in self._seen[0]}
        self._preprocess.update({key: torch.from_numpy(piece) for key, piece in pieces.items()})
        self._seen = []
