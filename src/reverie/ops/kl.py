"""Kullback-Leibler divergences KL(p || q), summed over the latent's dimensions."""

import torch
from jaxtyping import Float
from torch import Tensor


def normal(
    mean: Float[Tensor, "*B Z"],
    std: Float[Tensor, "*B Z"],
    to_mean: Float[Tensor, "*B Z"],
    to_std: Float[Tensor, "*B Z"],
) -> Float[Tensor, "*B"]:
    """KL(N(mean, std) || N(to_mean, to_std)) of diagonal normals.

    log(s_q / s_p) + (s_p^2 + (m_p - m_q)^2) / (2 s_q^2) - 1/2, summed over Z.
    """
    ratio = std / to_std
    distance = (mean - to_mean) / to_std
    return (0.5 * (ratio.square() + distance.square() - 1) - torch.log(ratio)).sum(-1)


def categorical(log_p: Float[Tensor, "*B G C"], log_q: Float[Tensor, "*B G C"]) -> Float[Tensor, "*B"]:
    """KL(p || q) of G independent categoricals over C classes, from normalised log-probabilities."""
    return (log_p.exp() * (log_p - log_q)).sum((-1, -2))
