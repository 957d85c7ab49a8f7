"""How a token knows when another was: three ways, which act at three places.

The place of a token is its number since the episode began, age K + k, with age the steps of the episode before it. The
distance of two tokens is the difference of their places.
"""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

PositionName = Literal["rotary", "relative", "learned"]

STD = 0.02
"""Of embeddings as they start (GPT-2's)."""


class Frame(NamedTuple):
    """The measures of a window: W steps, the present one counted, of K tokens each."""

    window: int
    tokens: int

    @property
    def held(self) -> int:
        """M, the tokens of the steps before the present one."""
        return (self.window - 1) * self.tokens

    @property
    def distances(self) -> int:
        """How many there are between a query and the keys it sees, in tokens, 0 counted."""
        return self.held + self.tokens


class Offsets(NamedTuple):
    """What the distances to M keys add for one query: to keys and values "M #H V", and to scores "M H"."""

    keys: Tensor | None = None
    scores: Tensor | None = None
    values: Tensor | None = None


class Positions(nn.Module):
    """What every kind may do, and none must: each overrides the part where it acts.

    Attributes:
        plain: whether attention is that of queries, keys and values alone.
    """

    plain = True

    def enter(self, x: Float[Tensor, "B J W"], place: Int[Tensor, "B J"]) -> Float[Tensor, "B J W"]:
        """The tokens as they enter the first layer."""
        return x

    def angles(self, place: Int[Tensor, "B J"]) -> tuple[Tensor, Tensor] | None:
        """What `turn` needs to know of the places, for all layers at once."""
        return None

    def turn(
        self, asked: Float[Tensor, "B J 3 H V"], angles: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of these places, "B J H V" each."""
        return asked.unbind(2)  # type: ignore[return-value]

    def score(self, layer: int, query: Float[Tensor, "B H J V"], distance: Int[Tensor, "#B J M"]) -> Tensor:
        """What is added to the scores q k / sqrt(V) of that layer, "B H J M", from q / sqrt(V)."""
        return query.new_zeros(())

    def value(self, layer: int, share: Float[Tensor, "B H J M"], distance: Int[Tensor, "#B J M"]) -> Tensor:
        """What is added to the mixture of values by these shares, "B H J V"."""
        return share.new_zeros(())

    def offsets(self, layer: int, distance: Int[Tensor, "M"]) -> Offsets:
        """`score` and `value` for one query to each row, in another form: what they add before keys and values meet it.

        A key is at the same distance in every row: nothing has to be gathered.
        """
        return Offsets()


class Rotary(Positions):
    """Queries and keys turn with their place, so that their product knows the distance alone (Su et al. 2021, eq. 34).

    Pair i of a head's V numbers turns by place * base^(-2 i / V). A pair are numbers i and i + V/2, where the paper has
    neighbours: the same up to the order of what no one reads.
    """

    rates: Tensor

    def __init__(self, width: int, base: float) -> None:
        super().__init__()
        rates = base ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
        self.register_buffer("rates", torch.cat([-rates, rates]).float(), persistent=False)

    def angles(self, place: Int[Tensor, "B J"]) -> tuple[Tensor, Tensor]:
        """Cosines and sines, "B J 1 1 V" each; the sines of the first half are negative."""
        angle = place[:, :, None, None, None] * self.rates
        return angle.cos(), angle.sin()

    def turn(
        self, asked: Float[Tensor, "B J 3 H V"], angles: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Each pair (x, y) of queries and keys becomes (x cos - y sin, y cos + x sin)."""
        assert angles is not None
        cos, sin = angles
        plain = asked[:, :, :2]
        turned = torch.addcmul(plain * cos, plain.roll(plain.shape[-1] // 2, -1), sin)
        return turned[:, :, 0], turned[:, :, 1], asked[:, :, 2]


class ByDistance(Positions):
    """What distances add to the scores, from one number for each: "B H J distances"."""

    plain = False

    def __init__(self, distances: int) -> None:
        super().__init__()
        self.distances = distances

    def _index(self, like: Float[Tensor, "B H J I"], distance: Int[Tensor, "#B J M"]) -> Int[Tensor, "B H J M"]:
        """Which of them each key takes; no query sees what comes after it, and the farthest share the last."""
        clipped = distance.clamp(0, self.distances - 1)
        return clipped.unsqueeze(1).expand(len(like), like.shape[1], -1, -1)


class Relative(ByDistance):
    """Keys and values know their distance: e_ij = q_i (k_j + a_ij) / sqrt(V),  z_i = sum_j p_ij (v_j + b_ij).

    a and b are embeddings of the distance, clipped, for each layer and shared by its heads (Shaw et al. 2018, eq. 3 and
    4). Distances are of tokens and never negative, for no query sees what comes after it; by default they are clipped
    where the window ends, so that each has an embedding of its own.
    """

    def __init__(self, width: int, layers: int, distances: int) -> None:
        super().__init__(distances)
        self.keys, self.values = (nn.Parameter(STD * torch.randn(layers, distances, width)) for _ in range(2))

    def score(self, layer: int, query: Float[Tensor, "B H J V"], distance: Int[Tensor, "#B J M"]) -> Tensor:
        """q a: that of each distance once, then taken for each key."""
        return (query @ self.keys[layer].T).gather(-1, self._index(query, distance))

    def value(self, layer: int, share: Float[Tensor, "B H J M"], distance: Int[Tensor, "#B J M"]) -> Tensor:
        """The sum of b by the shares: those of each distance are summed first."""
        table = self.values[layer]
        each = share.new_zeros(*share.shape[:-1], len(table)).scatter_add(-1, self._index(share, distance), share)
        return each @ table

    def offsets(self, layer: int, distance: Int[Tensor, "M"]) -> Offsets:
        """a and b of each key's distance, for all heads."""
        place = distance.clamp(0, self.distances - 1)
        return Offsets(keys=self.keys[layer][place].unsqueeze(1), values=self.values[layer][place].unsqueeze(1))


class Learned(Positions):
    """An embedding of the place is added to the token as it enters (GPT-2).

    The place is counted modulo the window: any window's tokens then have places of their own, and from its own place a
    query knows the distance of each. A chunk as long as the window trains all of them, whatever age acting may reach.
    """

    def __init__(self, size: int, frame: Frame) -> None:
        super().__init__()
        self.embedding = nn.Parameter(STD * torch.randn(frame.window * frame.tokens, size))

    def enter(self, x: Float[Tensor, "B J W"], place: Int[Tensor, "B J"]) -> Float[Tensor, "B J W"]:
        """The token and its place."""
        return x + self.embedding[place % len(self.embedding)]
