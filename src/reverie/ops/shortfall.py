"""A hinge on a mean, unreduced."""

import torch
from torch import Tensor


def shortfall(share: Tensor, floor: float) -> Tensor:
    """What a mean lacks to a floor, shared out: "..." whose mean is max(0, floor - mean(share)).

    Where the mean is above the floor every entry is zero, and none has a gradient (TWM's code: the thresholded
    entropies of its latents and of its policy).
    """
    return torch.where(share.detach().mean() < floor, floor - share, torch.zeros_like(share))
