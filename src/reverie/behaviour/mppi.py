"""Model predictive path integral control (Williams et al. 2015), as TD-MPC2 plans by it (Hansen et al. 2024)."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from reverie.behaviour.behaviour import Behaviour
from reverie.behaviour.planner import CandidateSearch, PlanConfig, best, continuous, drawing, lost, normal
from reverie.errors import UserError
from reverie.types import Actions, Mode, State
from reverie.world.world import World


@dataclass(frozen=True, kw_only=True)
class MPPIConfig(PlanConfig):
    """A search whose best candidates weigh by what they return; the values are TD-MPC2's."""

    horizon: int = 3
    """H, dreamed steps"""
    candidates: int = 512
    """N, sequences of actions tried in each iteration, those of the behaviour among them"""
    proposals: int = 24
    """of them, sequences that the behaviour proposes"""
    elites: int = 64
    """K, the best of them, to which the next iteration's distribution is fitted"""
    iterations: int = 6
    """fits"""
    temperature: float = 0.5
    """elites weigh exp(temperature (return - the best one's)), returns in the world's unit of reward"""
    min_std: float = 0.05
    """the smallest deviation of the search"""
    max_std: float = 2.0
    """the largest, which it begins with"""
    gamma: float = 0.99
    """discount per agent step"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.proposals < self.candidates:
            raise UserError(
                f"planner.proposals must be in [0, planner.candidates = {self.candidates}), not {self.proposals}"
            )
        if not 0 < self.min_std <= self.max_std:
            raise UserError(f"planner.min-std must be in (0, planner.max-std = {self.max_std}], not {self.min_std}")
        if not self.temperature >= 0:
            raise UserError(f"planner.temperature must not be negative, not {self.temperature}")


class Plan(NamedTuple):
    """Where a search stands, for B rows: mean and deviation "B H A", and the last iteration's elites with weights."""

    mean: Tensor
    deviation: Tensor
    elites: Tensor
    weights: Tensor


class MPPI(CandidateSearch[MPPIConfig]):
    """Plans from the last plan, one step on: normals fitted to weighted elites, and the behaviour's own proposals.

    To explore, one of the last elites is drawn by its weight, with the last deviation as noise (TD-MPC2's code). To
    evaluate, the mean is followed: the code draws an elite there too, which is not deterministic.
    """

    Config = MPPIConfig
    plans = True

    def __init__(self, config: MPPIConfig, actions: Actions) -> None:
        """Raises:
        UserError: for actions that are choices.
        """
        super().__init__(config)
        self._size = continuous("mppi", actions)

    def initial(self, behaviour: Behaviour[Any], rows: int, device: torch.device) -> Float[Tensor, "B H A"]:
        """A plan to do nothing."""
        return torch.zeros(rows, self._config.horizon, self._size, device=device)

    def act(
        self,
        world: World,
        behaviour: Behaviour[Any],
        state: State,
        memory: Float[Tensor, "B H A"],
        first: Tensor,
        mode: Mode,
        generator: torch.Generator | None,
    ) -> tuple[Tensor, Float[Tensor, "B H A"]]:
        """The next action "B A", and the plan that it belongs to."""
        draws = drawing(mode, generator, first.device)
        # The plan of the step before, one step on; an episode that begins has none.
        ahead = torch.cat([memory[:, 1:], torch.zeros_like(memory[:, :1])], 1)
        found = self.plan(world, behaviour, state, ahead * (1 - first)[:, None, None], draws)
        if mode != "explore":
            return found.mean[:, 0], found.mean
        chosen = torch.multinomial(found.weights, 1, generator=draws)[..., None, None]
        action = found.elites.gather(1, chosen.expand(-1, -1, *found.elites.shape[2:]))[:, 0, 0]
        action = action + found.deviation[:, 0] * normal(action.shape, draws)
        return action.clamp(-1, 1), found.mean

    def plan(
        self,
        world: World,
        behaviour: Behaviour[Any],
        state: State,
        mean: Float[Tensor, "B H A"],
        generator: torch.Generator,
    ) -> Plan:
        """The search's end, from a mean to begin with."""
        config, rows = self._config, len(mean)
        proposed = self._propose(world, behaviour, state, generator)
        search = Plan(mean, torch.full_like(mean, config.max_std), proposed, mean.new_zeros(rows, 0))
        for _ in range(config.iterations):
            noise = normal((rows, config.candidates - config.proposals, *mean.shape[1:]), generator)
            drawn = search.mean.unsqueeze(1) + search.deviation.unsqueeze(1) * noise
            search = self._fit(world, behaviour, state, torch.cat([proposed, drawn.clamp(-1, 1)], 1), generator)
        return search

    def _fit(
        self, world: World, behaviour: Behaviour[Any], state: State, tried: Tensor, generator: torch.Generator
    ) -> Plan:
        config = self._config
        returned = self.worth(world, behaviour, state, tried, generator)
        elites, returns = best(tried, returned, config.elites)
        broken = lost(returns)
        weights = torch.where(returns.isfinite(), config.temperature * returns, -torch.inf)
        weights = torch.softmax(weights.masked_fill(broken.unsqueeze(1), 0.0), 1)
        each = weights[..., None, None]
        mean = (each * elites).sum(1).masked_fill(broken[:, None, None], torch.nan)
        variance = (each * (elites - mean.unsqueeze(1)).square()).sum(1)
        return Plan(mean, variance.sqrt().clamp(config.min_std, config.max_std), elites, weights)

    def _propose(
        self, world: World, behaviour: Behaviour[Any], state: State, generator: torch.Generator
    ) -> Float[Tensor, "B P H A"]:
        """What the behaviour would do, dreamed as often as there are proposals."""
        config, rows = self._config, len(state.deter)
        if not config.proposals:
            return state.deter.new_zeros(rows, 0, config.horizon, self._size)
        each = torch.arange(rows, device=state.deter.device).repeat_interleave(config.proposals)
        state = world.dynamics.select(state, each)
        memory, first, actions = behaviour.initial(len(each)), torch.ones(len(each), device=each.device), []
        for step in range(config.horizon):
            action, memory = behaviour.act(world, state, memory, first, "explore", generator)
            actions.append(action)
            if step + 1 < config.horizon:
                state, first = world.imagine(action, state, config.latents(generator)), torch.zeros_like(first)
        return torch.stack(actions, 1).unflatten(0, (rows, config.proposals))
