"""No memory at all: h_t is a function of the last step alone (TD-MPC's latent dynamics are of this kind)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from reverie.dynamics.history import Stacked
from reverie.nets.mlp import MLP, MLPConfig


@dataclass(frozen=True, kw_only=True)
class MarkovConfig:
    """A feed-forward network in place of a memory."""

    mlp: MLPConfig = field(default_factory=MLPConfig)
    """the network; its width is D"""


class Markov(nn.Module):
    """h_t = f(u_t); the memory is an empty tensor "B 0"."""

    Config = MarkovConfig
    remembers = False
    walkable = True
    many_tokens = False
    tokens = 1
    _empty: Tensor

    def __init__(self, config: MarkovConfig, inputs: int) -> None:
        super().__init__()
        self.mlp = MLP(config.mlp, inputs)
        self.size = self.mlp.size
        self.register_buffer("_empty", torch.zeros(1, 0), persistent=False)

    def initial(self, rows: int) -> Tensor:
        """Nothing, for B rows."""
        return self._empty.expand(rows, 0)

    def forget(self, state: Tensor, first: Float[Tensor, "B"]) -> Tensor:
        """There is nothing to forget."""
        return state

    def step(self, u: Float[Tensor, "B 1 U"], state: Tensor) -> tuple[Tensor, Tensor]:
        """f(u_t)."""
        return self.mlp(u[:, 0]), state

    def scan(
        self, u: Float[Tensor, "B T 1 U"], first: Float[Tensor, "B T"], state: Tensor
    ) -> tuple[Float[Tensor, "B T D"], Stacked[Tensor]]:
        """f of every step at once."""
        return self.mlp(u[:, :, 0]), self.collect([state] * u.shape[1])

    def collect(self, states: Sequence[Tensor]) -> Stacked[Tensor]:
        """Nothing, T times."""
        return Stacked.of(states)

    def select(self, state: Tensor, rows: Tensor) -> Tensor:
        """Nothing, for those rows."""
        return state[rows]
