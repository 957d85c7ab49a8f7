"""What several seeds say together: a middle, and how sure it is (Agarwal et al. 2021, section 4)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

DRAWS = 2_000
"""Bootstrap samples."""
SURE = 0.95
"""Share of them that an interval holds."""


class Estimate(NamedTuple):
    """A middle, and the ends of a range around it, each "P"."""

    middle: Float[np.ndarray, "P"]
    low: Float[np.ndarray, "P"]
    high: Float[np.ndarray, "P"]


def mean_and_range(returns: Float[np.ndarray, "N P"]) -> Estimate:
    """The mean of N seeds, and the worst and the best of them."""
    return Estimate(returns.mean(0), returns.min(0), returns.max(0))


def interquartile_mean(returns: Float[np.ndarray, "*B N"]) -> Float[np.ndarray, "*B"]:
    """The mean of what lies between the quartiles of N numbers: N // 4 of them are left out at each end."""
    left_out = returns.shape[-1] // 4
    middle = np.sort(returns, -1)[..., left_out : returns.shape[-1] - left_out]
    return middle.mean(-1)


def interquartile_mean_and_interval(returns: Float[np.ndarray, "N P"]) -> Estimate:
    """The interquartile mean of N seeds, and its 95 % interval by the percentile bootstrap over seeds.

    Seeds are drawn whole: what is drawn at one place of a curve is drawn at all. The draws have a seed of their own, so
    that the same curves give the same interval.
    """
    draws = np.random.default_rng(0).integers(len(returns), size=(DRAWS, len(returns)))
    drawn = interquartile_mean(np.moveaxis(returns[draws], 1, -1))
    low, high = np.quantile(drawn, [(1 - SURE) / 2, (1 + SURE) / 2], axis=0)
    return Estimate(interquartile_mean(returns.T), low, high)
