"""Several networks of one form, computed as one."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from reverie.errors import UserError
from reverie.nets.mlp import MLPConfig
from reverie.nets.norm import activation


class EnsembleLinear(nn.Module):
    """y_e = x_e W_e + b_e for each of E members.

    Attributes:
        weight: "E I O".
        bias: "E 1 O".
    """

    def __init__(self, members: int, inputs: int, outputs: int, *, zero: bool = False) -> None:
        """torch's own first weights for each member, or zeros."""
        super().__init__()
        bound = 0.0 if zero else 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(members, 1, outputs).uniform_(-bound, bound))

    def forward(self, x: Float[Tensor, "E N I"]) -> Float[Tensor, "E N O"]:
        """All members in one call."""
        return torch.baddbmm(self.bias, x, self.weight)


class EnsembleNorm(nn.Module):
    """LayerNorm, with a scale and a shift of each member's own."""

    def __init__(self, members: int, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(members, 1, size))
        self.bias = nn.Parameter(torch.zeros(members, 1, size))

    def forward(self, x: Float[Tensor, "E N I"]) -> Float[Tensor, "E N I"]:
        """Normalise the last axis."""
        return torch.addcmul(self.bias, self.weight, F.layer_norm(x, x.shape[-1:], eps=1e-3))


class Ensemble(nn.Module):
    """Members of one form with weights of their own: "... I" to "E ... O". Their last layers start at zero."""

    def __init__(self, config: MLPConfig, members: int, inputs: int, outputs: int) -> None:
        """Raises:
        UserError: for a normalisation that ensembles do not have.
        """
        super().__init__()
        if config.norm == "rms":
            raise UserError("an ensemble normalises by layer, or not at all, and not by rms")
        layers: list[nn.Module] = []
        for _ in range(config.layers):
            layers.append(EnsembleLinear(members, inputs, config.units))
            if config.norm == "layer":
                layers.append(EnsembleNorm(members, config.units))
            layers.append(activation(config.activation))
            inputs = config.units
        self.members = members
        self.layers = nn.Sequential(*layers, EnsembleLinear(members, inputs, outputs, zero=True))

    def forward(self, x: Float[Tensor, "*B I"], asked: Int[Tensor, "M"] | None = None) -> Float[Tensor, "M *B O"]:
        """The members' answers to the same question: of those that are asked, or of all E."""
        rows = x.reshape(1, -1, x.shape[-1])
        if asked is None:
            found = self.layers(rows.expand(self.members, -1, -1))
        else:
            weights = {name: weight[asked] for name, weight in self.layers.named_parameters()}
            found = functional_call(self.layers, weights, rows.expand(len(asked), -1, -1))
        return found.unflatten(1, x.shape[:-1])
