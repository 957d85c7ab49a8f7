"""Where a dream leaves reality: the error of each step, and the error from which on it is no better than a guess."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from reverie.types import Batch
from reverie.world.world import World


class Departure:
    """Root mean squared errors of what is decoded: of the first image, in [0, 1], or else of all vectors as the world
    sees them (by default in deviations of the run).

    A dream has left reality at the first step whose error is above `guess`, that of the mean of the run's records: one
    who has seen nothing guesses as well.

    Attributes:
        guess: the error of the mean.
    """

    def __init__(self, world: World, images: Sequence[str], records: Batch) -> None:
        """Measure the guess.

        Args:
            world: decodes.
            images: keys of the images.
            records: of the run, "B 1 ...".
        """
        self._world, self._images = world, images
        seen = {key: x[:, 0] for key, x in records.observation.items()}
        compared = self._compared({key: x.float() / 255 if key in images else x for key, x in seen.items()})
        self.guess = _size(compared - compared.mean(0))

    def error(self, decoded: Mapping[str, Tensor], seen: Mapping[str, Tensor]) -> float:
        """Of a dream's decoded observation, images in [0, 1], from a real one with images of bytes; "1 ..." of each."""
        real = {key: x.float() / 255 if key in self._images else x for key, x in seen.items()}
        return _size(self._compared(decoded) - self._compared(real))

    def _compared(self, observation: Mapping[str, Tensor]) -> Tensor:
        """The numbers that count, "B N"."""
        if self._images:
            return observation[self._images[0]].float().flatten(1)
        return torch.cat([x.flatten(1) for x in self._world.preprocess(observation).values()], 1)


def _size(x: Tensor) -> float:
    return float(x.square().mean().sqrt())
