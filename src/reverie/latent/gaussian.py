"""Diagonal Gaussian latents (PlaNet, Dreamer)."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from reverie.errors import UserError
from reverie.latent.latent import widened
from reverie.ops import kl


class Normal(NamedTuple):
    """A diagonal normal distribution with mean and std "... Z"."""

    mean: Tensor
    std: Tensor

    def sample(self, generator: torch.Generator) -> Tensor:
        """mean + std * noise: reparameterised."""
        noise = torch.empty_like(self.mean).normal_(generator=generator)
        return torch.addcmul(self.mean, self.std, noise)

    def mode(self) -> Tensor:
        """The mean."""
        return self.mean

    def entropy(self) -> Tensor:
        """Z/2 log(2 pi e) + sum log std."""
        return (self.std.log() + 0.5 * math.log(2 * math.pi * math.e)).sum(-1)


@dataclass(frozen=True, kw_only=True)
class GaussianConfig:
    """A diagonal Gaussian latent."""

    size: int = 16
    """dimensions of z"""
    min_std: float = 0.1
    """added to the softplus of the network's output, so that no dimension collapses"""

    def __post_init__(self) -> None:
        if self.size < 1:
            raise UserError(f"latent.size must be at least 1, not {self.size}")
        if not self.min_std >= 0:
            raise UserError(f"latent.min-std must not be negative, not {self.min_std}")


class Gaussian:
    """z ~ N(mean, std) with std = softplus(s) + min_std (PlaNet's code; Dreamer's too)."""

    Config = GaussianConfig
    bounded = False
    exact = True
    certain = False
    span = (-3.0, 3.0)
    largest_entropy = math.inf

    def __init__(self, config: GaussianConfig) -> None:
        self.size = config.size
        self.posterior_size = self.prior_size = 2 * config.size
        self._min_std = config.min_std

    def posterior(self, parameters: Float[Tensor, "*B P"]) -> Normal:
        """N(mean, softplus(s) + min_std)."""
        mean, std = widened(parameters).chunk(2, dim=-1)
        return Normal(mean, F.softplus(std) + self._min_std)

    def prior(self, parameters: Float[Tensor, "*B P"], temperature: float = 1.0) -> Normal:
        """The same family; the temperature scales the variance (World Models scales it so too)."""
        normal = self.posterior(parameters)
        return normal if temperature == 1.0 else Normal(normal.mean, normal.std * math.sqrt(temperature))

    def mismatch(
        self, posterior: Float[Tensor, "*B P"], prior: Float[Tensor, "*B P"], stoch: Float[Tensor, "*B Z"]
    ) -> Float[Tensor, "*B"]:
        """KL(posterior || prior)."""
        q, p = self.posterior(posterior), self.posterior(prior)
        return kl.normal(q.mean, q.std, p.mean, p.std)

    def departure(self, posterior: Float[Tensor, "*B P"]) -> Float[Tensor, "*B"]:
        """KL(posterior || N(0, 1))."""
        q = self.posterior(posterior)
        return kl.normal(q.mean, q.std, torch.zeros_like(q.mean), torch.ones_like(q.std))
