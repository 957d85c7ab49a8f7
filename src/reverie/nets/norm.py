"""Normalisation layers and activations, by name."""

from typing import Literal

from torch import Tensor, nn

NormName = Literal["layer", "none"]
ActivationName = Literal["silu", "elu", "relu", "tanh"]

_ACTIVATIONS: dict[str, type[nn.Module]] = {"silu": nn.SiLU, "elu": nn.ELU, "relu": nn.ReLU, "tanh": nn.Tanh}


def norm(name: NormName, size: int) -> nn.Module:
    """A normalisation of the last axis; "none" is the identity."""
    return nn.LayerNorm(size, eps=1e-3) if name == "layer" else nn.Identity()


def activation(name: ActivationName) -> nn.Module:
    """The nonlinearity of that name."""
    return _ACTIVATIONS[name]()


class ImageNorm(nn.Module):
    """LayerNorm over the channels of each pixel, for images "B C H W" (ConvNeXt)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels, eps=1e-3)

    def forward(self, image: Tensor) -> Tensor:
        """Normalise each pixel."""
        # With channels last in memory both permutations are free.
        return self.norm(image.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def image_norm(name: NormName, channels: int) -> nn.Module:
    """A normalisation of an image's channels; "none" is the identity."""
    return ImageNorm(channels) if name == "layer" else nn.Identity()
