"""No behaviour at all: what acts is a planner."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reverie.behaviour.behaviour import Trained
from reverie.nets.optimiser import Optimiser
from reverie.types import Actions, Experience, Features, Losses, Metrics, Mode, State
from reverie.world.world import World


@dataclass(frozen=True, kw_only=True)
class RestingConfig:
    """Nothing to configure."""

    @property
    def trained(self) -> tuple[Trained, ...]:
        """Nothing."""
        return ()


class Resting(nn.Module):
    """Learns nothing, values nothing, and proposes actions at random."""

    Config = RestingConfig
    optimisers: Mapping[str, Optimiser]

    def __init__(self, config: RestingConfig, deter: int, stoch: int, actions: Actions) -> None:
        super().__init__()
        self._size = actions.size
        self.optimisers = {}

    def initial(self, rows: int) -> tuple[()]:
        """Nothing."""
        return ()

    def act(
        self,
        world: World,
        state: State,
        memory: tuple[()],
        first: Tensor,
        mode: Mode,
        generator: torch.Generator | None,
    ) -> tuple[Tensor, tuple[()]]:
        """Uniform actions "B A" to explore; none to evaluate."""
        action = state.deter.new_zeros(len(first), self._size)
        return (action.uniform_(-1, 1, generator=generator) if mode == "explore" else action), memory

    def value(self, features: Features) -> Tensor:
        """Zero."""
        return torch.zeros_like(features.deter[..., 0])

    def loss(self, world: World, experience: Experience, generator: torch.Generator) -> tuple[Losses, Metrics]:
        """None."""
        return {}, {}

    def learn(self, world: World, experience: Experience, generator: torch.Generator) -> Metrics:
        """Nothing."""
        return {}
