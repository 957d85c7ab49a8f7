"""Features back to observations."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from reverie.errors import about
from reverie.nets.cnn import CNNConfig, ImageDecoder
from reverie.nets.mlp import MLP, MLPConfig
from reverie.representation.encoder import image_keys, vector_keys
from reverie.types import Features, Read, Shapes, read_size


@dataclass(frozen=True, kw_only=True)
class DecoderConfig:
    """The networks from features to observations."""

    mlp: MLPConfig = field(default_factory=MLPConfig)
    """for the vectors, all keys together"""
    cnn: CNNConfig = field(default_factory=CNNConfig)
    """for each image"""
    reads: Read = "hz"
    """what it reads: h, z or both"""


class Decoder(nn.Module):
    """Features to the mean of a unit-variance Gaussian over the preprocessed observation.

    Attributes:
        reads: which part of the features.
    """

    def __init__(self, config: DecoderConfig, deter: int, stoch: int, shapes: Shapes) -> None:
        super().__init__()
        self.reads: Read = config.reads
        inputs = read_size(config.reads, deter, stoch)
        self._vectors = {key: shapes[key][0] for key in vector_keys(shapes)}
        if self._vectors:
            self.mlp = MLP(config.mlp, inputs, sum(self._vectors.values()))
        self._images = image_keys(shapes)
        self.images = nn.ModuleList()  # a list: an observation's key may be no name for a module
        for key in self._images:
            height, width, channels = shapes[key]
            with about(f"observation '{key}'"):
                self.images.append(ImageDecoder(config.cnn, inputs, channels, height, width))

    def forward(self, features: Features) -> dict[str, Tensor]:
        """Vectors "... F" and images "... H W C", preprocessed."""
        x = features.read(self.reads)
        decoded: dict[str, Tensor] = {}
        if self._vectors:
            parts = self.mlp(x).split(list(self._vectors.values()), -1)
            decoded.update(zip(self._vectors, parts, strict=True))
        for key, network in zip(self._images, self.images, strict=True):
            image = network(x.reshape(-1, x.shape[-1])).permute(0, 2, 3, 1)
            decoded[key] = image.reshape(*x.shape[:-1], *image.shape[1:])
        return decoded

    def loss(
        self, features: Features, observation: Mapping[str, Tensor], weights: Mapping[str, Tensor] | None = None
    ) -> dict[str, Tensor]:
        """The Gaussian negative log-likelihood of each key up to a constant: half the summed squared error, "...".

        weights: of the single errors of some keys, inverse variances.
        """
        losses = {}
        for key, mean in self(features).items():
            error = (mean.float() - observation[key]).square()
            if weights and key in weights:
                error = error * weights[key]
            losses[key] = 0.5 * error.flatten(features.deter.dim() - 1).sum(-1)
        return losses
