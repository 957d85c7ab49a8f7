"""The tanh-Gaussian actor for actions in [-1, 1]."""

import math
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.errors import UserError
from reverie.nets.mlp import MLP, MLPConfig
from reverie.types import Features, Read


class Choice(NamedTuple):
    """What a policy chose: action "... A", its log-probability and an estimate of the policy's entropy, "..."."""

    action: Tensor
    log_prob: Tensor
    entropy: Tensor


@dataclass(frozen=True, kw_only=True)
class ActorConfig:
    """A Gaussian squashed by tanh."""

    mlp: MLPConfig = field(default_factory=MLPConfig)
    """the network"""
    reads: Read = "hz"
    """what it reads: h, z or both"""
    std: Literal["bounded", "softplus"] = "bounded"
    """bounded: min + (1 - min) sigmoid(s + 2); softplus: min + softplus(s + 5), mean 5 tanh(m / 5) (Dreamer)"""
    min_std: float = 0.1
    """the smallest standard deviation before the tanh"""
    noise: float = 0.0
    """standard deviation of the Gaussian noise added to explored actions (Dreamer: 0.3)"""

    def __post_init__(self) -> None:
        if not 0 < self.min_std < 1:
            raise UserError(f"actor.min-std must be in (0, 1), not {self.min_std}")
        if self.noise < 0:
            raise UserError(f"actor.noise must not be negative, not {self.noise}")


def _bounded(mean: Tensor, std: Tensor, smallest: float) -> tuple[Tensor, Tensor]:
    return mean, smallest + (1 - smallest) * torch.sigmoid(std + 2)


def _softplus(mean: Tensor, std: Tensor, smallest: float) -> tuple[Tensor, Tensor]:
    # softplus^-1(5) is 5 to within 0.7 %, so that the first deviation is Dreamer's init_std of 5
    return 5 * torch.tanh(mean / 5), smallest + F.softplus(std + 5)


_STDS = {"bounded": _bounded, "softplus": _softplus}


class Actor(nn.Module):
    """pi(a | h, z): a = tanh(mean + std * noise), reparameterised."""

    def __init__(self, config: ActorConfig, deter: int, stoch: int, action: int) -> None:
        super().__init__()
        self._config = config
        self.size = action
        self.mlp = MLP(config.mlp, {"h": deter, "z": stoch, "hz": deter + stoch}[config.reads], 2 * action)

    def forward(self, features: Features) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation before the tanh, "... A" each."""
        mean, std = self.mlp(features.read(self._config.reads)).float().chunk(2, -1)
        return _STDS[self._config.std](mean, std, self._config.min_std)

    def draw(self, features: Features, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """A sampled action and the noise that made it, "... A" each."""
        mean, std = self(features)
        noise = torch.empty_like(mean).normal_(generator=generator)
        return torch.tanh(torch.addcmul(mean, std, noise)), noise

    def choose(self, features: Features, noise: Tensor) -> Choice:
        """The action that this noise makes, with its log-probability.

        -log_prob is the estimate of the entropy, which has no closed form.
        """
        mean, std = self(features)
        raw = torch.addcmul(mean, std, noise)
        # log pi(a) = log N(raw; mean, std) - log(1 - tanh(raw)^2), the latter in its stable form (Haarnoja et al. 2018)
        squash = 2 * (math.log(2) - raw - F.softplus(-2 * raw))
        gaussian = -0.5 * noise.square() - std.log() - 0.5 * math.log(2 * math.pi)
        log_prob = (gaussian - squash).sum(-1)
        return Choice(torch.tanh(raw), log_prob, -log_prob)

    def explore(self, features: Features, generator: torch.Generator | None) -> Tensor:
        """An action to collect with: a sample, with the configured noise added and clipped to [-1, 1]."""
        action, _ = self.draw(features, generator)
        if self._config.noise:
            noise = torch.empty_like(action).normal_(generator=generator)
            action = (action + self._config.noise * noise).clamp(-1, 1)
        return action

    def mode(self, features: Features) -> Tensor:
        """The action of the mean: tanh(mean)."""
        return torch.tanh(self(features)[0])
