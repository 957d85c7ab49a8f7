"""The cross-entropy method (Rubinstein 1997), as PlaNet plans by it (Hafner et al. 2019, algorithm 2)."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from reverie.behaviour.behaviour import Behaviour
from reverie.behaviour.planner import continuous, drawing, normal, worth
from reverie.errors import UserError
from reverie.types import Actions, Mode, State
from reverie.world.world import World


@dataclass(frozen=True, kw_only=True)
class CEMConfig:
    """A search by the cross-entropy method; the values are PlaNet's."""

    horizon: int = 12
    """H, dreamed steps"""
    candidates: int = 1000
    """N, sequences of actions tried in each iteration"""
    elites: int = 100
    """K, the best of them, to which the next iteration's distribution is fitted"""
    iterations: int = 10
    """fits"""
    gamma: float = 1.0
    """discount per agent step"""
    noise: float = 0.3
    """standard deviation of the Gaussian noise added to explored actions"""

    def __post_init__(self) -> None:
        for name in ("horizon", "iterations"):
            if getattr(self, name) < 1:
                raise UserError(f"planner.{name} must be at least 1, not {getattr(self, name)}")
        if not 2 <= self.elites <= self.candidates:
            raise UserError(f"planner.elites must be in [2, planner.candidates = {self.candidates}], not {self.elites}")
        if not 0 <= self.gamma <= 1:
            raise UserError(f"planner.gamma must be in [0, 1], not {self.gamma}")
        if not self.noise >= 0:
            raise UserError(f"planner.noise must not be negative, not {self.noise}")


class CEM:
    """Plans anew at every step: sequences from N(0, 1), then from normals fitted to the best, whose mean is followed.

    Actions are clipped to [-1, 1]. Each candidate is worth one dream, its latents drawn (PlaNet: a single trajectory
    is enough).
    """

    Config = CEMConfig
    plans = True

    def __init__(self, config: CEMConfig, actions: Actions) -> None:
        """Raises:
        UserError: for actions that are choices.
        """
        self._config, self._size = config, continuous("cem", actions)

    def initial(self, behaviour: Behaviour[Any], rows: int, device: torch.device) -> tuple[()]:
        """Nothing is kept from one plan to the next."""
        return ()

    def act(
        self,
        world: World,
        behaviour: Behaviour[Any],
        state: State,
        memory: tuple[()],
        first: Tensor,
        mode: Mode,
        generator: torch.Generator | None,
    ) -> tuple[Tensor, tuple[()]]:
        """The first action of the last mean, "B A", with noise where it explores."""
        draws = drawing(mode, generator, first.device)
        action = self.plan(world, behaviour, state, draws)[:, 0]
        if mode == "explore":
            action = (action + self._config.noise * normal(action.shape, draws)).clamp(-1, 1)
        return action, memory

    def plan(
        self, world: World, behaviour: Behaviour[Any], state: State, generator: torch.Generator
    ) -> Float[Tensor, "B H A"]:
        """The mean of the last fit."""
        config, rows = self._config, len(state.deter)
        mean = torch.zeros(rows, 1, config.horizon, self._size, device=state.deter.device)
        deviation = torch.ones_like(mean)
        for _ in range(config.iterations):
            noise = normal((rows, config.candidates, config.horizon, self._size), generator)
            tried = (mean + deviation * noise).clamp(-1, 1)
            best = worth(world, behaviour, state, tried, config.gamma, generator).topk(config.elites, 1).indices
            elites = tried.gather(1, best[..., None, None].expand(-1, -1, *tried.shape[2:]))
            mean, deviation = elites.mean(1, keepdim=True), elites.std(1, keepdim=True, correction=0)
        return mean[:, 0]
