"""The Protocol of a behaviour: a way of acting and of learning to act, blind to how the world is made."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor

from reverie.nets.optimiser import Optimiser, OptimiserConfig
from reverie.types import Experience, Features, Losses, Metrics, Mode, State
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

    def value(self, features: Features) -> Tensor:
        """What features "N .." are worth, "N", in the world's unit of reward; zero without a critic."""
        ...

    def loss(self, world: World, experience: Experience, generator: torch.Generator) -> tuple[Losses, Metrics]:
        """Losses for the program's groups: some shape the world (DreamerV3's replay value), some the behaviour alone.

        Mostly none. Their names begin with "behaviour/". Without a graph (a stage in which no group learns) there are
        none either.
        """
        ...

    def learn(self, world: World, experience: Experience, generator: torch.Generator) -> Metrics:
        """After the groups' step: one update by the behaviour's own optimisers. The world's weights receive nothing."""
        ...


class Trained(NamedTuple):
    """What a behaviour wants the program to train: modules of its own, by losses of its own, and how.

    A behaviour's `Config.trained` lists them; it is empty where the behaviour has optimisers of its own. Names of
    modules and losses are relative to the behaviour.
    """

    name: str
    modules: tuple[str, ...]
    losses: tuple[str, ...]
    optimiser: OptimiserConfig
    shaping: tuple[str, ...] = ()
    """of these losses, those whose gradient is meant to reach the world as well"""
