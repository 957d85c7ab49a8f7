"""Learning to act by the gradient of a dreamed return: what `reward_gradient` and `value_gradient` share."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from reverie.behaviour.actor import Actor, ActorConfig
from reverie.behaviour.starts import choose_starts
from reverie.nets.optimiser import Optimiser
from reverie.types import Batch, Dream, Experience, Losses, Mode, State
from reverie.world.imagine import imagine
from reverie.world.world import World


class Pathwise(nn.Module):
    """An actor, and dreams through which gradients flow to it."""

    optimisers: Mapping[str, Optimiser]

    def __init__(self, actor: ActorConfig, sizes: tuple[int, int, int]) -> None:
        """sizes are D, Z and A."""
        super().__init__()
        self.actor = Actor(actor, *sizes)

    def initial(self, rows: int) -> tuple[()]:
        """An actor has no memory of its own."""
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
        """A sample to explore, the mean's action to evaluate, "B A"."""
        if mode == "evaluate":
            return self.actor.mode(state.features), memory
        return self.actor.explore(state.features, generator), memory

    def loss(self, world: World, experience: Experience) -> tuple[Losses, Dream | None]:
        """Nothing here shapes the world."""
        return {}, None

    def dream(
        self, world: World, experience: Experience, starts: int, horizon: int, generator: torch.Generator
    ) -> tuple[Dream, Tensor]:
        """A dream with its graph from some states of the batch, and whether each of them goes on, "N"."""
        batch: Batch = experience.batch
        rows, steps = choose_starts(batch, starts, generator)
        start = world.dynamics.start(experience.trace, rows, steps)
        dream = imagine(
            world, lambda f: self.actor.choose(f, generator), start, horizon, pathwise=True, generator=generator
        )
        return dream, 1 - batch.terminal[rows, steps]
