"""Transformer-XL as a backbone (Dai et al. 2019; Robine et al. 2023): attention that knows distances by waves."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from reverie.dynamics.attention import Attention, WindowConfig
from reverie.dynamics.positions import ByDistance, Frame, Offsets
from reverie.errors import UserError
from reverie.nets.init import initialise

SLOWEST = 10_000.0
"""The slowest wave turns by about 1 / SLOWEST a token (Vaswani et al. 2017, section 3.5)."""


class Waves(ByDistance):
    """Distances are sinusoids, which each layer reads through a matrix of its own (Dai et al. 2019, section 3.3).

        e_ij = (q_i + u) k_j + (q_i + v) W_R R_{i-j},    R_d = [sin(d w), cos(d w)],    w_n = 10000^(-2 n / W)

    The bias of the layer's queries is u, and what is learned here is v - u: one for each layer and head, where the
    paper has one for all layers.
    """

    waves: Tensor

    def __init__(self, config: "TransformerXLConfig", distances: int) -> None:
        super().__init__(distances)
        rates = SLOWEST ** (-torch.arange(0, config.units, 2, dtype=torch.float64) / config.units)
        angle = torch.arange(distances).unsqueeze(1) * rates
        self.register_buffer("waves", torch.cat([angle.sin(), angle.cos()], 1).float(), persistent=False)
        self.read = nn.ModuleList(
            initialise(nn.Linear(config.units, config.units, bias=False), config.init) for _ in range(config.layers)
        )
        self.bias = nn.Parameter(torch.zeros(config.layers, config.heads, config.width))

    def score(self, layer: int, query: Float[Tensor, "B H J V"], distance: Int[Tensor, "#B J M"]) -> Tensor:
        """(q + v) W_R R / sqrt(V): that of each distance once, then taken for each key."""
        asked = query + self.bias.shape[-1] ** -0.5 * self.bias[layer].unsqueeze(1)
        return (asked @ self._far(layer).permute(1, 2, 0)).gather(-1, self._index(query, distance))

    def offsets(self, layer: int, distance: Int[Tensor, "M"]) -> Offsets:
        """W_R R of each key's distance joins the key, and v W_R R / sqrt(V) the score."""
        far = self._far(layer)[distance.clamp(0, self.distances - 1)]
        return Offsets(keys=far, scores=self.bias.shape[-1] ** -0.5 * (far * self.bias[layer]).sum(-1))

    def _far(self, layer: int) -> Float[Tensor, "M H V"]:
        """W_R R of every distance."""
        return self.read[layer](self.waves).unflatten(-1, self.bias.shape[1:])


@dataclass(frozen=True, kw_only=True)
class TransformerXLConfig(WindowConfig):
    """A causal transformer over the last steps of the episode, with Transformer-XL's relative positions."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.units % 2:
            raise UserError(f"backbone.units must be even, not {self.units}: waves come as sine and cosine")

    def place(self, frame: Frame) -> Waves:
        """Distances as waves, all that a window has."""
        return Waves(self, frame.distances)


class TransformerXL(Attention):
    """Attention whose memory is each layer's own keys and values of the steps before, as Transformer-XL's is.

    Where this differs from Dai et al.: every query sees a window of the same size, where theirs sees the whole segment
    before; keys and values are kept, where theirs keeps what they are made of; gradients flow through the memory until
    its caller cuts them, which is between chunks; norms come before the layers; no dropout. With three tokens a step,
    `--dynamics.join stack`, this is TWM's dynamics.
    """

    Config = TransformerXLConfig
