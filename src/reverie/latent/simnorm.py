"""Simplicial latents: z is a function of its parameters, a point on several simplices (Lavoie et al. 2023; TD-MPC2)."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from reverie.errors import UserError
from reverie.latent.deterministic import Deterministic, Point
from reverie.latent.latent import widened
from reverie.ops.softmax import softmax


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


class SimNorm(Deterministic):
    """z = softmax of the normalised parameters in each group (TD-MPC2, section 3.1); it is bounded, so that dreams are.

    All parameters together have mean 0 and variance 1 before the softmax. Deviation: TD-MPC2's LayerNorm there has
    scales and shifts of its own; this family has no weights.
    """

    Config = SimNormConfig
    span = (0.0, 1.0)

    def __init__(self, config: SimNormConfig) -> None:
        self.size = self.posterior_size = self.prior_size = config.groups * config.classes
        self._shape = (config.groups, config.classes)

    def posterior(self, parameters: Float[Tensor, "*B P"]) -> Point:
        """The point, "... Z"."""
        return self._point(parameters, 1.0)

    def prior(self, parameters: Float[Tensor, "*B P"], temperature: float = 1.0) -> Point:
        """The same; the temperature divides what the softmax is taken of."""
        return self._point(parameters, temperature)

    def departure(self, posterior: Float[Tensor, "*B P"]) -> Float[Tensor, "*B"]:
        """The mean squared distance to the middle of the simplices."""
        return (self.posterior(posterior).value - 1 / self._shape[1]).square().mean(-1)

    def _point(self, parameters: Tensor, temperature: float) -> Point:
        normal = F.layer_norm(widened(parameters), parameters.shape[-1:]) / temperature
        return Point(softmax(normal.unflatten(-1, self._shape)).flatten(-2))
