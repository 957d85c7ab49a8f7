"""Convolutional stacks that halve an image and double it again."""

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reverie.errors import UserError
from reverie.nets.init import InitName, initialise
from reverie.nets.norm import ActivationName, NormName, activation, biased, image_norm


@dataclass(frozen=True, kw_only=True)
class CNNConfig:
    """Convolutions with stride 2, each halving the image.

    DreamerV3's are depth x (2, 3, 4, 4) with kernel 5, norm rms and init normal. It now pools by default; this is its
    strided variant, and the image that the decoder starts from has no normalisation here.
    """

    depth: int = 8
    """channels after the first convolution, or what multipliers multiply"""
    stages: int = 4
    """how often the image is halved; its sides must be divisible by 2 ** stages"""
    multipliers: tuple[int, ...] = ()
    """channels after each stage in depths, one number a stage; none doubles them, starting from depth"""
    kernel: int = 4
    """side of the convolutions' kernels"""
    norm: NormName = "layer"
    """normalisation of the channels before the activation"""
    activation: ActivationName = "silu"
    """nonlinearity"""
    init: InitName = "uniform"
    """first weights: torch's uniform ones, or DreamerV3's truncated normal ones with biases at zero"""

    def __post_init__(self) -> None:
        if self.depth < 1 or self.stages < 1:
            raise UserError(f"a convolutional stack needs depth >= 1 and stages >= 1, not {self.depth}, {self.stages}")
        if self.kernel < 2:
            raise UserError(f"a convolution that halves an image needs kernel >= 2, not {self.kernel}")
        object.__setattr__(self, "multipliers", tuple(self.multipliers))  # JSON has lists alone
        if self.multipliers and (len(self.multipliers) != self.stages or min(self.multipliers) < 1):
            raise UserError(
                f"multipliers must be {self.stages} numbers >= 1, one for each of stages, not {self.multipliers}"
            )

    @property
    def channels(self) -> list[int]:
        """Channels after each stage: depth times the multipliers, or times 1, 2, 4, ..."""
        return [self.depth * times for times in self.multipliers or [2**stage for stage in range(self.stages)]]

    def down(self, channels: int, after: int) -> nn.Conv2d:
        """A convolution "B C H W" to "B C' H/2 W/2" before the normalisation."""
        layer = nn.Conv2d(
            channels, after, self.kernel, stride=2, padding=(self.kernel - 1) // 2, bias=biased(self.norm)
        )
        return initialise(layer, self.init)

    def up(self, channels: int, after: int, *, bias: bool) -> nn.ConvTranspose2d:
        """A transposed convolution "B C H W" to "B C' 2H 2W"."""
        padding, beyond = (self.kernel - 1) // 2, self.kernel % 2  # an odd kernel would leave a row out
        layer = nn.ConvTranspose2d(
            channels, after, self.kernel, stride=2, padding=padding, output_padding=beyond, bias=bias
        )
        return initialise(layer, self.init)

    def smallest(self, height: int, width: int) -> tuple[int, int]:
        """The image's sides after the last stage.

        Raises:
            UserError: if the sides cannot be halved that often.
        """
        factor = 2**self.stages
        near = max(1, round(height / factor)) * factor
        if height % factor or width % factor:
            raise UserError(
                f"an image of {height} x {width} cannot be halved {self.stages} times; "
                f"choose a size divisible by {factor} (of a drawn image: --size {near}), "
                "or fewer --encoder.cnn.stages and --decoder.cnn.stages"
            )
        return height // factor, width // factor


class ImageEncoder(nn.Module):
    """Images "B C H W" to flat embeddings "B E"."""

    def __init__(self, config: CNNConfig, channels: int, height: int, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for depth in config.channels:
            layers += [
                config.down(channels, depth),
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
        self.entry = initialise(nn.Linear(inputs, depths[0] * self._smallest[0] * self._smallest[1]), config.init)
        layers: list[nn.Module] = []
        for depth, after in itertools.pairwise(depths):
            layers += [
                config.up(depth, after, bias=biased(config.norm)),
                image_norm(config.norm, after),
                activation(config.activation),
            ]
        layers.append(config.up(depths[-1], channels, bias=True))
        self.layers = nn.Sequential(*layers).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def forward(self, features: Tensor) -> Tensor:
        """Draw images."""
        image = self.entry(features).unflatten(1, (-1, *self._smallest))
        return self.layers(image.contiguous(memory_format=torch.channels_last))
