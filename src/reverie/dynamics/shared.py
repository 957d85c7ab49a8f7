"""Dreams that share the keys and values of the chunk they start from: stored once per row, and never copied.

    tokens of the store     0 .. M              M .. M + T K
                            of the memory       of the chunk
    tokens of a dream                (t + 1) K + M ..      after the start at t, its own

`Gathered` gives every dream a copy of its window, M tokens; here a dream holds what it has dreamed, and where it began.
The queries of the dreams of one row meet its keys in one product.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from reverie.dynamics.attend import Pair, Seen
from reverie.dynamics.cache import Cache, Gathered, Past, Ruler
from reverie.dynamics.positions import Frame, Positions
from reverie.ops import tree


class Seats(NamedTuple):
    """The dreams, sorted by their rows: which dream sits where "B G", and the seat "N" of each in that, flattened.

    G is the most dreams of one row. On seats that are left over sits dream 0; no one looks there.
    """

    dream: Int[Tensor, "B G"]
    seat: Int[Tensor, "N"]

    @classmethod
    def of(cls, rows: Int[Tensor, "N"], number: int) -> "Seats":
        """The seats of dreams from these rows, of so many rows."""
        counts = torch.bincount(rows, minlength=number)
        order = rows.argsort(stable=True)
        sorted_rows = rows[order]
        place = torch.arange(len(rows), device=rows.device) - (counts.cumsum(0) - counts)[sorted_rows]
        dream = rows.new_zeros(number, int(counts.max()) if len(rows) else 0)
        dream[sorted_rows, place] = order
        seat = torch.empty_like(rows)
        seat[order] = sorted_rows * dream.shape[1] + place
        return cls(dream, seat)

    def product(self, x: Float[Tensor, "N H J I"], store: Float[Tensor, "B H I O"]) -> Float[Tensor, "N H J O"]:
        """Each dream's x times the matrix of its row."""
        rows, seats = self.dream.shape
        tokens = x.shape[2]
        seated = x[self.dream.flatten()].unflatten(0, (rows, seats)).transpose(1, 2).flatten(2, 3)
        made = (seated @ store).unflatten(2, (seats, tokens)).transpose(1, 2).flatten(0, 1)
        return made[self.seat]


class Shared(NamedTuple):
    """The memory of N dreams of a chunk of B rows.

    store: each layer's keys and values "B M+J H V", as the chunk left them: of all that is in a memory, only these have
    no first axis of N. own: those dreamed since, "N O H V". rows and steps "N": the step of the store that is dreamed
    next. age "N": steps of the episode.
    """

    store: tuple[Pair, ...]
    own: tuple[Pair, ...]
    seats: Seats
    rows: Tensor
    steps: Tensor
    age: Tensor

    def seen(self, age: Int[Tensor, "N 1"], ruler: Ruler, frame: Frame) -> Seen:
        """What the tokens of a step see: of the store the window that ends where the dream began, and of the dream."""
        number = torch.arange(frame.tokens, device=age.device)
        dreamed, whole = self.own[0].keys.shape[1], self.store[0].keys.shape[1]
        slot = torch.arange(whole, device=age.device)
        # Steps from a key to the query. Of the store, those from the start on belong to others.
        now = self.steps.unsqueeze(1) + dreamed // frame.tokens + frame.window - 1
        back = now - slot // frame.tokens
        most = age.clamp_max(frame.window - 1)
        stored = (back <= most) & (back > dreamed // frame.tokens)
        own = torch.arange(dreamed + frame.tokens, device=age.device)
        distance = dreamed + number.unsqueeze(1) - own
        mine = ((dreamed // frame.tokens - own // frame.tokens) <= most).unsqueeze(1) & (distance >= 0)
        far = (now * frame.tokens).unsqueeze(-1) + number.unsqueeze(1) - slot
        rows = len(age)
        allowed = torch.cat([stored.unsqueeze(1).expand(rows, frame.tokens, whole), mine], -1)
        return Seen(allowed, torch.cat([far, distance.expand(rows, -1, -1)], -1))

    def step(
        self, layer: int, query: Tensor, new: Pair, seen: Seen, positions: Positions
    ) -> tuple[Float[Tensor, "N J H V"], Pair]:
        """The mixed values, and the dream's own keys and values with the new ones at the end, "N O+J H V"."""
        mine = Pair(*[torch.cat(both, 1) for both in zip(self.own[layer], new, strict=True)])
        query, keys, values = (x.transpose(1, 2) for x in (query, *mine))
        stored_keys, stored_values = (x.transpose(1, 2) for x in self.store[layer])
        with torch.autocast(query.device.type, enabled=False):
            query = query * query.shape[-1] ** -0.5
            stored = self.seats.product(query, stored_keys.transpose(-1, -2))
            scores = torch.cat([stored, query @ keys.transpose(-1, -2)], -1)
            if not positions.plain:
                scores = scores + positions.score(layer, query, seen.distance)
            share = scores.masked_fill(~seen.allowed.unsqueeze(1), -torch.inf).softmax(-1)
            theirs, own = share.split([stored_keys.shape[2], keys.shape[2]], -1)
            mixed = self.seats.product(theirs, stored_values) + own @ values
            if not positions.plain:
                mixed = mixed + positions.value(layer, share, seen.distance)
            return mixed.transpose(1, 2), mine

    def after(self, kept: Sequence[Pair], frame: Frame) -> Past:
        """The memory after a step. What is the dream's own grows; once it fills a window, nothing is shared."""
        if kept[0].keys.shape[1] == frame.held:
            return Cache(tuple(kept), self.age + 1)
        return self._replace(own=tuple(kept), age=self.age + 1)

    def settled(self, frame: Frame) -> Cache:
        """A copy of each dream's window."""
        start = Gathered(self.store, self.age, frame).windows(self.rows, self.steps)
        pairs = []
        for before, own in zip(start, self.own, strict=True):
            pairs.append(Pair(*[torch.cat(both, 1)[:, -frame.held :] for both in zip(before, own, strict=True)]))
        return Cache(tuple(pairs), self.age).hidden(frame)

    def select(self, rows: Tensor) -> "Shared":
        """Dreams of it; repeats are allowed."""
        chosen = tree.select((self.own, self.rows, self.steps, self.age), rows)
        own, of, steps, age = chosen
        return Shared(self.store, own, Seats.of(of, len(self.store[0].keys)), of, steps, age)


@dataclass(frozen=True)
class SharedStarts(Gathered):
    """The history of a chunk, whose dreams share its keys and values."""

    def at(self, rows: Tensor, steps: Tensor) -> Shared:  # type: ignore[override]  # another memory with the same face
        """Where the dreams begin; nothing is copied."""
        nothing = self.pairs[0].keys[:1, :0].expand(len(rows), -1, -1, -1)
        own = tuple(Pair(nothing, nothing) for _ in self.pairs)
        seats = Seats.of(rows, len(self.age))
        return Shared(self.pairs, own, seats, rows, steps + 1, self.age[rows, steps])
