"""The nouns that every floor shares, and the alphabet of their shapes.

B rows, T time, N dreams, H horizon, K tokens per step, E embedding, Z latent, D deterministic, U input, A action,
P parameters of a distribution, Q of a prior; in an evolution P individuals, W weights (docs/shapes.md).

Time is indexed by arrival, everywhere: index t holds all that is known on arriving at t,

    (o_t, a_{t-1}, r_t, first_t, terminal_t)      the record
    h_t = f(z_{<t}, a_{<t})                       the backbone
    z_t ~ q(. | e_t[, h_t])  or  p(. | h_t)       the latent
    a_t ~ pi(h_t, z_t)                            the choice, which leads to t+1
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

Read = Literal["h", "z", "hz"]
"""What a head, an actor or a critic reads: the deterministic part, the latent, or both."""

Mode = Literal["explore", "evaluate"]
"""How a behaviour acts: with its exploration, or as well as it can."""


Shapes = Mapping[str, tuple[int, ...]]
"""The observation's keys and their shapes: (H, W, C) is an image, (F,) a vector."""


class Actions(NamedTuple):
    """The form of an action of the model: `size` numbers, A, in [-1, 1].

    Where they are one-hot, `groups` has the width of each group, summing to A; continuous actions have no groups.
    """

    size: int
    groups: tuple[int, ...] = ()


class Features(NamedTuple):
    """What the model knows at a moment: deter "... D" and stoch "... Z"."""

    deter: Tensor
    stoch: Tensor

    @staticmethod
    def stacked(moments: "Sequence[Features]") -> "Features":
        """Those of T moments, "N ..", as "N T .."."""
        return Features(torch.stack([f.deter for f in moments], 1), torch.stack([f.stoch for f in moments], 1))

    def read(self, what: Read) -> Tensor:
        """The part of the features that a head reads, as one tensor."""
        if what == "hz":
            return torch.cat([self.deter, self.stoch], dim=-1)
        return self.deter if what == "h" else self.stoch

    def at(self, steps: slice) -> "Features":
        """Some steps of features "B T .."."""
        return Features(self.deter[:, steps], self.stoch[:, steps])

    def detach(self) -> "Features":
        """The same features, cut from the graph."""
        return Features(self.deter.detach(), self.stoch.detach())


def read_size(what: Read, deter: int, stoch: int) -> int:
    """How many numbers `Features.read` gives, where h has D and z has Z."""
    return {"h": deter, "z": stoch, "hz": deter + stoch}[what]


class Inputs(NamedTuple):
    """What is known on arriving at t beside the observation: a_{t-1} "... A" and r_t "...", in the world's unit."""

    action: Tensor
    reward: Tensor


class State(NamedTuple):
    """Where a rollout stands, real or dreamed: the backbone's memory S, deter "B D", stoch "B Z", reward "B".

    The reward r_t enters the backbone with z_t and a_t, at t + 1, where it is read at all: h_t must not know the reward
    that is predicted from it.
    """

    memory: Any
    deter: Tensor
    stoch: Tensor
    reward: Tensor

    @property
    def features(self) -> Features:
        """The part that heads, actors and critics read."""
        return Features(self.deter, self.stoch)


class History(Protocol):
    """A backbone's memories over a chunk; the one place where backbones differ in storage."""

    def last(self) -> Any:
        """The memory after the last step, for B rows: go on with the next chunk, or act."""
        ...

    def at(self, rows: Tensor, steps: Tensor) -> Any:
        """The memories after any chosen (b, t), "N" of each: where dreams start."""
        ...


class Trace(NamedTuple):
    """What the model made of a chunk: deter "B T D", stoch "B T Z", reward "B T", both distributions' parameters."""

    deter: Tensor
    stoch: Tensor
    reward: Tensor
    posterior: Tensor
    prior: Tensor
    history: History

    @property
    def features(self) -> Features:
        """deter and stoch of every step."""
        return Features(self.deter, self.stoch)

    def last(self) -> State:
        """The state after the last step of the chunk."""
        return State(self.history.last(), self.deter[:, -1], self.stoch[:, -1], self.reward[:, -1])


@dataclass(frozen=True)
class Batch:
    """Chunks of experience, indexed by arrival; opaque columns (indices, stored latents) are carried unread."""

    observation: Mapping[str, Tensor]
    action: Float[Tensor, "B T A"]
    reward: Float[Tensor, "B T"]
    first: Float[Tensor, "B T"]
    terminal: Float[Tensor, "B T"]
    opaque: Mapping[str, Tensor] = field(default_factory=dict)

    def to(self, device: torch.device) -> "Batch":
        """The same batch on a device."""
        return self.map(lambda column: column.to(device, non_blocking=True))

    def map(self, function: Callable[[Tensor], Tensor]) -> "Batch":
        """A batch of each column's image."""
        observation, opaque = (
            {key: function(column) for key, column in columns.items()} for columns in (self.observation, self.opaque)
        )
        action, reward, first, terminal = map(function, (self.action, self.reward, self.first, self.terminal))
        return Batch(observation, action, reward, first, terminal, opaque)

    def at(self, steps: slice) -> "Batch":
        """Some steps of all chunks."""
        return self.map(lambda column: column[:, steps])

    def columns(self) -> list[Tensor]:
        """All columns, always in the same order."""
        named = (columns[key] for columns in (self.observation, self.opaque) for key in sorted(columns))
        return [self.action, self.reward, self.first, self.terminal, *named]


class Dream(NamedTuple):
    """An imagined rollout of N rows over H steps.

    features "N H+1 .." starts at the real state; the action at index i was chosen at features i and leads to i+1;
    reward and continue_ at index i are those of arriving at i+1 (continue_: the chance to go on from there).
    """

    features: Features
    action: Float[Tensor, "N H A"]
    reward: Float[Tensor, "N H"]
    continue_: Float[Tensor, "N H"]

    @property
    def chosen(self) -> Features:
        """The features at which actions were chosen, steps 0 .. H-1."""
        return self.features.at(slice(None, -1))

    @property
    def arrived(self) -> Features:
        """The features that actions led to, steps 1 .. H."""
        return self.features.at(slice(1, None))


class Loss(NamedTuple):
    """An unreduced loss, "B T" or "N H", and its weight in the sum."""

    value: Tensor
    weight: float = 1.0


Losses = dict[str, Loss]
Metrics = dict[str, Tensor]


def total(losses: Losses) -> Tensor:
    """The one place where losses are reduced and summed: sum_i weight_i mean(loss_i)."""
    if not losses:
        return torch.zeros(())
    return torch.stack([loss.weight * loss.value.float().mean() for loss in losses.values()]).sum()


Fitness = Callable[[Tensor, int, int], tuple[Tensor, Tensor]]
"""A population "P W", episodes of each and the number of the generation to the mean returns "P" and the episodes' mean
length."""


class Experience(NamedTuple):
    """What a behaviour learns from: a batch, what the world made of it, and what the objective dreamed of it.

    Where it unrolled a dream, `dreamed` are the chunk's features, "B T ..", the first one seen and the others dreamed
    along the real actions. Where a population is tried out in the environment, `fitness` does so (`Fitness`).
    """

    batch: Batch
    trace: Trace
    dreamed: Features | None = None
    fitness: Fitness | None = None
