"""Your own latent family: how parameters become distributions over z, and how far one is from another.

python examples/own_latent.py [STEPS]
reverie train dreamer --latent py:own_latent:Laplace --env gym:Pendulum-v1            # from within examples/
"""

import math
import sys
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

import reverie
from reverie.latent.latent import widened


class Peak(NamedTuple):
    """A Laplace distribution with mean and scale "... Z"."""

    mean: Tensor
    scale: Tensor

    def sample(self, generator: torch.Generator) -> Tensor:
        u = torch.empty_like(self.mean).uniform_(-0.4999, 0.4999, generator=generator)
        return self.mean - self.scale * u.sign() * torch.log1p(-2 * u.abs())  # the gradient reaches both

    def mode(self) -> Tensor:
        return self.mean

    def entropy(self) -> Tensor:
        return (1 + (2 * self.scale).log()).sum(-1)


@dataclass(frozen=True, kw_only=True)
class LaplaceConfig:
    """Its values."""

    size: int = 16
    """dimensions of z"""


class Laplace:
    """z ~ Laplace(mean, 0.1 + softplus(s)): peaked, with heavy tails."""

    Config = LaplaceConfig
    bounded, exact, certain, largest_entropy, span = False, True, False, math.inf, (-3.0, 3.0)

    def __init__(self, config: LaplaceConfig) -> None:
        self.size, self.posterior_size, self.prior_size = config.size, 2 * config.size, 2 * config.size

    def posterior(self, parameters: Tensor) -> Peak:
        mean, scale = widened(parameters).chunk(2, -1)  # chances and sums need more than half precision
        return Peak(mean, torch.nn.functional.softplus(scale) + 0.1)

    def prior(self, parameters: Tensor, temperature: float = 1.0) -> Peak:
        mean, scale = self.posterior(parameters)
        return Peak(mean, scale * math.sqrt(temperature))

    def mismatch(self, posterior: Tensor, prior: Tensor, stoch: Tensor) -> Tensor:
        (m, b), (n, c) = self.posterior(posterior), self.posterior(prior)
        far = (m - n).abs()
        return ((c / b).log() + (far + b * torch.exp(-far / b)) / c - 1).sum(-1)  # KL(posterior || prior)

    def departure(self, posterior: Tensor) -> Tensor:
        return self.mismatch(posterior, torch.zeros_like(posterior), posterior)


if __name__ == "__main__":
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 4_000
    values = {
        "steps": steps,
        "prefill": steps // 4,
        "pretrain": steps // 40,
        "eval_every": steps // 4,
        "eval_episodes": 4,
    }
    resolved = reverie.resolve("dreamer", "gym:Pendulum-v1", parts={"latent": "py:own_latent:Laplace"}, **values)
    print(reverie.run(resolved, "runs/own-latent").pictures)
