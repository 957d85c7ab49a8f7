"""What a diagonal state space starts with: P eigenvalues of a continuous system, and the time that a step takes.

Of each conjugate pair one is kept: a system of 2 P real states has P of them.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

QUARTER = math.pi / 2
"""The largest phase on a ring: what turns faster than once in four steps is seldom wanted of a memory."""


class Spectrum(NamedTuple):
    """P eigenvalues -decay + i frequency, the time "P" that each takes a step to be, and its inputs' scale."""

    decay: Tensor
    frequency: Tensor
    step: Tensor
    scale: Tensor
    """ "P", of the first weights"""
    gain: Tensor | None = None
    """ "P", of B for good"""


def hippo(pairs: int) -> tuple[Float[Tensor, "P"], Float[Tensor, "P"]]:
    """Decays and frequencies of HiPPO-N, the normal part of HiPPO-LegS, of N = 2 P states; the slowest last.

    With n, k = 0 .. N-1 (Gu et al. 2022, S4D, section 4; Smith et al. 2023, appendix B.1.1)

        A = -1/2 I + S,   S_nk = -sqrt(n + 1/2) sqrt(k + 1/2) for n > k,   S_kn = -S_nk

    S is antisymmetric: its eigenvalues are plus and minus i times its singular values, each of which comes twice.
    """
    root = torch.sqrt(torch.arange(2 * pairs, dtype=torch.float64) + 0.5)
    lower = -torch.outer(root, root).tril(-1)
    frequency = torch.linalg.svdvals(lower - lower.T)[::2]
    return torch.full_like(frequency, 0.5), frequency


def linear(pairs: int) -> tuple[Float[Tensor, "P"], Float[Tensor, "P"]]:
    """Decays and frequencies -1/2 + i pi n, n = 0 .. P-1 (S4D-Lin, Gu et al. 2022)."""
    frequency = math.pi * torch.arange(pairs, dtype=torch.float64)
    return torch.full_like(frequency, 0.5), frequency


def repeated(
    one: tuple[Float[Tensor, "P"], Float[Tensor, "P"]], blocks: int, step_min: float, step_max: float
) -> Spectrum:
    """The same eigenvalues for each of some blocks; each with a step's time drawn uniformly in its logarithm.

    As S5 starts (Smith et al. 2023, appendix B.1), but for B, which is scaled as LRU's. Without that a hold multiplies
    inputs by the time of a step, so that the slowest states, which are there to remember, would be the quietest, and
    learn what to take in most slowly: a step of an optimiser in V would be multiplied by it too.
    """
    decay, frequency = (x.repeat(blocks) for x in one)
    step = torch.empty_like(decay).uniform_(math.log(step_min), math.log(step_max)).exp()
    gain = _unit((-2 * decay * step).exp(), frequency * step, decay, frequency)
    return Spectrum(decay, frequency, step, torch.ones_like(decay), gain)


def ring(pairs: int, radius_min: float, radius_max: float) -> Spectrum:
    """Eigenvalues l of the discrete system, drawn uniformly from a quarter of a ring; a step takes the time 1.

    Radii are drawn as in lemma 3.2 of Orvieto et al. 2023 (LRU), phases from 0 to pi/2. Inputs are scaled as there, by
    sqrt(1 - |l|^2), so that noise of variance 1 makes states of variance 1.
    """
    share = torch.rand(2, pairs, dtype=torch.float64)
    square = radius_min**2 + share[0] * (radius_max**2 - radius_min**2)
    decay, frequency = -square.log() / 2, QUARTER * share[1]
    return Spectrum(decay, frequency, torch.ones_like(decay), _unit(square, frequency, decay, frequency))


def _unit(square: Tensor, turn: Tensor, decay: Tensor, frequency: Tensor) -> Float[Tensor, "P"]:
    """What inputs of variance 1 are multiplied by, so that states have it too; of each step `square` is the squared
    share that a state keeps of itself, and `turn` its angle."""
    # a zero-order hold of the time dt multiplies inputs by |exp(l dt) - 1| / |l|
    hold = (square - 2 * square.sqrt() * turn.cos() + 1).sqrt() / torch.hypot(decay, frequency)
    return (1 - square).sqrt() / hold
