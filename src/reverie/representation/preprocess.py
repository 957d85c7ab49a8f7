"""What happens to observations and rewards before a network sees them, and its inverse."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from reverie.errors import UserError
from reverie.ops.scale import symexp, symlog
from reverie.types import Shapes


class Running(nn.Module):
    """Mean and variance of all vectors seen so far, merged batch by batch (Chan, Golub & LeVeque 1983).

    Sums are kept in double precision on the CPU, since a run adds millions of small numbers and not every device has
    doubles; what a forward pass needs lies beside the weights in single precision.

    Attributes:
        mean: 0 before anything was seen.
        std: 1 before anything was seen.
    """

    LEAST = 1e-4  # what never changes is not blown up
    mean: Tensor
    std: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("std", torch.ones(size))
        self._count, self._mean, self._square = 0.0, *torch.zeros(2, size, dtype=torch.float64).unbind()

    def update(self, x: Tensor) -> None:
        """Add vectors "N F"."""
        if not len(x):
            return
        x = x.detach().cpu().double()
        count = self._count + len(x)
        mean = x.mean(0)
        shift = mean - self._mean
        self._square = self._square + (x - mean).square().sum(0) + shift.square() * (self._count * len(x) / count)
        self._mean = self._mean + shift * (len(x) / count)
        self._count = count
        self.mean.copy_(self._mean)
        self.std.copy_((self._square / count).sqrt().clamp_min(self.LEAST))

    def get_extra_state(self) -> Tensor:
        """Count, mean and squares "1 + 2F", for a checkpoint."""
        return torch.cat([torch.tensor([self._count], dtype=torch.float64), self._mean, self._square])

    def set_extra_state(self, state: Tensor) -> None:
        """Continue from a checkpoint."""
        self._count, sums = float(state[0]), state[1:].double().cpu()
        self._mean, self._square = sums.chunk(2)


class Standardise(Running):
    """(x - mean) / std, clamped to +-10."""

    def forward(self, x: Tensor) -> Tensor:
        """Standardise vectors."""
        return ((x.float() - self.mean) / self.std).clamp(-10, 10)

    def restore(self, x: Tensor) -> Tensor:
        """Back to the observation's own units."""
        return x * self.std + self.mean


class Symlog(nn.Module):
    """sign(x) log(1 + abs(x))."""

    def __init__(self, size: int) -> None:
        super().__init__()

    def update(self, x: Tensor) -> None:
        """Nothing is measured."""

    def forward(self, x: Tensor) -> Tensor:
        """Squash."""
        return symlog(x.float())

    def restore(self, x: Tensor) -> Tensor:
        """Back to the observation's own units."""
        return symexp(x)


class Unchanged(Symlog):
    """x as it is."""

    def forward(self, x: Tensor) -> Tensor:
        """In single precision."""
        return x.float()

    def restore(self, x: Tensor) -> Tensor:
        """x as it is."""
        return x


class Pixels(Symlog):
    """Bytes to [-0.5, 0.5]."""

    def __init__(self) -> None:
        super().__init__(0)

    def forward(self, x: Tensor) -> Tensor:
        """Scale."""
        return x.float() / 255 - 0.5

    def restore(self, x: Tensor) -> Tensor:
        """To [0, 1], where pictures live."""
        return (x + 0.5).clamp(0, 1)


class StandardisePixels(Running):
    """Bytes to [0, 1], then (x - mean) / std with one mean and one deviation for all pixels of the key.

    Where most of an image is one colour, as a white background is, the rest of it counts for as much as in any other
    image: otherwise a world takes long to see Pendulum's thin pendulum at all.
    """

    LEAST = 0.05  # a blank image is not blown up

    def __init__(self) -> None:
        super().__init__(1)

    def update(self, x: Tensor) -> None:
        """Add images "N H W C"."""
        super().update(x.cpu().reshape(-1, 1).double() / 255)

    def forward(self, x: Tensor) -> Tensor:
        """Standardise bytes."""
        return (x.float() / 255 - self.mean) / self.std

    def restore(self, x: Tensor) -> Tensor:
        """To [0, 1], where pictures live."""
        return (x * self.std + self.mean).clamp(0, 1)


IMAGES: dict[str, type[StandardisePixels] | type[Pixels]] = {"running": StandardisePixels, "unit": Pixels}
VECTORS: dict[str, type[Standardise] | type[Symlog]] = {
    "running": Standardise,
    "symlog": Symlog,
    "none": Unchanged,
}


@dataclass(frozen=True, kw_only=True)
class PreprocessConfig:
    """What happens to inputs before a network sees them."""

    vectors: Literal["running", "symlog", "none"] = "running"
    """vectors are standardised by their running mean and deviation, squashed by symlog, or left as they are"""
    images: Literal["running", "unit"] = "running"
    """images are standardised by the running mean and deviation of all pixels, or scaled to [-0.5, 0.5]"""
    reward_unit: float = 0.0
    """rewards are modelled in this unit; 0 measures it on the first experience: their root mean square, at least 1"""

    def __post_init__(self) -> None:
        if not self.reward_unit >= 0:
            raise UserError(f"preprocess.reward-unit must not be negative, not {self.reward_unit}")


class Preprocess(nn.Module):
    """One transformation per key of the observation, and the unit of the reward."""

    reward_unit: Tensor

    def __init__(self, config: PreprocessConfig, shapes: Shapes) -> None:
        super().__init__()
        # A list: an observation's key may be no name for a module.
        self._keys = sorted(shapes)
        self.transforms = nn.ModuleList(
            IMAGES[config.images]() if len(shapes[key]) == 3 else VECTORS[config.vectors](shapes[key][0])
            for key in self._keys
        )
        self._given = config.reward_unit > 0
        self.register_buffer("reward_unit", torch.tensor(config.reward_unit if self._given else 1.0))

    def forward(self, observation: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Each key as a network wants it."""
        return {key: transform(observation[key]) for key, transform in self._named()}

    def restore(self, observation: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Each key in its own units again; images in [0, 1]."""
        return {key: transform.restore(observation[key]) for key, transform in self._named() if key in observation}

    @torch.no_grad()
    def update(self, observation: Mapping[str, Tensor]) -> None:
        """Measure new observations "N ..." of every key."""
        for key, transform in self._named():
            transform.update(observation[key])

    @torch.no_grad()
    def measure_reward(self, reward: Tensor) -> None:
        """Fix the unit of the reward, from the rewards "N" of the first experience."""
        if not self._given:
            self.reward_unit.copy_(reward.cpu().double().square().mean().sqrt().clamp_min(1.0))

    def _named(self) -> Iterator[tuple[str, Any]]:
        return zip(self._keys, self.transforms, strict=True)
