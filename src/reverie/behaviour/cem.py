"""The cross-entropy method (Rubinstein 1997), as PlaNet plans by it (Hafner et al. 2019, algorithm 2)."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from reverie.behaviour.behaviour import Behaviour
from reverie.behaviour.planner import CandidateSearch, PlanConfig, best, continuous, drawing, lost, normal
from reverie.errors import UserError
from reverie.types import Actions, Mode, State
from reverie.world.world import World


@dataclass(frozen=True, kw_only=True)
class CEMConfig(PlanConfig):
    """A search by the cross-entropy method; the values are PlaNet's."""

    noise: float = 0.3
    """standard deviation of the Gaussian noise added to explored actions"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.noise >= 0:
            raise UserError(f"planner.noise must not be negative, not {self.noise}")


class CEM(CandidateSearch[CEMConfig]):
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
        super().__init__(config)
        self._size = continuous("cem", actions)

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
            returns = self.worth(world, behaviour, state, tried, generator)
            elites, returned = best(tried, returns, config.elites)
            whole = returned.isfinite()[..., None, None]  # a dream that broke is no example, even where few did not
            count = whole.sum(1, keepdim=True).clamp_min(1)
            mean = (whole * elites).sum(1, keepdim=True) / count
            deviation = ((whole * (elites - mean).square()).sum(1, keepdim=True) / count).sqrt()
            mean = mean.masked_fill(lost(returned)[:, None, None, None], torch.nan)
        return mean[:, 0]
