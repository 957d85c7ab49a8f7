"""Normalisation layers and activations, by name."""

from typing import Any, Literal

import torch
from torch import Tensor, nn

NormName = Literal["layer", "rms", "none"]
ActivationName = Literal["silu", "elu", "relu", "tanh"]

_ACTIVATIONS: dict[str, type[nn.Module]] = {"silu": nn.SiLU, "elu": nn.ELU, "relu": nn.ReLU, "tanh": nn.Tanh}


class _Scaled(torch.autograd.Function):
    """y = x r w with r = 1 / sqrt(mean(x^2) + eps), and its gradient by hand: torch's is put together from small steps.

    dL/dx = r (g w - x r^2 mean(g w x)),    dL/dw = sum over rows of g x r
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        r = torch.rsqrt(x.square().mean(-1, keepdim=True) + eps)
        ctx.save_for_backward(x, weight, r)
        return (x * r).mul_(weight)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:  # type: ignore[override]
        x, weight, r = ctx.saved_tensors
        [g] = gradients
        product = g * x
        by_x = by_weight = None
        if ctx.needs_input_grad[0]:
            mean = (product @ weight).unsqueeze(-1) / x.shape[-1]
            by_x = (g * weight).mul_(r).addcmul_(x, r.pow(3).mul_(mean), value=-1)
        if ctx.needs_input_grad[1]:
            by_weight = r.reshape(-1) @ product.reshape(-1, x.shape[-1])
        return by_x, by_weight, None


class RMSNorm(nn.RMSNorm):
    """x / sqrt(mean(x^2) + 1e-4) * weight over the last axis (Zhang and Sennrich 2019, eq. 4; DreamerV3's epsilon)."""

    EPSILON = 1e-4

    def __init__(self, size: int) -> None:
        super().__init__(size, eps=self.EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise; under autocast in the weights' precision, which LayerNorm has by itself."""
        with torch.autocast(x.device.type, enabled=False):
            return _Scaled.apply(x.to(self.weight.dtype), self.weight, self.EPSILON)  # type: ignore[return-value]


_NORMS = {"layer": lambda size: nn.LayerNorm(size, eps=1e-3), "rms": RMSNorm}


def norm(name: NormName, size: int) -> nn.Module:
    """A normalisation of the last axis; "none" is the identity."""
    return nn.Identity() if name == "none" else _NORMS[name](size)


def biased(name: NormName) -> bool:
    """Whether a linear layer before that normalisation has a bias: where the normalisation has no shift of its own.

    A shift after the normalisation does not replace one before it altogether: without the latter a first layer cannot
    tell x from 2 x. Where an observation's length tells something, and no other number tells it too, the encoder needs
    `--encoder.mlp.bias`, or `--encoder.mlp.norm rms`.
    """
    return name != "layer"


def activation(name: ActivationName) -> nn.Module:
    """The nonlinearity of that name."""
    return _ACTIVATIONS[name]()


class ImageNorm(nn.Module):
    """A normalisation over the channels of each pixel, for images "B C H W" (ConvNeXt)."""

    def __init__(self, channels: int, name: NormName = "layer") -> None:
        super().__init__()
        self.norm = norm(name, channels)

    def forward(self, image: Tensor) -> Tensor:
        """Normalise each pixel."""
        # With channels last in memory both permutations are free.
        return self.norm(image.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def image_norm(name: NormName, channels: int) -> nn.Module:
    """A normalisation of an image's channels; "none" is the identity."""
    return nn.Identity() if name == "none" else ImageNorm(channels, name)
