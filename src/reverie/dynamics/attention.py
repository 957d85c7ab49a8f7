"""A causal transformer over a sliding window of steps, as a backbone (TSSM: Chen et al. 2022, TransDreamer)."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from reverie.dynamics.attend import Pair, Seen
from reverie.dynamics.cache import Cache, Gathered, Past, Ruler, reach
from reverie.dynamics.history import Stacked
from reverie.dynamics.positions import Frame, Learned, PositionName, Positions, Relative, Rotary
from reverie.dynamics.shared import SharedStarts
from reverie.errors import UserError
from reverie.nets.init import InitName, initialise
from reverie.nets.norm import norm
from reverie.nets.transformer import GateName, Layer
from reverie.ops import tree
from reverie.types import History

Look = Callable[[int, Tensor, Pair, Seen, Positions], tuple[Tensor, Pair]]
"""A layer, its queries, its new keys and values, what they see, and positions: the mixed values, and a layer's pair."""

STARTS: dict[str, type[Gathered]] = {"gathered": Gathered, "shared": SharedStarts}
"""The history of each way to start dreams."""


@dataclass(frozen=True, kw_only=True)
class WindowConfig(ABC):
    """A causal transformer over the last steps of the episode, however its tokens know their places."""

    units: int = 96
    """width of the tokens; D, where outputs is last"""
    layers: int = 2
    """L; they reach layers (window - 1) steps back"""
    heads: int = 4
    """heads of each layer; units must be divisible by them"""
    hidden: int = 384
    """width of the hidden layer of each MLP"""
    window: int = 16
    """steps that each layer sees, the present one counted"""
    gate: GateName = "residual"
    """how what a layer made joins what entered it: the sum, or GTrXL's gate"""
    outputs: Literal["last", "all"] = "last"
    """what h is: the last layer's output, or those of all layers, side by side (TransDreamer)"""
    starts: Literal["gathered", "shared"] = "gathered"
    """how dreams remember: each has a copy of its window (faster for few), or all share the chunk's keys (smaller)"""
    init: InitName = "uniform"
    """first weights: torch's uniform ones, or DreamerV3's truncated normal ones with biases at zero"""

    def __post_init__(self) -> None:
        for name, least in (("units", 1), ("layers", 1), ("heads", 1), ("hidden", 1), ("window", 2)):
            if getattr(self, name) < least:
                raise UserError(f"backbone.{name} must be at least {least}, not {getattr(self, name)}")
        if self.units % self.heads:
            raise UserError(f"backbone.units must be divisible by backbone.heads, not {self.units} by {self.heads}")

    @property
    def width(self) -> int:
        """V, the numbers of a head."""
        return self.units // self.heads

    @abstractmethod
    def place(self, frame: Frame) -> Positions:
        """How tokens know their places."""


