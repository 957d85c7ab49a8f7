"""DreamerV3's recurrent core: a gated recurrent unit whose large matrices are block-diagonal."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reverie.dynamics.recurrent import Recurrent
from reverie.errors import UserError
from reverie.nets.block import BlockLinear
from reverie.nets.init import InitName, initialise
from reverie.nets.norm import ActivationName, NormName, activation, biased, norm


@dataclass(frozen=True, kw_only=True)
class BlockGRUConfig:
    """A gated recurrent unit of blocks; the values are DreamerV3's smallest, size1m."""

    units: int = 512
    """D, the width of the memory; divisible by blocks"""
    hidden: int = 64
    """width of the layer by which every block sees the whole memory"""
    blocks: int = 8
    """G, blocks of the memory"""
    layers: int = 1
    """layers between what enters and the gates"""
    norm: NormName = "rms"
    """normalisation of these layers; the gates have none"""
    activation: ActivationName = "silu"
    """nonlinearity of these layers"""
    init: InitName = "normal"
    """first weights: torch's uniform ones, or DreamerV3's truncated normal ones with biases at zero"""

    def __post_init__(self) -> None:
        for name in ("units", "hidden", "blocks", "layers"):
            if getattr(self, name) < 1:
                raise UserError(f"backbone.{name} must be at least 1, not {getattr(self, name)}")
        if self.units % self.blocks:
            raise UserError(f"backbone.units must be divisible by backbone.blocks, not {self.units} by {self.blocks}")


class BlockGRU(Recurrent[Tensor]):
    """h_t = update * candidate + (1 - update) * h_{t-1}, the memory being h itself, "B D" in G blocks "D/G".

        x = act(norm(V h_{t-1})),                          the whole memory, narrowed
        y_g = W_g [h_{t-1, g}, x, u_t],  y = act(norm(y)), the norm over all blocks together
        reset_g, candidate_g, update_g = R_g y_g
        candidate = tanh(sigmoid(reset) * candidate),  update = sigmoid(update - 1)

    W_g is kept in three parts: its columns for h_g are a BlockLinear, those for x and for u are dense layers from
    there to all blocks. So u's share is known for a whole chunk at once, and nothing is copied to each block. Clipping
    per tensor (`agc`) sees three tensors, where DreamerV3's code has one. After DreamerV3's code, RSSM._core; its
    division of actions beyond [-1, 1] has no counterpart, for ours are within.
    """

    Config = BlockGRUConfig

    def __init__(self, config: BlockGRUConfig, inputs: int) -> None:
        super().__init__()
        size, blocks, bias = config.units, config.blocks, biased(config.norm)
        self.size = size
        self._blocks = blocks
        # DreamerV3 counts the inputs of all blocks
        fan_in = size + blocks * (config.hidden + inputs)

        def finish() -> nn.Sequential:
            return nn.Sequential(norm(config.norm, size), activation(config.activation))

        self.narrow = nn.Sequential(
            initialise(nn.Linear(size, config.hidden, bias=bias), config.init),
            norm(config.norm, config.hidden),
            activation(config.activation),
        )
        self.input = nn.Linear(inputs, size, bias=False)
        self.whole = nn.Linear(config.hidden, size, bias=False)
        for layer in (self.input, self.whole):
            initialise(layer, config.init, fan_in=fan_in)
        self.own = BlockLinear(blocks, size, size, config.init, bias=bias, fan_in=fan_in)
        self.finish = finish()
        deeper = [(BlockLinear(blocks, size, size, config.init, bias=bias), finish()) for _ in range(config.layers - 1)]
        self.deeper = nn.Sequential(*[module for pair in deeper for module in pair])
        self.gates = BlockLinear(blocks, size, 3 * size, config.init)

    def initial(self, rows: int) -> Tensor:
        """Zeros, "B D"."""
        return self.input.weight.new_zeros(rows, self.size)

    @staticmethod
    def shown(state: Tensor) -> Tensor:
        """The memory itself."""
        return state

    def cell(self, share: Tensor, state: Tensor) -> Tensor:
        """h_t."""
        x = self.finish(share + self.whole(self.narrow(state)) + self.own(state))
        # the memory keeps its precision under autocast
        gates = self.gates(self.deeper(x)).to(state.dtype).unflatten(-1, (self._blocks, -1))
        reset, candidate, update = gates.chunk(3, -1)
        candidate = torch.tanh(torch.sigmoid(reset) * candidate)
        before = state.unflatten(-1, (self._blocks, -1))
        return torch.lerp(before, candidate, torch.sigmoid(update - 1)).flatten(-2)
