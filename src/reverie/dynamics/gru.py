"""A gated recurrent unit with LayerNorm (DreamerV2's cell; Dreamer's own had no normalisation)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from reverie.dynamics.history import Stacked
from reverie.errors import UserError
from reverie.nets.init import InitName, initialise
from reverie.nets.norm import NormName, biased, norm
from reverie.ops import tree


@dataclass(frozen=True, kw_only=True)
class GRUConfig:
    """A gated recurrent unit."""

    units: int = 128
    """D, the width of the memory"""
    norm: NormName = "layer"
    """normalisation of the gates"""
    init: InitName = "uniform"
    """first weights: torch's uniform ones, or DreamerV3's truncated normal ones with biases at zero"""

    def __post_init__(self) -> None:
        if self.units < 1:
            raise UserError(f"backbone.units must be at least 1, not {self.units}")


class GRU(nn.Module):
    """h_t = update * candidate + (1 - update) * h_{t-1}, the memory being h itself.

        reset, candidate, update = norm(W u_t + V h_{t-1})
        candidate = tanh(sigmoid(reset) * candidate),  update = sigmoid(update - 1)

    The shift of -1 makes the cell remember at first (DreamerV2's code).
    """

    Config = GRUConfig
    remembers = True
    walkable = True
    many_tokens = False
    tokens = 1

    def __init__(self, config: GRUConfig, inputs: int) -> None:
        super().__init__()
        self.size = config.units
        self.input = nn.Linear(inputs, 3 * self.size, bias=False)
        self.recurrent = nn.Linear(self.size, 3 * self.size, bias=biased(config.norm))
        for layer in (self.input, self.recurrent):
            initialise(layer, config.init, fan_in=inputs + self.size)
        self.norm = norm(config.norm, 3 * self.size)

    def initial(self, rows: int) -> Tensor:
        """Zeros, "B D"."""
        return self.recurrent.weight.new_zeros(rows, self.size)

    def forget(self, state: Tensor, first: Float[Tensor, "B"]) -> Tensor:
        """Zero where first is one."""
        return tree.forget(state, first)

    def step(self, u: Float[Tensor, "B 1 U"], state: Tensor) -> tuple[Tensor, Tensor]:
        """One step of the cell."""
        h = self._cell(self.input(u[:, 0]), state)
        return h, h

    def scan(
        self, u: Float[Tensor, "B T 1 U"], first: Float[Tensor, "B T"], state: Tensor
    ) -> tuple[Float[Tensor, "B T D"], Stacked[Tensor]]:
        """A walk, with the inputs' share of the gates computed once for all steps."""
        gates = self.input(u[:, :, 0]).unbind(1)
        hs = []
        for now, start in zip(gates, first.unbind(1), strict=True):
            state = self._cell(now, self.forget(state, start))
            hs.append(state)
        history = self.collect(hs)
        return history.memory, history

    def collect(self, states: Sequence[Tensor]) -> Stacked[Tensor]:
        """The memories of a walk, stacked."""
        return Stacked.of(states)

    def select(self, state: Tensor, rows: Tensor) -> Tensor:
        """Rows of the memory."""
        return tree.select(state, rows)

    def _cell(self, gates: Tensor, h: Tensor) -> Tensor:
        # the memory keeps its precision under autocast
        reset, candidate, update = self.norm(gates + self.recurrent(h)).to(h.dtype).chunk(3, -1)
        candidate = torch.tanh(torch.sigmoid(reset) * candidate)
        return torch.lerp(h, candidate, torch.sigmoid(update - 1))
