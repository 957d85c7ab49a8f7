"""Observations to embeddings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from reverie.errors import about
from reverie.nets.cnn import CNNConfig, ImageEncoder
from reverie.nets.mlp import MLP, MLPConfig
from reverie.types import Shapes


def image_keys(shapes: Shapes) -> list[str]:
    """The keys that hold images, sorted."""
    return sorted(key for key, shape in shapes.items() if len(shape) == 3)


def vector_keys(shapes: Shapes) -> list[str]:
    """The keys that hold vectors, sorted."""
    return sorted(key for key, shape in shapes.items() if len(shape) == 1)


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """The networks from observations to embeddings."""

    mlp: MLPConfig = field(default_factory=lambda: MLPConfig(layers=2))
    """for the vectors, all keys together"""
    cnn: CNNConfig = field(default_factory=CNNConfig)
    """for each image"""


class Encoder(nn.Module):
    """Preprocessed observations "... F" and "... H W C" to one embedding "... E".

    All vectors share an MLP, each image has a CNN.

    Attributes:
        size: E.
    """

    def __init__(self, config: EncoderConfig, shapes: Shapes) -> None:
        super().__init__()
        self._vectors = vector_keys(shapes)
        self.size = 0
        if self._vectors:
            self.mlp = MLP(config.mlp, sum(shapes[key][0] for key in self._vectors))
            self.size += self.mlp.size
        self._images = image_keys(shapes)
        self.images = nn.ModuleList()  # a list: an observation's key may be no name for a module
        for key in self._images:
            height, width, channels = shapes[key]
            with about(f"observation '{key}'"):
                network = ImageEncoder(config.cnn, channels, height, width)
            self.images.append(network)
            self.size += network.size

    def forward(self, observation: Mapping[str, Tensor]) -> Tensor:
        """Embed preprocessed observations."""
        embeds = []
        if self._vectors:
            embeds.append(self.mlp(torch.cat([observation[key] for key in self._vectors], -1)))
        for key, network in zip(self._images, self.images, strict=True):
            image = observation[key]
            lead = image.shape[:-3]
            flat = image.reshape(-1, *image.shape[-3:]).permute(0, 3, 1, 2)
            embeds.append(network(flat).reshape(*lead, -1))
        return embeds[0] if len(embeds) == 1 else torch.cat(embeds, -1)
