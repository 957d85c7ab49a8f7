"""Multilayer perceptrons."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reverie.errors import UserError
from reverie.nets.init import InitName, initialise
from reverie.nets.norm import ActivationName, NormName, activation, biased, norm

BLOCK = 2048
"""Rows that a CPU takes at once: what passes between two layers then fits its second-level cache."""


@dataclass(frozen=True, kw_only=True)
class MLPConfig:
    """A multilayer perceptron: linear, normalisation, activation, repeated."""

    layers: int = 1
    """hidden layers"""
    units: int = 128
    """width of each hidden layer"""
    norm: NormName = "layer"
    """normalisation before the activation"""
    activation: ActivationName = "silu"
    """nonlinearity"""
    init: InitName = "uniform"
    """first weights: torch's uniform ones, or DreamerV3's truncated normal ones with biases at zero"""
    bias: bool = False
    """linear layers before a LayerNorm have a bias as well: without one x and 2x are the same to the first of them"""

    def __post_init__(self) -> None:
        if self.layers < 0 or self.units < 1:
            raise UserError(f"a network needs layers >= 0 and units >= 1, not {self.layers} and {self.units}")


class MLP(nn.Sequential):
    """Hidden layers as configured and, where outputs is given, a linear layer at the end.

    Attributes:
        size: the width of what comes out.
    """

    HOT = ("forward",)

    def __init__(self, config: MLPConfig, inputs: int, outputs: int | None = None, *, scale: float = 1.0) -> None:
        """Build "... inputs" -> "... size".

        Args:
            config: the hidden layers.
            inputs: width of what enters.
            outputs: width of the linear layer at the end; none by default.
            scale: of that layer's first weights; any but 1 puts its bias at zero; with 0 it predicts nothing at first.
        """
        layers: list[nn.Module] = []
        for _ in range(config.layers):
            layers += [
                initialise(nn.Linear(inputs, config.units, bias=config.bias or biased(config.norm)), config.init),
                norm(config.norm, config.units),
                activation(config.activation),
            ]
            inputs = config.units
        if outputs is not None:
            layers.append(initialise(nn.Linear(inputs, outputs), config.init, scale=scale))
        super().__init__(*[layer for layer in layers if not isinstance(layer, nn.Identity)])
        self.size = inputs if outputs is None else outputs

    def forward(self, input: Tensor) -> Tensor:
        """Layer by layer; on a CPU in blocks of rows that stay in its cache."""
        if input.device.type != "cpu" or input.numel() <= BLOCK * input.shape[-1]:
            return self._forward(input)
        rows = input.reshape(-1, input.shape[-1]).split(BLOCK)
        return torch.cat([self._forward(block) for block in rows]).unflatten(0, input.shape[:-1])

    def _forward(self, input: Tensor) -> Tensor:
        # A plain loop: nn.Sequential's own is the same, but typed as Any.
        for layer in self:
            input = layer(input)
        return input
