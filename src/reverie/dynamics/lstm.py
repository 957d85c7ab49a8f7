"""A long short-term memory, with or without LayerNorm (World Models' M; Hochreiter and Schmidhuber 1997)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from reverie.dynamics.history import Stacked
from reverie.errors import UserError
from reverie.nets.init import InitName, initialise
from reverie.nets.norm import NormName, biased, norm
from reverie.ops import tree


class Cell(NamedTuple):
    """The memory of an LSTM: what it shows, h "B D", and what it keeps, c "B D"."""

    h: Tensor
    c: Tensor


@dataclass(frozen=True, kw_only=True)
class LSTMConfig:
    """A long short-term memory."""

    units: int = 128
    """D, the width of h and of c"""
    norm: NormName = "layer"
    """normalisation of the gates"""
    init: InitName = "uniform"
    """first weights: torch's uniform ones, or DreamerV3's truncated normal ones with biases at zero"""

    def __post_init__(self) -> None:
        if self.units < 1:
            raise UserError(f"backbone.units must be at least 1, not {self.units}")


class LSTM(nn.Module):
    """c_t = keep * c_{t-1} + enter * candidate,  h_t = show * tanh(c_t).

        enter, keep, show, candidate = norm(W u_t + V h_{t-1})
        keep = sigmoid(keep + 1),  candidate = tanh(candidate)

    The shift of 1 makes the cell remember at first (Jozefowicz et al. 2015). Ba et al. 2016 normalise the two shares,
    each gate and c apart; here one norm serves all gates together, as in the GRU, and c has none.
    """

    Config = LSTMConfig
    remembers = True
    walkable = True
    many_tokens = False
    tokens = 1

    def __init__(self, config: LSTMConfig, inputs: int) -> None:
        super().__init__()
        self.size = config.units
        self.input = nn.Linear(inputs, 4 * self.size, bias=False)
        self.recurrent = nn.Linear(self.size, 4 * self.size, bias=biased(config.norm))
        for layer in (self.input, self.recurrent):
            initialise(layer, config.init, fan_in=inputs + self.size)
        self.norm = norm(config.norm, 4 * self.size)

    def initial(self, rows: int) -> Cell:
        """Zeros, "B D" twice."""
        zero = self.recurrent.weight.new_zeros(rows, self.size)
        return Cell(zero, zero)

    def forget(self, state: Cell, first: Float[Tensor, "B"]) -> Cell:
        """Zero where first is one."""
        return tree.forget(state, first)

    def step(self, u: Float[Tensor, "B 1 U"], state: Cell) -> tuple[Tensor, Cell]:
        """One step of the cell."""
        state = self._cell(self.input(u[:, 0]), state)
        return state.h, state

    def scan(
        self, u: Float[Tensor, "B T 1 U"], first: Float[Tensor, "B T"], state: Cell
    ) -> tuple[Float[Tensor, "B T D"], Stacked[Cell]]:
        """A walk, with the inputs' share of the gates computed once for all steps."""
        gates = self.input(u[:, :, 0]).unbind(1)
        states = []
        for now, start in zip(gates, first.unbind(1), strict=True):
            state = self._cell(now, self.forget(state, start))
            states.append(state)
        history = self.collect(states)
        return history.memory.h, history

    def collect(self, states: Sequence[Cell]) -> Stacked[Cell]:
        """The memories of a walk, stacked."""
        return Stacked.of(states)

    def select(self, state: Cell, rows: Tensor) -> Cell:
        """Rows of the memory."""
        return tree.select(state, rows)

    def _cell(self, gates: Tensor, state: Cell) -> Cell:
        # the memory keeps its precision under autocast
        gates = self.norm(gates + self.recurrent(state.h)).to(state.c.dtype)
        enter, keep, show, candidate = gates.chunk(4, -1)
        c = torch.sigmoid(keep + 1) * state.c + torch.sigmoid(enter) * torch.tanh(candidate)
        return Cell(torch.sigmoid(show) * torch.tanh(c), c)
