"""A Gaussian posterior under a prior that mixes several Gaussians in each dimension (World Models' VAE and MDN)."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from reverie.errors import UserError
from reverie.latent.gaussian import Gaussian, GaussianConfig
from reverie.latent.latent import widened

HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)


class Mixed(NamedTuple):
    """Independent dimensions, each a mixture of C normals: log-weights, means and standard deviations "... Z C"."""

    log_weight: Tensor
    mean: Tensor
    std: Tensor

    def sample(self, generator: torch.Generator) -> Tensor:
        """A component of each dimension, then mean + std * noise of it: the gradient knows no other component."""
        uniform = torch.empty_like(self.mean[..., :1]).uniform_(generator=generator)
        below = self.log_weight.detach().exp().cumsum(-1) <= uniform
        mean, std = self._chosen(below.sum(-1, keepdim=True).clamp_max(self.mean.shape[-1] - 1))
        return torch.addcmul(mean, std, torch.empty_like(mean).normal_(generator=generator))

    def mode(self) -> Tensor:
        """The mean of the component that stands highest, w / std: the mode itself where components lie apart."""
        return self._chosen((self.log_weight - self.std.log()).argmax(-1, keepdim=True))[0]

    def entropy(self) -> Tensor:
        """Of the component and the value together, which bounds the value's own from above."""
        nats = self.std.log() + HALF_LOG_TAU + 0.5 - self.log_weight
        return (self.log_weight.exp() * nats).sum((-1, -2))

    def log_prob(self, z: Tensor) -> Tensor:
        """log sum_c w_c N(z; mean_c, std_c), summed over Z; z "... Z"."""
        distance = (z.unsqueeze(-1) - self.mean) / self.std
        each = self.log_weight - self.std.log() - HALF_LOG_TAU - 0.5 * distance.square()
        return torch.logsumexp(each, -1).sum(-1)

    def _chosen(self, index: Tensor) -> tuple[Tensor, Tensor]:
        return self.mean.gather(-1, index)[..., 0], self.std.gather(-1, index)[..., 0]


@dataclass(frozen=True, kw_only=True)
class MixtureConfig(GaussianConfig):
    """A diagonal Gaussian latent whose prior is a mixture in each dimension."""

    components: int = 5
    """Gaussians of the prior in each dimension"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.components < 1:
            raise UserError(f"latent.components must be at least 1, not {self.components}")


class Mixture(Gaussian):
    """q(z) = N(mean, std) and p(z) = prod_d sum_c w_dc N(mean_dc, std_dc) (World Models, appendix A.2).

    Deviation: standard deviations are softplus(s) + min_std in both, where its code has exp(s / 2) and exp(s).
    """

    Config = MixtureConfig
    exact = False
    certain = False

    def __init__(self, config: MixtureConfig) -> None:
        super().__init__(config)
        self._components = config.components
        self.prior_size = 3 * config.size * config.components

    def prior(self, parameters: Float[Tensor, "*B Q"], temperature: float = 1.0) -> Mixed:  # type: ignore[override]
        """The temperature divides the log-weights and scales the variances (World Models, section 4.2, its code)."""
        shape = (3, self.size, self._components)
        logits, mean, std = widened(parameters).unflatten(-1, shape).unbind(-3)
        std = F.softplus(std) + self._min_std
        return Mixed(torch.log_softmax(logits / temperature, -1), mean, std * math.sqrt(temperature))

    def mismatch(
        self, posterior: Float[Tensor, "*B P"], prior: Float[Tensor, "*B Q"], stoch: Float[Tensor, "*B Z"]
    ) -> Float[Tensor, "*B"]:
        """-log p(z) - H(q): KL(q || p) in the mean over z ~ q. World Models has -log p(z): to p the same."""
        return -self.prior(prior).log_prob(stoch) - self.posterior(posterior).entropy()
