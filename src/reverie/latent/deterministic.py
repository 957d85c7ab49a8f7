"""Deterministic latents: z is its parameters, a vector without bounds or chance (TD-MPC; TCRL)."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from reverie.errors import UserError
from reverie.latent.latent import widened


class Point(NamedTuple):
    """All chance in one place, value "... Z"."""

    value: Tensor

    def sample(self, generator: torch.Generator) -> Tensor:
        """The value; nothing is drawn."""
        return self.value

    def mode(self) -> Tensor:
        """The value."""
        return self.value

    def entropy(self) -> Tensor:
        """Zero: there is nothing uncertain about it."""
        return torch.zeros_like(self.value[..., 0])


@dataclass(frozen=True, kw_only=True)
class DeterministicConfig:
    """A vector."""

    size: int = 50
    """dimensions of z (TCRL: 50)"""

    def __post_init__(self) -> None:
        if self.size < 1:
            raise UserError(f"latent.size must be at least 1, not {self.size}")


class Deterministic:
    """z = the parameters, as the last layers of the encoder and of the prior's network give them."""

    Config: type[Any] = DeterministicConfig
    bounded = False
    exact = False
    certain = True
    largest_entropy = math.inf
    span = (-3.0, 3.0)

    def __init__(self, config: DeterministicConfig) -> None:
        self.size = self.posterior_size = self.prior_size = config.size

    def posterior(self, parameters: Float[Tensor, "*B P"]) -> Point:
        """The point, "... Z"."""
        return Point(widened(parameters))

    def prior(self, parameters: Float[Tensor, "*B P"], temperature: float = 1.0) -> Point:
        """The same; a temperature changes nothing where there is no chance."""
        return self.posterior(parameters)

    def mismatch(
        self, posterior: Float[Tensor, "*B P"], prior: Float[Tensor, "*B P"], stoch: Float[Tensor, "*B Z"]
    ) -> Float[Tensor, "*B"]:
        """The mean squared distance of the two points (TD-MPC's consistency); points have no divergence."""
        return (self.posterior(posterior).value - self.prior(prior).value).square().mean(-1)

    def departure(self, posterior: Float[Tensor, "*B P"]) -> Float[Tensor, "*B"]:
        """The mean squared distance to the origin."""
        return self.posterior(posterior).value.square().mean(-1)
