"""A stack of diagonal state spaces, walked or scanned in parallel (S5: Smith et al. 2023; S4WM: Deng et al. 2023)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from reverie.dynamics.history import Stacked
from reverie.errors import UserError
from reverie.nets.init import InitName, initialise
from reverie.nets.norm import norm
from reverie.nets.spectrum import Spectrum, hippo, linear, repeated, ring
from reverie.nets.state_space import Layer, Systems
from reverie.ops import tree


class States(NamedTuple):
    """The memory: the states "B Q" of each layer, Q = 2 P, real parts and then imaginary ones."""

    layers: tuple[Tensor, ...]


@dataclass(frozen=True, kw_only=True)
class S5Config:
    """A stack of diagonal state spaces."""

    units: int = 96
    """D, the width of every layer"""
    layers: int = 2
    """how many of them follow each other"""
    states: int = 64
    """P, complex states of each layer, one of each conjugate pair"""
    initial: Literal["ring", "hippo", "linear"] = "ring"
    """first eigenvalues: ring: of the discrete system, in a quarter of a ring (after LRU), for chunks of tens of steps;
    hippo: HiPPO-N (S5), and linear: -1/2 + i pi n (S4D-Lin), for hundreds and thousands"""
    radius_min: float = 0.3
    """ring: the fastest state keeps this share of itself at a step"""
    radius_max: float = 0.97
    """ring: the slowest; it forgets in some 1 / (1 - radius_max) steps"""
    blocks: int = 8
    """hippo and linear: so many times the same eigenvalues; states must be divisible by them"""
    dt_min: float = 0.001
    """hippo and linear: the shortest time that a step takes; a state forgets in some 2 / dt steps"""
    dt_max: float = 0.1
    """hippo and linear: the longest"""
    init: InitName = "uniform"
    """first weights of all but the state spaces: torch's uniform ones, or DreamerV3's truncated normal ones with biases
    at zero"""

    def __post_init__(self) -> None:
        for name in ("units", "layers", "states", "blocks"):
            if getattr(self, name) < 1:
                raise UserError(f"backbone.{name} must be at least 1, not {getattr(self, name)}")
        if self.initial != "ring" and self.states % self.blocks:
            raise UserError(f"backbone.states must be divisible by backbone.blocks, not {self.states} by {self.blocks}")
        if not 0 < self.radius_min <= self.radius_max < 1:
            raise UserError(
                "backbone.radius-min and backbone.radius-max must be in (0, 1), and in this order, "
                f"not {self.radius_min} and {self.radius_max}"
            )
        if not 0 < self.dt_min <= self.dt_max < float("inf"):
            raise UserError(
                "backbone.dt-min and backbone.dt-max must be positive, and in this order, "
                f"not {self.dt_min} and {self.dt_max}"
            )

    def spectrum(self) -> Spectrum:
        """The first eigenvalues of a layer."""
        match self.initial:
            case "ring":
                return ring(self.states, self.radius_min, self.radius_max)
            case "hippo":
                one = hippo(self.states // self.blocks)
            case "linear":
                one = linear(self.states // self.blocks)
        return repeated(one, self.blocks, self.dt_min, self.dt_max)


class S5(nn.Module):
    """h_t is the last layer's output at the last token of step t, normalised.

    A chunk is scanned in parallel, layer by layer; a step is a scan of one. K tokens of a step are K steps of the
    recursion, which forgets before the first of them: there A is zero.

    Where this differs from S5's code: eigenvalues of the ring by default; a B that is scaled as LRU's, so that slow
    states are as loud as fast ones; decays that are positive whatever is learned; a norm at the end, as the residual
    stream has none; no dropout; one learning rate for all.
    """

    Config = S5Config
    remembers = True
    walkable = True
    many_tokens = True

    def __init__(self, config: S5Config, inputs: int, tokens: int = 1) -> None:
        super().__init__()
        self.size = config.units
        self.tokens = tokens
        self._states = 2 * config.states
        self.embed = initialise(nn.Linear(inputs, config.units), config.init)
        spectra = [config.spectrum() for _ in range(config.layers)]
        self.systems = Systems(spectra)
        self.layers = nn.ModuleList(Layer(config.units, spectrum, config.init) for spectrum in spectra)
        self.norm = norm("layer", config.units)

    def initial(self, rows: int) -> States:
        """Zeros, "B Q" for each layer."""
        return States((self.embed.weight.new_zeros(rows, self._states),) * len(self.layers))

    def forget(self, state: States, first: Float[Tensor, "B"]) -> States:
        """Zero where first is one."""
        return tree.forget(state, first)

    def step(self, u: Float[Tensor, "B K U"], state: States) -> tuple[Float[Tensor, "B D"], States]:
        """One step: a scan of K tokens, among which none begins anything."""
        segment = torch.zeros(u.shape[:2], dtype=torch.long, device=u.device)
        h, history = self._run(u, segment, state)
        return h[:, -1], history.last()

    def scan(
        self, u: Float[Tensor, "B T K U"], first: Float[Tensor, "B T"], state: States
    ) -> tuple[Float[Tensor, "B T D"], Stacked[States]]:
        """All steps at once."""
        segment = first.bool().cumsum(1).repeat_interleave(self.tokens, 1)
        return self._run(u.flatten(1, 2), segment, self.forget(state, first[:, 0]))

    def collect(self, states: Sequence[States]) -> Stacked[States]:
        """The states of a walk, stacked."""
        return Stacked.of(states)

    def select(self, state: States, rows: Tensor) -> States:
        """Rows of the states."""
        return tree.select(state, rows)

    def _run(
        self, u: Float[Tensor, "B J U"], segment: Int[Tensor, "B J"], before: States
    ) -> tuple[Float[Tensor, "B T D"], Stacked[States]]:
        """All layers over J = T K tokens, read at the last of each step."""
        # the residual stream, and with it the memory, keeps its precision under autocast
        x = self.embed(u).to(self.embed.weight.dtype)
        systems = zip(*(part.unbind() for part in self.systems()), strict=True)
        memory = []
        for layer, system, state in zip(self.layers, systems, before.layers, strict=True):
            x, states = layer(x, system, state, segment)
            memory.append(states)
        last = slice(self.tokens - 1, None, self.tokens)
        return self.norm(x[:, last]), Stacked(States(tuple(states[:, last] for states in memory)))
