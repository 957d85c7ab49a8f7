"""Normalisation layers and activations, by name."""

from typing import Literal

from torch import Tensor, nn

NormName = Literal["layer", "rms", "none"]
ActivationName = Literal["silu", "elu", "relu", "tanh"]

_ACTIVATIONS: dict[str, type[nn.Module]] = {"silu": nn.SiLU, "elu": nn.ELU, "relu": nn.ReLU, "tanh": nn.Tanh}


class RMSNorm(nn.RMSNorm):
    """x / sqrt(mean(x^2) + 1e-4) * weight over the last axis (Zhang and Sennrich 2019, eq. 4; DreamerV3's epsilon)."""

    def __init__(self, size: int) -> None:
        super().__init__(size, eps=1e-4)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise; under autocast in the weights' precision, which LayerNorm has by itself."""
        return super().forward(x.to(self.weight.dtype))


_NORMS = {"layer": lambda size: nn.LayerNorm(size, eps=1e-3), "rms": RMSNorm}


def norm(name: NormName, size: int) -> nn.Module:
    """A normalisation of the last axis; "none" is the identity."""
    return nn.Identity() if name == "none" else _NORMS[name](size)


def biased(name: NormName) -> bool:
    """Whether a linear layer before that normalisation has a bias: where the normalisation has no shift of its own."""
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
