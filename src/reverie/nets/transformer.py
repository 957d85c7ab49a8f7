"""A layer of a pre-norm transformer, in two halves: what it asks and offers, and what it makes of what it was told.

Between the halves stands the attention itself, which is the business of whoever knows the past.
"""

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from reverie.nets.init import InitName, initialise
from reverie.nets.norm import norm

GateName = Literal["residual", "gtrxl"]

BIAS = 2.0
"""GTrXL's bias of the gate: at first a layer passes on most of what entered."""


class Residual(nn.Module):
    """x + y."""

    def __init__(self, size: int, init: InitName) -> None:
        super().__init__()

    def forward(self, x: Float[Tensor, "*B W"], y: Float[Tensor, "*B W"]) -> Float[Tensor, "*B W"]:
        """What entered, and what a sub-layer made of it."""
        return x + y


class GRUGate(nn.Module):
    """(1 - z) x + z tanh(W_g y + U_g (r x)),  r = sigmoid(W_r y + U_r x),  z = sigmoid(W_z y + U_z x - b).

    GTrXL's gate (Parisotto et al. 2020, section 3.2), with b = 2 at first; y passes a ReLU before it, as theirs does.
    """

    def __init__(self, size: int, init: InitName) -> None:
        super().__init__()
        self.new = nn.Linear(size, 3 * size, bias=False)
        self.old = nn.Linear(size, 2 * size, bias=False)
        self.kept = nn.Linear(size, size, bias=False)
        for layer in (self.new, self.old, self.kept):
            initialise(layer, init, fan_in=2 * size)
        self.bias = nn.Parameter(torch.full((size,), BIAS))

    def forward(self, x: Float[Tensor, "*B W"], y: Float[Tensor, "*B W"]) -> Float[Tensor, "*B W"]:
        """What entered, and what a sub-layer made of it."""
        reset, update, candidate = self.new(torch.relu(y)).to(x.dtype).chunk(3, -1)
        reset_x, update_x = self.old(x).to(x.dtype).chunk(2, -1)
        candidate = torch.tanh(candidate + self.kept(torch.sigmoid(reset + reset_x) * x).to(x.dtype))
        return torch.lerp(x, candidate, torch.sigmoid(update + update_x - self.bias))


GATES: dict[str, type[Residual] | type[GRUGate]] = {"residual": Residual, "gtrxl": GRUGate}


class Layer(nn.Module):
    """x' = gate(x, W_o attention(norm(x))),  x'' = gate(x', mlp(norm(x'))), the gate being a sum or GTrXL's.

    The last matrix of both sub-layers starts smaller by 1 / sqrt(2 layers), so that the sum over all of them does not
    grow with the depth (GPT-2, section 2.3).
    """

    def __init__(self, size: int, heads: int, hidden: int, *, layers: int, gate: GateName, init: InitName) -> None:
        """Build.

        Args:
            size: W, the width; divisible by heads.
            heads: H.
            hidden: width of the MLP's hidden layer.
            layers: of the whole transformer.
            gate: how what a sub-layer made joins what entered it.
            init: first weights.
        """
        super().__init__()
        self.heads = heads
        scale = 1 / math.sqrt(2 * layers)
        self.before = norm("layer", size)
        self.ask = initialise(nn.Linear(size, 3 * size), init)
        self.told = initialise(nn.Linear(size, size), init, scale=scale)
        self.join = GATES[gate](size, init)
        self.between = norm("layer", size)
        self.widen = initialise(nn.Linear(size, hidden), init)
        self.narrow = initialise(nn.Linear(hidden, size), init, scale=scale)
        self.close = GATES[gate](size, init)

    def project(self, x: Float[Tensor, "B J W"]) -> Float[Tensor, "B J 3 H V"]:
        """Queries, keys and values of J tokens, V = W / H wide, in the precision of x."""
        return self.ask(self.before(x)).to(x.dtype).unflatten(-1, (3, self.heads, -1))

    def finish(self, x: Float[Tensor, "B J W"], mixed: Float[Tensor, "B J H V"]) -> Float[Tensor, "B J W"]:
        """The layer's output, from its input and the values that attention mixed."""
        x = self.join(x, self.told(mixed.flatten(2)))
        return self.close(x, self.narrow(nn.functional.gelu(self.widen(self.between(x)))))
