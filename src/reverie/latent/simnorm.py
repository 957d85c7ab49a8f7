"""Simplicial latents: z is a function of its parameters, a point on several simplices (Lavoie et al. 2023; TD-MPC2)."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

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
class SimNormConfig:
    """A vector of simplices."""

    groups: int = 16
    """how many simplices z consists of"""
    classes: int = 8
    """corners of each (TD-MPC2: 8)"""

    def __post_init__(self) -> None:
        if self.groups < 1 or self.classes < 2:
            raise UserError(
                f"latent.groups must be at least 1 and latent.classes at least 2, not {self.groups} and {self.classes}"
            )


class SimNorm:
    """z = softmax of the normalised parameters in each group (TD-MPC2, section 3.1); it is bounded, so that dreams are.

    All parameters together have mean 0 and variance 1 before the softmax. Deviation: TD-MPC2's LayerNorm there has
    scales and shifts of its own; this family has no weights.
    """

    Config = SimNormConfig
    bounded = False
    exact = False
    certain = True
    largest_entropy = math.inf

    def __init__(self, config: SimNormConfig) -> None:
        self.size = self.posterior_size = self.prior_size = config.groups * config.classes
        self._shape = (config.groups, config.classes)

    def posterior(self, parameters: Float[Tensor, "*B P"]) -> Point:
        """The point, "... Z"."""
        return self._point(parameters, 1.0)

    def prior(self, parameters: Float[Tensor, "*B P"], temperature: float = 1.0) -> Point:
        """The same; the temperature divides what the softmax is taken of."""
        return self._point(parameters, temperature)

    def mismatch(
        self, posterior: Float[Tensor, "*B P"], prior: Float[Tensor, "*B P"], stoch: Float[Tensor, "*B Z"]
    ) -> Float[Tensor, "*B"]:
        """The mean squared distance of the two points (TD-MPC2's consistency); points have no divergence."""
        return (self.posterior(posterior).value - self.prior(prior).value).square().mean(-1)

    def departure(self, posterior: Float[Tensor, "*B P"]) -> Float[Tensor, "*B"]:
        """The mean squared distance to the middle of the simplices."""
        return (self.posterior(posterior).value - 1 / self._shape[1]).square().mean(-1)

    def _point(self, parameters: Tensor, temperature: float) -> Point:
        normal = F.layer_norm(widened(parameters), parameters.shape[-1:]) / temperature
        return Point(torch.softmax(normal.unflatten(-1, self._shape), -1).flatten(-2))