@dataclass(frozen=True, kw_only=True)
class AttentionConfig(WindowConfig):
    """A causal transformer over the last steps of the episode."""

    positions: PositionName = "rotary"
    """rotary: queries and keys turn with their place; relative: keys and values know their distance (Shaw et al. 2018);
    learned: an embedding of the place, counted modulo the window, joins the token as it enters"""
    base: float = 100.0
    """rotary: the slowest pair turns by about 1 / base a token"""
    clip: int = 0
    """relative: tokens at this distance and beyond are as far as each other; 0: where the window ends"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.positions == "rotary" and self.width % 2:
            raise UserError(
                f"rotary positions turn pairs: backbone.units / backbone.heads must be even, not {self.width}; "
                "or choose --backbone.positions relative"
            )
        if self.base <= 1:
            raise UserError(f"backbone.base must be above 1, not {self.base}")
        if self.clip < 0:
            raise UserError(f"backbone.clip must not be negative, not {self.clip}")

    def place(self, frame: Frame) -> Positions:
        """How tokens know their places."""
        match self.positions:
            case "rotary":
                return Rotary(self.width, self.base)
            case "relative":
                distances = min(self.clip + 1, frame.distances) if self.clip else frame.distances
                return Relative(self.width, self.layers, distances)
            case "learned":
                return Learned(self.units, frame)


class Attention(nn.Module):
    """h_t is the last layer's output at the last token of step t, normalised.

    Each layer keeps its own keys and values, as they were computed when their step was the present one: what a step
    knows of steps beyond the window it has from the layers below. A step with the memory, a scan and a scan in pieces
    are therefore the same, which a window that is computed anew for each step is not.

    Where this differs from TransDreamer: a window for each layer, with no need for whole episodes; no dropout.
    """

    Config: type[WindowConfig] = AttentionConfig
    remembers = True
    walkable = False
    many_tokens = True
    back: Tensor
    distance: Tensor

    def __init__(self, config: WindowConfig, inputs: int, tokens: int = 1) -> None:
        super().__init__()
        self.size = config.units * (config.layers if config.outputs == "all" else 1)
        self.tokens = tokens
        self._frame = Frame(config.window, tokens)
        self._shape = (self._frame.held, config.heads, config.width)
        self._history = STARTS[config.starts]
        for name, x in Ruler.of(self._frame, 1)._asdict().items():
            self.register_buffer(name, x, persistent=False)
        self.embed = initialise(nn.Linear(inputs, config.units), config.init)
        self.positions = config.place(self._frame)
        self.layers = nn.ModuleList(
            Layer(config.units, config.heads, config.hidden, layers=config.layers, gate=config.gate, init=config.init)
            for _ in range(config.layers)
        )
        # Layers begin with a norm, and the stream ends with none: each output that is read gets its own, which
        # TransDreamer's code leaves out.
        self.norms = nn.ModuleList(norm("layer", config.units) for _ in range(self.size // config.units))

    def initial(self, rows: int) -> Cache:
        """Zeros, that no query sees: "B M H V" twice for each layer, and an age of 0."""
        zero = self.embed.weight.new_zeros(rows, *self._shape)
        age = torch.zeros(rows, dtype=torch.long, device=zero.device)
        return Cache(tuple(Pair(zero, zero) for _ in self.layers), age)

    def forget(self, state: Past, first: Float[Tensor, "B"]) -> Cache:
        """An age of 0, and zeros, where first is one."""
        return tree.forget(state.settled(self._frame), first)

    def step(self, u: Float[Tensor, "B K U"], state: Past) -> tuple[Float[Tensor, "B D"], Past]:
        """One step, with the memory in place of the steps before it."""
        age = state.age.unsqueeze(1)
        seen = state.seen(age, Ruler(self.back, self.distance), self._frame)
        h, kept = self._run(u.unsqueeze(1), age, state.step, seen)
        return h[:, 0], state.after(kept, self._frame)

    def scan(
        self, u: Float[Tensor, "B T K U"], first: Float[Tensor, "B T"], state: Past
    ) -> tuple[Float[Tensor, "B T D"], History]:
        """All steps at once, under a mask."""
        age = reach(state.age, first)
        before = self.forget(state, first[:, 0])
        seen = before.seen(age, Ruler.of(self._frame, u.shape[1], age.device), self._frame)
        h, whole = self._run(u, age, before.scan, seen)
        return h, self._history(tuple(whole), age + 1, self._frame)

    def collect(self, states: Sequence[Past]) -> History:
        """The memories of a walk, stacked: a window for each step, where `scan` stores each token once."""
        return Stacked.of([state.settled(self._frame) for state in states])

    def select(self, state: Past, rows: Tensor) -> Past:
        """Rows of the memory."""
        return state.select(rows)

    def _run(
        self, u: Float[Tensor, "B T K U"], age: Int[Tensor, "B T"], look: Look, seen: Seen
    ) -> tuple[Float[Tensor, "B T D"], list[Pair]]:
        """All layers; look mixes the values of the past, and gives the pairs that are returned for each layer."""
        place = age
        if self.tokens > 1:
            place = (age.unsqueeze(-1) * self.tokens + torch.arange(self.tokens, device=age.device)).flatten(1)
        # the residual stream, and with it the memory, keeps its precision under autocast
        x = self.positions.enter(self.embed(u.flatten(1, 2)).to(self.embed.weight.dtype), place)
        angles = self.positions.angles(place)
        pairs, outputs = [], []
        for index, layer in enumerate(self.layers):
            assert isinstance(layer, Layer)
            query, key, value = self.positions.turn(layer.project(x), angles)
            mixed, pair = look(index, query, Pair(key, value), seen, self.positions)
            x = layer.finish(x, mixed)
            pairs.append(pair)
            outputs.append(x)
        read = [x.unflatten(1, u.shape[1:3])[:, :, -1] for x in outputs[-len(self.norms) :]]
        return torch.cat([last(x) for last, x in zip(self.norms, read, strict=True)], -1), pairs
