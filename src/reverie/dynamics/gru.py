"""A gated recurrent unit with LayerNorm (DreamerV2's cell; Dreamer's own had no normalisation)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reverie.dynamics.recurrent import Recurrent
from reverie.errors import UserError
from reverie.nets.init import InitName, initialise
from reverie.nets.norm import NormName, biased, norm


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


class GRU(Recurrent[Tensor]):
    """h_t = update * candidate + (1 - update) * h_{t-1}, the memory being h itself.

        reset, candidate, update = norm(W u_t + V h_{t-1})
        candidate = tanh(sigmoid(reset) * candidate),  update = sigmoid(update - 1)

    The shift of -1 makes the cell remember at first (DreamerV2's code).
    """

    Config = GRUConfig

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

    @staticmethod
    def shown(state: Tensor) -> Tensor:
        """The memory itself."""
        return state

    def cell(self, share: Tensor, state: Tensor) -> Tensor:
        """h_t."""
        # the memory keeps its precision under autocast
        reset, candidate, update = self.norm(share + self.recurrent(state)).to(state.dtype).chunk(3, -1)
        candidate = torch.tanh(torch.sigmoid(reset) * candidate)
        return torch.lerp(state, candidate, torch.sigmoid(update - 1))
