"""Convolutional stacks that halve an image and double it again."""

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reverie.errors import UserError
from reverie.nets.norm import ActivationName, NormName, activation, image_norm


@dataclass(frozen=True, kw_only=True)
class CNNConfig:
    """Convolutions 4 x 4 with stride 2, each halving the image and doubling the channels."""

    depth: int = 8
    """channels after the first convolution"""
    stages: int = 4
    """how often the image is halved; its sides must be divisible by 2 ** stages"""
    norm: NormName = "layer"
    """normalisation of the channels before the activation"""
    activation: ActivationName = "silu"
    """nonlinearity"""

    def __post_init__(self) -> None:
        if self.depth < 1 or self.stages < 1:
            raise UserError(f"a convolutional stack needs depth >= 1 and stages >= 1, not {self.depth}, {self.stages}")

    @property
    def channels(self) -> list[int]:
        """Channels after each stage: depth, 2 depth, 4 depth, ..."""
        return [self.depth * 2**stage for stage in range(self.stages)]

    def smallest(self, height: int, width: int) -> tuple[int, int]:
        """The image's sides after the last stage.

        Raises:
            UserError: if the sides cannot be halved that often.
        """
        factor = 2**self.stages
        if height % factor or width % factor:
            raise UserError(
                f"an image of {height} x {width} cannot be halved {self.stages} times; "
                f"choose a size divisible by {factor}, or fewer stages"
            )
        return height // factor, width // factor


class ImageEncoder(nn.Module):
    """Images "B C H W" to flat embeddings "B E"."""

    def __init__(self, config: CNNConfig, channels: int, height: int, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for depth in config.channels:
            bias = config.norm == "none"
            layers += [
                nn.Conv2d(channels, depth, 4, stride=2, padding=1, bias=bias),
                image_norm(config.norm, depth),
                activation(config.activation),
            ]
            channels = depth
        self.layers = nn.Sequential(*layers).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        rows, columns = config.smallest(height, width)
        self.size = channels * rows * columns

    def forward(self, image: Tensor) -> Tensor:
        """Embed images."""
        return self.layers(image.contiguous(memory_format=torch.channels_last)).flatten(1)


class ImageDecoder(nn.Module):
    """Features "B F" to images "B C H W"."""

    def __init__(self, config: CNNConfig, inputs: int, channels: int, height: int, width: int) -> None:
        super().__init__()
        self._smallest = config.smallest(height, width)
        depths = config.channels[::-1]
        self.entry = nn.Linear(inputs, depths[0] * self._smallest[0] * self._smallest[1])
        layers: list[nn.Module] = []
        for depth, after in itertools.pairwise(depths):
            bias = config.norm == "none"
            layers += [
                nn.ConvTranspose2d(depth, after, 4, stride=2, padding=1, bias=bias),
                image_norm(config.norm, after),
                activation(config.activation),
            ]
        layers.append(nn.ConvTranspose2d(depths[-1], channels, 4, stride=2, padding=1))
        self.layers = nn.Sequential(*layers).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def forward(self, features: Tensor) -> Tensor:
        """Draw images."""
        image = self.entry(features).unflatten(1, (-1, *self._smallest))
        return self.layers(image.contiguous(memory_format=torch.channels_last))
