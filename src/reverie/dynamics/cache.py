"""What attention remembers: the keys and values of each layer, as they were computed, of the last steps.

    tokens       -M .. -1           0 .. T K - 1
                 of the memory      of the chunk (T = 1 in a step)

A query at step s sees the step s' of its episode if s - window < s' <= s, and of its own step the tokens up to itself.
Each layer's tokens see those of the layer itself, so L layers reach L (window - 1) steps back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from reverie.dynamics.positions import Frame, Positions
from reverie.ops import tree


class Pair(NamedTuple):
    """Keys and values of a layer, "B H M V"."""

    keys: Tensor
    values: Tensor


class Seen(NamedTuple):
    """For J queries and M keys: whether they see them, and how many tokens lie between."""

    allowed: Bool[Tensor, "B 1 J M"]
    distance: Int[Tensor, "#B J M"]


def attend(query: Float[Tensor, "B H J V"], pair: Pair, seen: Seen, positions: Positions, layer: int) -> Tensor:
    """The values as the queries mix them, "B H J V"; in the precision of the memory, whatever there is around it."""
    with torch.autocast(query.device.type, enabled=False):
        if positions.plain:
            return scaled_dot_product_attention(query, *pair, attn_mask=seen.allowed)
        query = query * query.shape[-1] ** -0.5
        scores = query @ pair.keys.transpose(-1, -2) + positions.score(layer, query, seen.distance)
        share = scores.masked_fill(~seen.allowed, -torch.inf).softmax(-1)
        return share @ pair.values + positions.value(layer, share, seen.distance)


def reach(age: Int[Tensor, "B"], first: Float[Tensor, "B T"]) -> Int[Tensor, "B T"]:
    """Steps of the episode before each step of a chunk; age is that of the first step, were it to begin nothing."""
    step = torch.arange(first.shape[1], device=first.device)
    begun = torch.where(first.bool(), step, -1).cummax(1).values
    return torch.where(begun < 0, age.unsqueeze(1) + step, step - begun)


class Past(Protocol):
    """What a step attends to beside itself: the memory of a backbone."""

    @property
    def age(self) -> Tensor:
        """Steps of the episode so far, "B"."""
        ...

    def seen(self, age: Int[Tensor, "B T"], frame: Frame) -> Seen:
        """What the tokens of T steps, with the steps of their episode before them, see of the memory and themselves."""
        ...

    def attend(
        self, layer: int, query: Tensor, pair: Pair, seen: Seen, positions: Positions
    ) -> tuple[Float[Tensor, "B H J V"], Pair]:
        """The mixed values, and the layer's keys and values with the new ones at the end."""
        ...

    def after(self, whole: Sequence[Pair], frame: Frame) -> "Past":
        """The memory after a step, from what `attend` gave for each layer."""
        ...

    def settled(self, frame: Frame) -> "Cache":
        """The same memory, in the form that has a fixed size."""
        ...

    def select(self, rows: Tensor) -> "Past":
        """Rows of it; repeats are allowed."""
        ...


class Cache(NamedTuple):
    """A memory of fixed size: each layer's keys and values of the last M tokens, and the episode's age "B" in steps.

    Tokens from before the episode are zeros.
    """

    pairs: tuple[Pair, ...]
    age: Tensor

    def seen(self, age: Int[Tensor, "B T"], frame: Frame) -> Seen:
        """What the tokens of T steps, with the steps of their episode before them, see of the memory and themselves."""
        key = torch.arange(-frame.held, age.shape[1] * frame.tokens, device=age.device)
        query = key[frame.held :].unsqueeze(1)
        back = query.div(frame.tokens, rounding_mode="floor") - key.div(frame.tokens, rounding_mode="floor")
        most = age.clamp_max(frame.window - 1).repeat_interleave(frame.tokens, 1)
        distance = query - key
        return Seen(((back <= most.unsqueeze(-1)) & (distance >= 0)).unsqueeze(1), distance.unsqueeze(0))

    def attend(
        self, layer: int, query: Tensor, pair: Pair, seen: Seen, positions: Positions
    ) -> tuple[Float[Tensor, "B H J V"], Pair]:
        """The mixed values, and the layer's keys and values with the new ones at the end, "B H M+J V"."""
        old = self.pairs[layer]
        whole = Pair(torch.cat([old.keys, pair.keys], 2), torch.cat([old.values, pair.values], 2))
        return attend(query, whole, seen, positions, layer), whole

    def after(self, whole: Sequence[Pair], frame: Frame) -> "Cache":
        """The memory after a step, from what `attend` gave: the oldest step is gone."""
        return Cache(tuple(Pair(*[x[:, :, frame.tokens :] for x in pair]) for pair in whole), self.age + 1)

    def hidden(self, frame: Frame) -> "Cache":
        """The same, with zeros before the episode: there a share of nothing times infinity would be no number."""
        slot = torch.arange(frame.held, device=self.age.device)
        known = slot >= frame.held - self.age.unsqueeze(1) * frame.tokens
        known = known[:, None, :, None]
        return Cache(tuple(Pair(*[torch.where(known, x, 0) for x in pair]) for pair in self.pairs), self.age)

    def settled(self, frame: Frame) -> "Cache":
        """Itself: its size is fixed already."""
        return self

    def select(self, rows: Tensor) -> "Cache":
        """Rows of it; repeats are allowed."""
        return tree.select(self, rows)


@dataclass(frozen=True)
class Gathered:
    """The history of a chunk: each layer's keys and values "B H M+J V", and the ages "B T" after each step.

    A dream's memory is cut from it: its window is copied.
    """

    pairs: tuple[Pair, ...]
    age: Tensor
    frame: Frame

    def last(self) -> Cache:
        """The last window of each row."""
        pairs = tuple(Pair(*[x[:, :, x.shape[2] - self.frame.held :] for x in pair]) for pair in self.pairs)
        return Cache(pairs, self.age[:, -1]).hidden(self.frame)

    def at(self, rows: Tensor, steps: Tensor) -> Cache:
        """The window that ends with each of the chosen (b, t)."""
        return Cache(self.windows(rows, steps + 1), self.age[rows, steps]).hidden(self.frame)

    def windows(self, rows: Tensor, steps: Tensor) -> tuple[Pair, ...]:
        """The M tokens before each of the chosen (b, t), "N H M V" for each layer."""
        slot = (steps * self.frame.tokens).unsqueeze(1) + torch.arange(self.frame.held, device=steps.device)
        head = torch.arange(self.pairs[0].keys.shape[1], device=steps.device).unsqueeze(1)
        index = rows[:, None, None], head, slot.unsqueeze(1)
        return tuple(Pair(*[x[index] for x in pair]) for pair in self.pairs)
