"""Rollouts inside the world model.

    index     0              1                  ...   H
    features  f_0 (real)     f_1                      f_H
    action    a_0 ~ pi(f_0)  a_1                ...
    reward                   r_1 = reward(f_1)        r_H

The reward of index i came with arriving there; `Dream` stores it at i-1, beside the action that led to it.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from reverie.types import Dream, Features, State
from reverie.world.world import World

Policy = Callable[[Features], Tensor]
"""Features "N .." to actions "N A"."""


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
        policy: features "N .." to actions "N A".
        start: N states.
        horizon: H.
        pathwise: keep the graph from rewards back to actions; otherwise the dream has no graph.
        generator: draws latents; None follows the modes.
    """
    with torch.set_grad_enabled(pathwise and torch.is_grad_enabled()):
        state, features, actions = start, [start.features], []
        for _ in range(horizon):
            action = policy(state.features.detach())
            state = world.imagine(action, state, generator)
            actions.append(action)
            features.append(state.features)
        stacked = Features(torch.stack([f.deter for f in features], 1), torch.stack([f.stoch for f in features], 1))
        arrived = Features(stacked.deter[:, 1:], stacked.stoch[:, 1:])
        return Dream(stacked, torch.stack(actions, 1), world.reward(arrived), world.continue_(arrived))


def unroll(
    world: World, action: Float[Tensor, "N H A"], start: State, generator: torch.Generator | None = None
) -> Dream:
    """Dream along given actions: for planners, open-loop pictures and consistency losses."""
    actions = iter(action.unbind(1))

    def follow(features: Features) -> Tensor:
        return next(actions)

    return imagine(world, follow, start, action.shape[1], pathwise=True, generator=generator)
