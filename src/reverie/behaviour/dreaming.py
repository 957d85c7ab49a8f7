"""Acting, and dreaming as one acts: what every behaviour with an actor shares."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from reverie.behaviour.actor import Actor, ActorConfig
from reverie.behaviour.starts import choose_starts
from reverie.nets.optimiser import Optimiser
from reverie.ops import tree
from reverie.types import Actions, Batch, Dream, Experience, Features, Losses, Metrics, Mode, State
from reverie.world.imagine import imagine
from reverie.world.world import World


class Imagined(NamedTuple):
    """A dream to learn from.

    noise "N H .." made its actions; nudge "N H A" is zero and was added to them; rows and steps "N" say where in the
    batch it starts, and going "N" whether the episode goes on there.
    """

    dream: Dream
    noise: Tensor
    nudge: Tensor
    going: Tensor
    rows: Tensor
    steps: Tensor


class Dreaming(nn.Module):
    """An actor without a memory, and its dreams from states of a batch."""

    optimisers: Mapping[str, Optimiser]

    def __init__(self, actor: ActorConfig, sizes: tuple[int, int, Actions]) -> None:
        """sizes are D, Z and the form of the actions."""
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
        """A sample to explore, the policy's mode to evaluate, "B A"."""
        if mode == "evaluate":
            return self.actor.mode(state.features), memory
        return self.actor.explore(state.features, generator), memory

    def value(self, features: Features) -> Tensor:
        """Zero: there is no critic."""
        return torch.zeros_like(features.deter[..., 0])

    def loss(self, world: World, experience: Experience, generator: torch.Generator) -> tuple[Losses, Metrics]:
        """Nothing here shapes the world."""
        return {}, {}

    def dream(
        self, world: World, experience: Experience, starts: int, horizon: int, generator: torch.Generator
    ) -> Imagined:
        """A dream from some states of the batch, cut from what came before; with its graph where one is built."""
        batch: Batch = experience.batch
        rows, steps = choose_starts(batch, starts, generator)
        start = tree.detach(world.dynamics.start(experience.trace, rows, steps))
        nudge = torch.zeros(len(rows), horizon, self.actor.actions.size, device=batch.first.device, requires_grad=True)
        nudges, noises = iter(nudge.unbind(1)), []

        def policy(features: Features) -> Tensor:
            with torch.no_grad():
                action, noise = self.actor.draw(features, generator)
            noises.append(noise)
            return action + next(nudges)

        dream = imagine(world, policy, start, horizon, pathwise=True, generator=generator)
        return Imagined(dream, torch.stack(noises, 1), nudge, 1 - batch.terminal[rows, steps], rows, steps)
