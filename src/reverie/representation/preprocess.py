"""What happens to observations and rewards before a network sees them, and its inverse."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from reverie.ops.scale import symexp, symlog
from reverie.types import Shapes


class Running(nn.Module):
    """Mean and variance of all vectors seen so far, merged batch by batch (Chan, Golub & LeVeque 1983)."""

    count: Tensor
    mean: Tensor
    square: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        # double precision: a run adds millions of small numbers
        self.register_buffer("count", torch.zeros((), dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(size, dtype=torch.float64))
        self.register_buffer("square", torch.zeros(size, dtype=torch.float64))

    def update(self, x: Tensor) -> None:
        """Add vectors "N F"."""
        x = x.to(self.mean)
        count = self.count + len(x)
        mean = x.mean(0)
        shift = mean - self.mean
        self.square += (x - mean).square().sum(0) + shift.square() * (self.count * len(x) / count)
        self.mean += shift * (len(x) / count)
        self.count.copy_(count)

    def scale(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation in single precision; 0 and 1 before anything was seen."""
        if self.count < 1:
            return torch.zeros_like(self.mean).float(), torch.ones_like(self.mean).float()
        return self.mean.float(), (self.square / self.count).sqrt().float().clamp_min(1e-4)


class Standardise(Running):
    """(x - mean) / std, clamped to +-10."""

    def forward(self, x: Tensor) -> Tensor:
        """Standardise vectors."""
        mean, std = self.scale()
        return ((x.float() - mean) / std).clamp(-10, 10)

    def restore(self, x: Tensor) -> Tensor:
        """Back to the observation's own units."""
        mean, std = self.scale()
        return x * std + mean


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

    def forward(self, x: Tensor) -> Tensor:
        """Scale."""
        return x.float() / 255 - 0.5

    def restore(self, x: Tensor) -> Tensor:
        """To [0, 1], where pictures live."""
        return (x + 0.5).clamp(0, 1)


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
    reward_unit: float = 0.0
    """rewards are modelled in this unit; 0 measures it on the first experience: their root mean square, at least 1"""


class Preprocess(nn.Module):
    """One transformation per key of the observation, and the unit of the reward."""

    reward_unit: Tensor

    def __init__(self, config: PreprocessConfig, shapes: Shapes) -> None:
        super().__init__()
        self.keys = nn.ModuleDict(
            {key: Pixels(0) if len(shape) == 3 else VECTORS[config.vectors](shape[0]) for key, shape in shapes.items()}
        )
        self._given = config.reward_unit > 0
        self.register_buffer("reward_unit", torch.tensor(config.reward_unit if self._given else 1.0))

    def forward(self, observation: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Each key as a network wants it."""
        return {key: transform(observation[key]) for key, transform in self.keys.items()}

    def restore(self, observation: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Each key in its own units again; images in [0, 1]."""
        return {key: self.keys[key].restore(x) for key, x in observation.items()}  # type: ignore[operator]

    @torch.no_grad()
    def update(self, observation: Mapping[str, Tensor]) -> None:
        """Measure new observations "N ..." of every key."""
        for key, transform in self.keys.items():
            transform.update(observation[key])  # type: ignore[operator]

    @torch.no_grad()
    def measure_reward(self, reward: Tensor) -> None:
        """Fix the unit of the reward, from the rewards "N" of the first experience."""
        if not self._given:
            self.reward_unit.copy_(reward.double().square().mean().sqrt().clamp_min(1.0))
