"""Learning to act by the gradient of a dreamed return: what `reward_gradient` and `value_gradient` share."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from reverie.behaviour.actor import Actor, ActorConfig
from reverie.behaviour.starts import choose_starts
from reverie.nets.optimiser import Optimiser
from reverie.ops import tree
from reverie.types import Batch, Dream, Experience, Features, Losses, Metrics, Mode, State
from reverie.world.imagine import imagine
from reverie.world.world import World


class Imagined(NamedTuple):
    """A dream to learn from: its noise and nudge "N H A", and whether its start goes on, "N"."""

    dream: Dream
    noise: Tensor
    nudge: Tensor
    going: Tensor


class Pathwise(nn.Module):
    """An actor, and dreams through which gradients flow to it.

    The dream is rolled out with actions a_i + nudge_i, nudge = 0. What is gained is differentiated with respect to the
    nudges, through the world alone, and one batched pass hands the result to the actor:

        d gain / d theta = sum_i (d gain / d a_i) (d a_i / d theta)

    which is the gradient through the whole graph, since the actor reads features that are cut from it; but the actor is
    walked through forwards only, and once for all steps backwards.
    """

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

    def loss(self, world: World, experience: Experience, generator: torch.Generator) -> Losses:
        """Nothing here shapes the world."""
        return {}

    def dream(
        self, world: World, experience: Experience, starts: int, horizon: int, generator: torch.Generator
    ) -> Imagined:
        """A dream with its graph, from some states of the batch."""
        batch: Batch = experience.batch
        rows, steps = choose_starts(batch, starts, generator)
        start = tree.detach(world.dynamics.start(experience.trace, rows, steps))
        nudge = torch.zeros(len(rows), horizon, self.actor.size, device=batch.first.device, requires_grad=True)
        nudges, noises = iter(nudge.unbind(1)), []

        def policy(features: Features) -> Tensor:
            with torch.no_grad():
                action, noise = self.actor.draw(features, generator)
            noises.append(noise)
            return action + next(nudges)

        dream = imagine(world, policy, start, horizon, pathwise=True, generator=generator)
        return Imagined(dream, torch.stack(noises, 1), nudge, 1 - batch.terminal[rows, steps])

    def ascend(self, gain: Tensor, weight: Tensor, entropy: float, imagined: Imagined) -> Metrics:
        """One step of the actor up mean(weight gain + entropy weight H), "N H" each.

        The gain's gradient may flow through its weight, the entropy's does not.

        Returns:
            Metrics: loss/actor, entropy, grad/actor.
        """
        objective = (weight * gain).mean()
        (pull,) = torch.autograd.grad(objective, imagined.nudge)
        choice = self.actor.choose(imagined.dream.chosen.detach(), imagined.noise)
        spread = (weight.detach() * choice.entropy).mean()
        norm = self.optimisers["actor"].step(-(pull * choice.action).sum() - entropy * spread)
        return {
            "loss/actor": -objective.detach() - entropy * spread.detach(),
            "entropy": choice.entropy.detach().mean(),
            "grad/actor": norm,
        }
