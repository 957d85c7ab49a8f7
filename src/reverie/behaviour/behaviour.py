"""The Protocol of a behaviour: a way of acting and of learning to act, blind to how the world is made."""

from collections.abc import Mapping
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from reverie.nets.optimiser import Optimiser
from reverie.types import Experience, Losses, Metrics, Mode, State
from reverie.world.world import World

M = TypeVar("M")


class Behaviour(Protocol[M]):
    """Acts from a world's states with a memory M of its own (a planner's warm start; mostly nothing)."""

    optimisers: Mapping[str, Optimiser]
    """what a checkpoint must hold beside the weights"""

    def initial(self, rows: int) -> M:
        """The memory before anything happened, for B rows."""
        ...

    def act(
        self, world: World, state: State, memory: M, first: Tensor, mode: Mode, generator: torch.Generator | None
    ) -> tuple[Tensor, M]:
        """The actions "B A" in [-1, 1] to take at the given state. Evaluation is deterministic."""
        ...

    def loss(self, world: World, experience: Experience, generator: torch.Generator) -> Losses:
        """Losses whose gradients shape the world (TD-MPC's Q, DreamerV3's replay value); mostly none."""
        ...

    def learn(self, world: World, experience: Experience, generator: torch.Generator) -> Metrics:
        """One update of the behaviour, by its own optimisers. The world's weights receive nothing."""
        ...
