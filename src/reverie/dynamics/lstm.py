"""A long short-term memory, with or without LayerNorm (World Models' M; Hochreiter and Schmidhuber 1997)."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from reverie.dynamics.recurrent import Recurrent
from reverie.errors import UserError
from reverie.nets.init import InitName, initialise
from reverie.nets.norm import NormName, biased, norm


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


class LSTM(Recurrent[Cell]):
    """c_t = keep * c_{t-1} + enter * candidate,  h_t = show * tanh(c_t).

        enter, keep, show, candidate = norm(W u_t + V h_{t-1})
        keep = sigmoid(keep + 1),  candidate = tanh(candidate)

    The shift of 1 makes the cell remember at first (Jozefowicz et al. 2015). Ba et al. 2016 normalise the two shares,
    each gate and c apart; here one norm serves all gates together, as in the GRU, and c has none.
    """

    Config = LSTMConfig

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

    @staticmethod
    def shown(state: Cell) -> Tensor:
        """h."""
        return state.h

    def cell(self, share: Tensor, state: Cell) -> Cell:
        """h_t and c_t."""
        # the memory keeps its precision under autocast
        gates = self.norm(share + self.recurrent(state.h)).to(state.c.dtype)
        enter, keep, show, candidate = gates.chunk(4, -1)
        c = torch.sigmoid(keep + 1) * state.c + torch.sigmoid(enter) * torch.tanh(candidate)
        return Cell(torch.sigmoid(show) * torch.tanh(c), c)
