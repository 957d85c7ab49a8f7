"""The Protocol of a latent family: what z can be, without networks."""

from typing import ClassVar, Protocol

import torch
from jaxtyping import Float
from torch import Tensor


class Distribution(Protocol):
    """A distribution over z: it can be sampled with a gradient, and has a most likely value."""

    def sample(self, generator: torch.Generator) -> Float[Tensor, "*B Z"]:
        """A sample; gradients flow to the parameters (reparameterised or straight-through)."""
        ...

    def mode(self) -> Float[Tensor, "*B Z"]:
        """The most likely value."""
        ...

    def entropy(self) -> Float[Tensor, "*B"]:
        """The entropy in nats, summed over the latent's dimensions; a finite estimate where it has no closed form."""
        ...


class Latent(Protocol):
    """A family of latents: how parameters "... P" become distributions over z "... Z"."""

    bounded: ClassVar[bool]
    """Whether there is a largest entropy."""
    exact: ClassVar[bool]
    """Whether `mismatch` has a closed form, which is never below zero, as a floor of free nats asks; otherwise it is
    right in the mean over z alone."""
    certain: ClassVar[bool]
    """Whether a posterior is a point, and nothing is drawn of it."""
    span: ClassVar[tuple[float, float]]
    """Between which numbers those of z lie, or mostly lie: for pictures."""
    size: int
    """Z, the width of a sample."""
    posterior_size: int
    """P of the posterior: the width of the parameters that a network gives for q."""
    prior_size: int
    """Q, the same of the prior, which may be a richer family."""
    largest_entropy: float
    """in nats, of a posterior; infinite where it has no bound"""

    def posterior(self, parameters: Float[Tensor, "*B P"]) -> Distribution:
        """q(z_t | e_t[, h_t])."""
        ...

    def prior(self, parameters: Float[Tensor, "*B Q"], temperature: float = 1.0) -> Distribution:
        """p(z_t | h_t); a temperature above one widens it, below one narrows it."""
        ...

    def mismatch(
        self, posterior: Float[Tensor, "*B P"], prior: Float[Tensor, "*B Q"], stoch: Float[Tensor, "*B Z"]
    ) -> Float[Tensor, "*B"]:
        """How far the posterior is from the prior, in nats: KL(posterior || prior) where it has a closed form.

        stoch is the z that was drawn, for priors of which only -log p(z) is known.
        """
        ...

    def departure(self, posterior: Float[Tensor, "*B P"]) -> Float[Tensor, "*B"]:
        """KL(posterior || s) in nats, s the family's standard member: N(0, 1), or uniform (a VAE's second loss)."""
        ...


def widened(parameters: Float[Tensor, "*B P"]) -> Float[Tensor, "*B P"]:
    """In single precision at least: in half of it a chance of 3e-4 is never drawn, nor is it told apart in a sum."""
    return parameters.to(torch.promote_types(parameters.dtype, torch.float32))


def draw(distribution: Distribution, generator: torch.Generator | None) -> Float[Tensor, "*B Z"]:
    """A sample, or the most likely value where no generator is given: the one rule of the whole model."""
    return distribution.mode() if generator is None else distribution.sample(generator)
