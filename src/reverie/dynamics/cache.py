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
from jaxtyping import Float, Int
from torch import Tensor

from reverie.dynamics.attend import Pair, Seen, attend, slide
from reverie.dynamics.positions import Frame, Positions
from reverie.ops import tree


class Ruler(NamedTuple):
    """From each query to each key: steps back, the window's W where it comes after the query; and tokens."""

    back: Int[Tensor, "J M"]
    distance: Int[Tensor, "J M"]

    @classmethod
    def of(cls, frame: Frame, steps: int, device: torch.device | None = None) -> "Ruler":
        """For the tokens of some steps, with those held in memory before them."""
        key = torch.arange(-frame.held, steps * frame.tokens, device=device)
        query = key[frame.held :].unsqueeze(1)
        back = query.div(frame.tokens, rounding_mode="floor") - key.div(frame.tokens, rounding_mode="floor")
        return cls(torch.where(query >= key, back, frame.window), query - key)


def reach(age: Int[Tensor, "B"], first: Float[Tensor, "B T"]) -> Int[Tensor, "B T"]:
    """Steps of the episode before each step of a chunk; age is that of the first step, were it to begin nothing."""
    step = torch.arange(first.shape[1], device=first.device)
    begun = torch.where(first.bool(), step, -1).cummax(1).values
    return torch.where(begun < 0, age.unsqueeze(1) + step, step - begun)


class Past(Protocol):
    """The memory of a backbone: what a step attends to beside itself."""

    @property
    def age(self) -> Tensor:
        """Steps of the episode so far, "B"."""
        ...

    def seen(self, age: Int[Tensor, "B 1"], ruler: Ruler, frame: Frame) -> Seen:
        """What the tokens of a step see, at that age of the episode; the ruler is that of a step after a `Cache`."""
        ...

    def step(
        self, layer: int, query: Tensor, new: Pair, seen: Seen, positions: Positions
    ) -> tuple[Float[Tensor, "B J H V"], Pair]:
        """The mixed values of a step, and what the layer keeps of its keys and values."""
        ...

    def after(self, kept: Sequence[Pair], frame: Frame) -> "Past":
        """The memory after a step, from what each layer kept."""
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

    def seen(self, age: Int[Tensor, "B T"], ruler: Ruler, frame: Frame) -> Seen:
        """What the tokens of T steps see of the memory and themselves, each step at its age of the episode."""
        most = age.clamp_max(frame.window - 1)
        if age.shape[1] > 1:
            most = most.repeat_interleave(frame.tokens, 1)
        return Seen(ruler.back <= most.unsqueeze(-1), ruler.distance.unsqueeze(0))

    def scan(
        self, layer: int, query: Tensor, new: Pair, seen: Seen, positions: Positions
    ) -> tuple[Float[Tensor, "B J H V"], Pair]:
        """The mixed values of all steps, and the layer's keys and values with the new ones at the end, "B M+J H V"."""
        whole = Pair(*[torch.cat(both, 1) for both in zip(self.pairs[layer], new, strict=True)])
        return attend(query, whole, seen, positions, layer), whole

    def step(
        self, layer: int, query: Tensor, new: Pair, seen: Seen, positions: Positions
    ) -> tuple[Float[Tensor, "B J H V"], Pair]:
        """The mixed values of a step, and the layer's last M keys and values."""
        if query.shape[1] == 1:
            with torch.autocast(query.device.type, enabled=False):
                offsets = positions.offsets(layer, seen.distance[0, 0])
            return slide(query, new, self.pairs[layer], seen, offsets)
        mixed, whole = self.scan(layer, query, new, seen, positions)
        return mixed, Pair(*[x[:, query.shape[1] :] for x in whole])

    def after(self, kept: Sequence[Pair], frame: Frame) -> "Cache":
        """The memory after a step, from what each layer kept."""
        return Cache(tuple(kept), self.age + 1)

    def hidden(self, frame: Frame) -> "Cache":
        """The same, with zeros before the episode: there a share of nothing times infinity would be no number."""
        slot = torch.arange(frame.held, device=self.age.device)
        known = slot >= frame.held - self.age.unsqueeze(1) * frame.tokens
        known = known[:, :, None, None]
        return Cache(tuple(Pair(*[torch.where(known, x, 0) for x in pair]) for pair in self.pairs), self.age)

    def settled(self, frame: Frame) -> "Cache":
        """Itself: its size is fixed already."""
        return self

    def select(self, rows: Tensor) -> "Cache":
        """Rows of it; repeats are allowed."""
        return tree.select(self, rows)


@dataclass(frozen=True)
class Gathered:
    """The history of a chunk: each layer's keys and values "B M+J H V", and the ages "B T" after each step.

    A dream's memory is cut from it: its window is copied.
    """

    pairs: tuple[Pair, ...]
    age: Tensor
    frame: Frame

    def last(self) -> Cache:
        """The last window of each row."""
        pairs = tuple(Pair(*[x[:, x.shape[1] - self.frame.held :] for x in pair]) for pair in self.pairs)
        return Cache(pairs, self.age[:, -1]).hidden(self.frame)

    def at(self, rows: Tensor, steps: Tensor) -> Cache:
        """The window that ends with each of the chosen (b, t)."""
        return Cache(self.windows(rows, steps + 1), self.age[rows, steps]).hidden(self.frame)

    def windows(self, rows: Tensor, steps: Tensor) -> tuple[Pair, ...]:
        """The M tokens before each of the chosen (b, t), "N M H V" for each layer."""
        slot = (steps * self.frame.tokens).unsqueeze(1) + torch.arange(self.frame.held, device=steps.device)
        return tuple(Pair(*[x[rows.unsqueeze(1), slot] for x in pair]) for pair in self.pairs)
