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

    Returns:
        The dream. Its rewards are in the world's unit: `world.preprocess.reward_unit` times as many in the
        environment's.
    """
    with torch.set_grad_enabled(pathwise and torch.is_grad_enabled()):
        features, action = _walk(world, policy, start, horizon, generator)
        return _told(world, features, action)


def unroll(
    world: World, action: Float[Tensor, "N H A"], start: State, generator: torch.Generator | None = None
) -> Dream:
    """Dream along given actions, rewards (in the world's unit) and ends included: for planners."""
    return _told(world, along(world, action, start, generator), action)


def along(
    world: World, action: Float[Tensor, "N H A"], start: State, generator: torch.Generator | None = None
) -> Features:
    """The features alone of a dream along given actions, "N H+1 ..": for consistency losses and open-loop pictures."""
    actions = iter(action.unbind(1))
    features, _ = _walk(world, lambda features: next(actions), start, action.shape[1], generator)
    return features


def _walk(
    world: World, policy: Policy, state: State, horizon: int, generator: torch.Generator | None
) -> tuple[Features, Float[Tensor, "N H A"]]:
    """Features from the start on, "N H+1 ..", and the actions between them."""
    features, actions = [state.features], []
    for _ in range(horizon):
        action = policy(state.features.detach())
        state = world.imagine(action, state, generator)
        actions.append(action)
        features.append(state.features)
    return Features.stacked(features), torch.stack(actions, 1)


def _told(world: World, features: Features, action: Tensor) -> Dream:
    """What the heads tell of where actions led."""
    arrived = features.at(slice(1, None))
    return Dream(features, action, world.reward(arrived), world.continue_(arrived))
