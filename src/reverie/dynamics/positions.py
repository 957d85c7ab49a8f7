"""How a token knows when another was: three ways, which act at three places.

The place of a token is its number since the episode began, age K + k, with age the steps of the episode before it. The
distance of two tokens is the difference of their places.
"""

from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

PositionName = Literal["rotary", "relative", "learned"]


class Positions(nn.Module):
    """What every kind may do, and none must: each overrides the part where it acts.

    Attributes:
        plain: whether attention is that of queries, keys and values alone.
    """

    plain = True

    def enter(self, x: Float[Tensor, "B J W"], place: Int[Tensor, "B J"]) -> Float[Tensor, "B J W"]:
        """The tokens as they enter the first layer."""
        return x

    def angles(self, place: Int[Tensor, "B J"]) -> Tensor | None:
        """What `turn` needs to know of the places, for all layers at once."""
        return None

    def turn(self, x: Float[Tensor, "B H J V"], angles: Tensor | None) -> Float[Tensor, "B H J V"]:
        """Queries or keys of these places."""
        return x

    def score(self, layer: int, query: Float[Tensor, "B H J V"], distance: Int[Tensor, "#B J M"]) -> Tensor:
        """What is added to the scores q k of that layer, "B H J M"; not of those that are plain."""
        raise NotImplementedError

    def value(self, layer: int, share: Float[Tensor, "B H J M"], distance: Int[Tensor, "#B J M"]) -> Tensor:
        """What is added to the mixture of values by these shares, "B H J V"; not of those that are plain."""
        raise NotImplementedError


class Rotary(Positions):
    """Queries and keys turn with their place, so that their product knows the distance alone (Su et al. 2021, eq. 34).

    Pair i of a head's V numbers turns by place * base^(-2 i / V). A pair are numbers i and i + V/2, where the paper has
    neighbours: the same up to the order of what no one reads.
    """

    rates: Tensor

    def __init__(self, width: int, base: float) -> None:
        super().__init__()
        rates = base ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
        self.register_buffer("rates", rates.float(), persistent=False)

    def angles(self, place: Int[Tensor, "B J"]) -> Tensor:
        """Cosines and sines, "2 B 1 J V/2"."""
        angle = place.unsqueeze(1).unsqueeze(-1) * self.rates
        return torch.stack([angle.cos(), angle.sin()])

    def turn(self, x: Float[Tensor, "B H J V"], angles: Tensor | None) -> Float[Tensor, "B H J V"]:
        """Each pair turned by its angle."""
        assert angles is not None
        cos, sin = angles
        left, right = x.chunk(2, -1)
        return torch.cat([left * cos - right * sin, left * sin + right * cos], -1)
