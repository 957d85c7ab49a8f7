"""The weights a layer starts with, by name."""

import math
from collections.abc import Callable
from typing import Literal, TypeVar

from torch import Tensor, nn

InitName = Literal["uniform", "normal"]

CUT = 2.0
"""A truncated normal has nothing beyond that many standard deviations of the normal it is cut from."""
TRUNCATED = 0.87962566103423978
"""The standard deviation of a standard normal that is cut there."""

_FAN_INS: dict[type[nn.Module], Callable[[Tensor], int]] = {
    nn.Linear: lambda weight: weight.shape[1],
    nn.Conv2d: lambda weight: weight[0].numel(),
    nn.ConvTranspose2d: lambda weight: weight[:, 0].numel(),
}

L = TypeVar("L", nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


def truncated_normal(weight: Tensor, fan_in: int) -> None:
    """Fill with a normal of variance 1 / fan_in, cut at two standard deviations (DreamerV3, "trunc_normal")."""
    std = math.sqrt(1 / fan_in) / TRUNCATED
    nn.init.trunc_normal_(weight, std=std, a=-CUT * std, b=CUT * std)


def initialise(layer: L, name: InitName = "uniform", *, fan_in: int | None = None, scale: float = 1.0) -> L:
    """Start a layer as named, and return it.

    Args:
        layer: linear, or a convolution; torch has filled it already.
        name: "uniform" leaves what torch has drawn; "normal" is `truncated_normal`, with biases at zero.
        fan_in: numbers that enter each unit, where several layers share one sum; the layer's own by default.
        scale: multiplies the weights; any but 1 puts the bias at zero, and 0 puts all there.
    """
    if name == "normal":
        truncated_normal(layer.weight, fan_in or _FAN_INS[type(layer)](layer.weight))
    if scale != 1.0:
        layer.weight.data.mul_(scale)
    if layer.bias is not None and (name == "normal" or scale != 1.0):
        nn.init.zeros_(layer.bias)
    return layer
