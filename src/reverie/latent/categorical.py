"""Categorical latents with straight-through gradients (DreamerV2, section 2)."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from reverie.errors import UserError
from reverie.latent.latent import widened
from reverie.ops import kl
from reverie.ops.softmax import log_softmax, softmax


def pick(probs: Tensor, uniform: Tensor) -> Tensor:
    """The class of each categorical "... G C" that a number "... G 1" in [0, 1) falls to, one-hot and flat "... Z"."""
    # The inverse of the cumulative distribution: one uniform number per categorical. Gumbel noise needs C of them,
    # and took 6 % of an update at the matched size of `reverie bench`.
    below = probs.detach().cumsum(-1) <= uniform
    return _straight_through(probs, below.sum(-1).clamp_max(probs.shape[-1] - 1))


class OneHot(NamedTuple):
    """G independent categoricals over C classes, given as probabilities "... G C"."""

    probs: Tensor
    pick: Callable[[Tensor, Tensor], Tensor] = pick

    def sample(self, generator: torch.Generator) -> Tensor:
        """One-hot samples, flat "... Z"; backwards they are the probabilities (straight-through)."""
        return self.pick(self.probs, torch.empty_like(self.probs[..., :1]).uniform_(generator=generator))

    def mode(self) -> Tensor:
        """The most likely class of each, one-hot and flat."""
        return _straight_through(self.probs, self.probs.argmax(-1))

    def entropy(self) -> Tensor:
        """In nats, summed over the G categoricals."""
        # The gradient at a chance of 0 is not finite, and not even 0 times it is.
        probs = self.probs.clamp_min(torch.finfo(self.probs.dtype).tiny)
        return -torch.xlogy(probs, probs).sum((-1, -2))


def _straight_through(probs: Tensor, index: Tensor) -> Tensor:
    hard = torch.zeros_like(probs).scatter_(-1, index.unsqueeze(-1), 1.0)
    if probs.requires_grad:
        hard = hard + (probs - probs.detach())
    return hard.flatten(-2)


@dataclass(frozen=True, kw_only=True)
class CategoricalConfig:
    """A vector of categorical latents."""

    groups: int = 16
    """how many categoricals z consists of"""
    classes: int = 8
    """classes of each"""
    unimix: float = 0.01
    """share of the uniform distribution mixed in, so that no probability is zero (DreamerV3)"""

    def __post_init__(self) -> None:
        if self.groups < 1 or self.classes < 2:
            raise UserError(
                f"latent.groups must be at least 1 and latent.classes at least 2, not {self.groups} and {self.classes}"
            )
        if not 0 <= self.unimix < 1:
            raise UserError(f"latent.unimix must be in [0, 1), not {self.unimix}")


class Categorical:
    """z: G one-hot vectors of C classes, flattened; probabilities are mixed with a share of the uniform."""

    Config = CategoricalConfig
    bounded = True
    exact = True
    certain = False
    span = (0.0, 1.0)
    HOT = ("pick", "_probs")

    def __init__(self, config: CategoricalConfig) -> None:
        self.size = self.posterior_size = self.prior_size = config.groups * config.classes
        self.largest_entropy = config.groups * math.log(config.classes)
        self._shape = (config.groups, config.classes)
        self._unimix = config.unimix
        self.pick = pick

    def posterior(self, parameters: Float[Tensor, "*B P"]) -> OneHot:
        """softmax(parameters), mixed with the uniform."""
        return OneHot(self._probs(parameters), self.pick)

    def prior(self, parameters: Float[Tensor, "*B P"], temperature: float = 1.0) -> OneHot:
        """The same family; the temperature divides the logits."""
        return OneHot(self._probs(parameters if temperature == 1.0 else parameters / temperature), self.pick)

    def mismatch(
        self, posterior: Float[Tensor, "*B P"], prior: Float[Tensor, "*B P"], stoch: Float[Tensor, "*B Z"]
    ) -> Float[Tensor, "*B"]:
        """KL(posterior || prior), summed over the categoricals."""
        return kl.categorical(self._log_probs(posterior), self._log_probs(prior))

    def departure(self, posterior: Float[Tensor, "*B P"]) -> Float[Tensor, "*B"]:
        """KL(posterior || uniform): what its entropy lacks to the largest one."""
        return self.largest_entropy - self.posterior(posterior).entropy()

    def _probs(self, parameters: Tensor) -> Tensor:
        probs = softmax(widened(parameters).unflatten(-1, self._shape))
        return probs if self._unimix == 0 else (1 - self._unimix) * probs + self._unimix / self._shape[1]

    def _log_probs(self, parameters: Tensor) -> Tensor:
        if self._unimix == 0:
            return log_softmax(widened(parameters).unflatten(-1, self._shape))
        return torch.log(self._probs(parameters))
