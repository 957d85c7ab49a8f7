"""Finite scalar quantisation (Mentzer et al. 2024), with a categorical prior over its codes (Scannell et al. 2025)."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from reverie.errors import UserError
from reverie.latent.deterministic import Point
from reverie.latent.latent import widened
from reverie.ops.softmax import log_softmax, softmax

MARGIN = 1e-3
"""Share by which tanh can go beyond the outermost steps, so that it reaches them all."""


TINY = torch.finfo(torch.float32).tiny
"""Of uniform numbers the least, whose logarithm is finite."""


class Codes(NamedTuple):
    """G independent categoricals over the K codes of a book "K C", given as logits "... G K"."""

    logits: Tensor
    book: Tensor

    def sample(self, generator: torch.Generator) -> Tensor:
        """Codes drawn by Gumbel noise, flat "... Z"; backwards they are softmax(logits + noise) (Jang et al. 2017)."""
        uniform = torch.empty_like(self.logits).uniform_(generator=generator).clamp_min(TINY)
        noise = -(-uniform.log()).log()
        return self._pick(self.logits + noise)

    def mode(self) -> Tensor:
        """The most likely code of each, flat; backwards the codes' mean."""
        return self._pick(self.logits)

    def entropy(self) -> Tensor:
        """In nats, summed over the G categoricals."""
        log_probs = log_softmax(self.logits)
        return -(log_probs.exp() * log_probs).sum((-1, -2))

    def _pick(self, scores: Tensor) -> Tensor:
        code = self.book[scores.argmax(-1)]
        if scores.requires_grad:
            mean = softmax(scores) @ self.book
            code = code + (mean - mean.detach())
        return code.flatten(-2)


@dataclass(frozen=True, kw_only=True)
class FSQConfig:
    """A vector of codes, each of a few numbers that take a few values."""

    groups: int = 64
    """how many codes z consists of"""
    levels: tuple[int, ...] = (5, 3)
    """values that each number of a code can take; their product is the codes there are (DCWM: 15)"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", tuple(self.levels))  # JSON has lists alone
        if self.groups < 1:
            raise UserError(f"latent.groups must be at least 1, not {self.groups}")
        if not self.levels or min(self.levels) < 2:
            raise UserError(
                f"latent.levels needs numbers of at least 2, not {' '.join(map(str, self.levels)) or 'none'}"
            )


class FSQ:
    """z: G codes of C numbers in [-1, 1], each of which is one of its L levels, flattened.

        q:  x = (L - 1) / 2 tanh(y + shift) - offset,   z = round(x) / floor(L / 2)     backwards z is x / floor(L / 2)
        p:  a softmax over the prod(L) codes of each group

    offset is a half where L is even, and zero where it is odd; shift = atanh(2 offset / (L - 1)) has y = 0 be z = 0. q
    is a point, and p has chances: the mismatch is their cross-entropy, which moves the prior and not the posterior.
    """

    Config = FSQConfig
    bounded = False
    exact = True
    certain = True
    largest_entropy = math.inf
    span = (-1.0, 1.0)

    def __init__(self, config: FSQConfig) -> None:
        self._levels, self._groups = config.levels, config.groups
        self._codes = math.prod(config.levels)
        self.size = self.posterior_size = config.groups * len(config.levels)
        self.prior_size = config.groups * self._codes

    def posterior(self, parameters: Float[Tensor, "*B P"]) -> Point:
        """The codes, "... Z"; gradients pass the rounding as if it were not there."""
        numbers = [
            (x + (x.round() - x).detach()) / (level // 2)
            for x, level in zip(self._bound(parameters), self._levels, strict=True)
        ]
        return Point(torch.stack(numbers, -1).flatten(-2))

    def prior(self, parameters: Float[Tensor, "*B Q"], temperature: float = 1.0) -> Codes:
        """Chances of each group's codes; the temperature divides the logits."""
        logits = widened(parameters if temperature == 1.0 else parameters / temperature)
        logits = logits.unflatten(-1, (self._groups, self._codes))
        return Codes(logits, self._book(logits))

    def mismatch(
        self, posterior: Float[Tensor, "*B P"], prior: Float[Tensor, "*B Q"], stoch: Float[Tensor, "*B Z"]
    ) -> Float[Tensor, "*B"]:
        """-log p(z), summed over the groups: KL(q || p), since q is certain."""
        chances = log_softmax(self.prior(prior).logits)
        return -chances.gather(-1, self._index(posterior).unsqueeze(-1)).squeeze(-1).sum(-1)

    def departure(self, posterior: Float[Tensor, "*B P"]) -> Float[Tensor, "*B"]:
        """KL(q || uniform): the same for all points."""
        return torch.full_like(widened(posterior)[..., 0], self._groups * math.log(self._codes))

    def _bound(self, parameters: Tensor) -> list[Tensor]:
        """Each number of the codes "... G" before it is rounded."""
        numbers = widened(parameters).unflatten(-1, (self._groups, len(self._levels))).unbind(-1)
        return [_bounded(y, level) for y, level in zip(numbers, self._levels, strict=True)]

    def _index(self, parameters: Tensor) -> Int[Tensor, "*B G"]:
        """The number of each group's code in the book."""
        index, stride = torch.zeros((), dtype=torch.long, device=parameters.device), 1
        for x, level in zip(self._bound(parameters), self._levels, strict=True):
            index = index + (x.round().long() + level // 2) * stride
            stride *= level
        return index

    def _book(self, like: Tensor) -> Float[Tensor, "K C"]:
        """All codes; they are counted anew each time, since a table would have to follow the weights' device."""
        index, numbers = torch.arange(self._codes, device=like.device), []
        for level in self._levels:
            numbers.append((index % level - level // 2) / (level // 2))
            index = index // level
        return torch.stack(numbers, -1).to(like.dtype)


def _bounded(y: Tensor, level: int) -> Tensor:
    """From -floor(L / 2) to floor((L - 1) / 2), by steps of one where it is rounded."""
    half = (level - 1) * (1 + MARGIN) / 2
    offset = 0.0 if level % 2 else 0.5
    return half * torch.tanh(y + math.atanh(offset / half)) - offset
