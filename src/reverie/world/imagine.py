"""Rollouts inside the world model.

index     0              1                  ...   H
features  f_0 (real)     f_1                      f_H
action    a_0 ~ pi(f_0)  a_1                ...
reward                   r_1 = reward(f_1)        r_H
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from reverie.types import Dream, Features, State
from reverie.world.world import World


class Choice(NamedTuple):
    """What a policy chose: action "N A", its log-probability and the policy's entropy, "N"."""

    action: Tensor
    log_prob: Tensor
    entropy: Tensor


Policy = Callable[[Features], Choice]


def imagine(
    world: World,
    policy: Policy,
    start: State,
    horizon: int,
    *,
    pathwise: bool,
    generator: torch.Generator | None,
) -> Dream:
    """Dream for a number of steps, the policy choosing.

    The policy reads features cut from the graph, as Dreamer's does: the return's gradient reaches an action through
    the dynamics that follow it, and the policy through its actions alone.

    Args:
        world: the world; where weights owe no gradient, freeze them outside.
        policy: features "N .." to a choice.
        start: N states.
        horizon: H.
        pathwise: keep the graph from rewards back to actions; otherwise the dream has no graph.
        generator: draws latents; None follows the modes.
    """
    with torch.set_grad_enabled(pathwise and torch.is_grad_enabled()):
        state, features, choices = start, [start.features], []
        for _ in range(horizon):
            choice = policy(state.features.detach())
            state = world.imagine(choice.action, state, generator)
            choices.append(choice)
            features.append(state.features)
        stacked = Features(torch.stack([f.deter for f in features], 1), torch.stack([f.stoch for f in features], 1))
        arrived = Features(stacked.deter[:, 1:], stacked.stoch[:, 1:])
        return Dream(
            stacked,
            torch.stack([c.action for c in choices], 1),
            torch.stack([c.log_prob for c in choices], 1),
            torch.stack([c.entropy for c in choices], 1),
            world.reward(arrived),
            world.continue_(arrived),
        )


def unroll(
    world: World, action: Float[Tensor, "N H A"], start: State, generator: torch.Generator | None = None
) -> Dream:
    """Dream along given actions: for planners, open-loop pictures and consistency losses."""
    actions = iter(action.unbind(1))
    nothing = action.new_zeros(len(action))

    def follow(features: Features) -> Choice:
        return Choice(next(actions), nothing, nothing)

    return imagine(world, follow, start, action.shape[1], pathwise=True, generator=generator)
