"""Heads: small networks from features to a scalar, and the families of what they predict."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.errors import UserError
from reverie.nets.mlp import MLP, MLPConfig
from reverie.ops.scale import symexp, two_hot
from reverie.types import Features, Read, read_size


class Output(Protocol):
    """How a network's last layer becomes a prediction of a scalar."""

    size: int

    def mean(self, parameters: Float[Tensor, "*B P"]) -> Float[Tensor, "*B"]:
        """The expected value."""
        ...

    def loss(self, parameters: Float[Tensor, "*B P"], target: Float[Tensor, "*B"]) -> Float[Tensor, "*B"]:
        """The negative log-likelihood of the target, up to a constant."""
        ...


@dataclass(frozen=True, kw_only=True)
class BinsConfig:
    """Bins of a two-hot output, evenly spaced in symlog space."""

    number: int = 255
    """how many, an odd number, so that one is zero (TD-MPC2: 101)"""
    reach: float = 20.0
    """symlog of the last one; what is beyond counts as that (TD-MPC2: 10, which is 22,025)"""

    def __post_init__(self) -> None:
        if self.number < 3 or self.number % 2 == 0:
            raise UserError(f"bins.number must be odd and at least 3, not {self.number}")
        if not 0 < self.reach <= 80:  # symexp(88) is more than float32 can hold
            raise UserError(f"bins.reach must be in (0, 80], not {self.reach}")


class Squared(nn.Module):
    """A Gaussian of unit variance: half the squared error."""

    size = 1

    def mean(self, parameters: Tensor) -> Tensor:
        """The only parameter."""
        return parameters[..., 0].float()

    def loss(self, parameters: Tensor, target: Tensor) -> Tensor:
        """(mean - target)^2 / 2."""
        return 0.5 * (self.mean(parameters) - target).square()


class TwoHot(nn.Module):
    """A softmax over bins that are evenly spaced in symlog space (DreamerV3, "symexp twohot")."""

    bins: Tensor

    def __init__(self, bins: BinsConfig) -> None:
        super().__init__()
        self.size = bins.number
        half = symexp(torch.linspace(-bins.reach, 0, self.size // 2 + 1, dtype=torch.float64))
        # mirrored, so that equal weights on the two sides cancel exactly
        self.register_buffer("bins", torch.cat([half, -half[:-1].flip(0)]).float(), persistent=False)

    def mean(self, parameters: Tensor) -> Tensor:
        """The probabilities' weighted mean of the bins; those of b and -b cancel first, and the middle one is zero."""
        probs, middle = torch.softmax(parameters.float(), -1), self.size // 2
        excess = probs[..., middle + 1 :] - probs[..., :middle].flip(-1)
        return (excess * self.bins[middle + 1 :]).sum(-1)

    def loss(self, parameters: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy with the two bins around the target."""
        return -(two_hot(target, self.bins) * torch.log_softmax(parameters.float(), -1)).sum(-1)


class Binary(nn.Module):
    """A Bernoulli, from its logit."""

    size = 1

    def mean(self, parameters: Tensor) -> Tensor:
        """The probability."""
        return torch.sigmoid(parameters[..., 0].float())

    def loss(self, parameters: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy."""
        return F.binary_cross_entropy_with_logits(parameters[..., 0].float(), target.float(), reduction="none")


OUTPUTS: dict[str, Callable[[BinsConfig], Squared | TwoHot]] = {"squared": lambda bins: Squared(), "two-hot": TwoHot}


@dataclass(frozen=True, kw_only=True)
class HeadConfig:
    """A head that predicts a scalar."""

    mlp: MLPConfig = field(default_factory=MLPConfig)
    """the network"""
    output: Literal["squared", "two-hot"] = "squared"
    """a Gaussian of unit variance, or a softmax over bins in symlog space"""
    bins: BinsConfig = field(default_factory=BinsConfig)
    """the bins, where there are any"""
    reads: Read = "hz"
    """what it reads: h, z or both"""


@dataclass(frozen=True, kw_only=True)
class ContinueConfig:
    """The head that predicts the chance that the episode goes on."""

    mlp: MLPConfig = field(default_factory=MLPConfig)
    """the network"""
    reads: Read = "hz"
    """what it reads: h, z or both"""


class Head(nn.Module):
    """Features "... D", "... Z" to a scalar "..."; its last layer starts at zero: it predicts nothing at first."""

    def __init__(self, config: HeadConfig | ContinueConfig, output: Output, deter: int, stoch: int) -> None:
        super().__init__()
        self.reads: Read = config.reads
        self.output = output
        inputs = read_size(config.reads, deter, stoch)
        self.mlp = MLP(config.mlp, inputs, self.output.size, scale=0.0)

    def forward(self, features: Features) -> Tensor:
        """The expected value."""
        return self.output.mean(self.mlp(features.read(self.reads)))

    def loss(self, features: Features, target: Tensor) -> Tensor:
        """The negative log-likelihood of the target, unreduced."""
        return self.output.loss(self.mlp(features.read(self.reads)), target)
