"""Scales: symlog, two-hot targets, percentiles."""

import torch
from jaxtyping import Float
from torch import Tensor


def symlog(x: Tensor) -> Tensor:
    """sign(x) log(1 + abs(x)) (DreamerV3)."""
    return torch.sign(x) * torch.log1p(torch.abs(x))


def symexp(x: Tensor) -> Tensor:
    """The inverse of symlog: sign(x) (exp(abs(x)) - 1)."""
    return torch.sign(x) * torch.expm1(torch.abs(x))


def two_hot(x: Float[Tensor, "*B"], bins: Float[Tensor, "K"]) -> Float[Tensor, "*B K"]:
    """Weights on the two bins around x whose weighted mean is x; values beyond the bins fall on the last one.

    Args:
        x: the scalars.
        bins: the places of the bins, rising (DreamerV3).
    """
    x = x.clamp(bins[0], bins[-1])
    above = torch.searchsorted(bins, x.contiguous()).clamp(1, len(bins) - 1)
    below = above - 1
    share = (x - bins[below]) / (bins[above] - bins[below])
    weights = torch.zeros(*x.shape, len(bins), dtype=x.dtype, device=x.device)
    weights.scatter_(-1, below.unsqueeze(-1), (1 - share).unsqueeze(-1))
    return weights.scatter_(-1, above.unsqueeze(-1), share.unsqueeze(-1))


def quantiles(x: Tensor, low: float = 0.05, high: float = 0.95) -> Float[Tensor, "2"]:
    """Two quantiles of all entries of x."""
    ends = torch.linspace(low, high, 2, device=x.device)  # made there: a copy from the host would wait for it
    return torch.quantile(x.detach().float().flatten(), ends)


def spread(x: Tensor, low: float = 0.05, high: float = 0.95) -> Tensor:
    """The distance between two quantiles of all entries of x (DreamerV3)."""
    ends = quantiles(x, low, high)
    return ends[1] - ends[0]


def standardise(x: Float[Tensor, "*B"], weight: Float[Tensor, "*B"]) -> Float[Tensor, "*B"]:
    """x with a weighted mean of 0 and a weighted deviation of 1; where all entries are equal, or weigh nothing, 0."""
    whole = weight.sum()
    share = weight / whole.clamp_min(torch.finfo(weight.dtype).tiny)
    centred = torch.where(whole > 0, x - (share * x).sum(), 0)
    return centred / (share * centred.square()).sum().sqrt().clamp_min(1e-8)
