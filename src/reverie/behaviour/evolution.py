"""A controller that evolves: no gradient, whole episodes dreamed or played, and their returns (World Models)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from reverie.behaviour.behaviour import Trained
from reverie.behaviour.bounds import check
from reverie.behaviour.controller import Controller, ControllerConfig
from reverie.behaviour.search import SEARCHES, Search, SearchConfig
from reverie.behaviour.starts import choose_starts
from reverie.errors import UserError
from reverie.nets.optimiser import Optimiser
from reverie.ops import tree
from reverie.types import Actions, Experience, Features, Losses, Metrics, Mode, State
from reverie.world.world import World


@dataclass(frozen=True, kw_only=True)
class EvolutionConfig:
    """A population of controllers, tried out in dreams or in the environment."""

    trained: ClassVar[tuple[Trained, ...]] = ()
    controller: ControllerConfig = field(default_factory=ControllerConfig)
    """the policy"""
    search: SearchConfig = field(default_factory=SearchConfig)
    """how the population moves"""
    arena: Literal["dream", "real"] = "dream"
    """where it is tried out: in dreams of the world, or in the environment (whose frames are not counted in --steps);
    --arena for short"""
    rollouts: int = 16
    """episodes of each individual; all of a generation dream from the same beginnings"""
    horizon: int = 1000
    """steps after which a dream is cut"""
    temperature: float = 1.0
    """of the dreams: above 1 the world is less sure of what comes than it has learned to be (tau)"""

    def __post_init__(self) -> None:
        check(self, counts=("rollouts", "horizon"))
        if not 0 < self.temperature < math.inf:
            raise UserError(f"behaviour.temperature must be positive, not {self.temperature}")


class Evolution(nn.Module):
    """Each `learn` is a generation; the mean of the search is the agent.

    Its memory, where it has one, is the weights "B W" of a controller for each row: a population that acts side by
    side. Without one the agent's own act.

    Attributes:
        weights: of the agent's controller, "W".
    """

    Config = EvolutionConfig
    optimisers: Mapping[str, Optimiser]
    weights: Tensor

    def __init__(self, config: EvolutionConfig, deter: int, stoch: int, actions: Actions) -> None:
        super().__init__()
        self._config = config
        self.controller = Controller(config.controller, deter, stoch, actions)
        self.optimisers = {}
        self.register_buffer("weights", torch.zeros(self.controller.size))
        self._seed = int(torch.randint(2**31, ()))
        self._told = np.zeros((0, config.search.population))
        self._search: Search | None = None

    def initial(self, rows: int) -> tuple[()]:
        """Nothing: the agent's own controller acts."""
        return ()

    def act(
        self,
        world: World,
        state: State,
        memory: Tensor | tuple[()],
        first: Tensor,
        mode: Mode,
        generator: torch.Generator | None,
    ) -> tuple[Tensor, Tensor | tuple[()]]:
        """The controller's choice, "B A", which is the same to explore and to evaluate."""
        weights = memory if isinstance(memory, Tensor) else self.weights.expand(len(first), -1)
        return self.controller(state.features, weights), memory

    def value(self, features: Features) -> Tensor:
        """Zero: there is no critic."""
        return torch.zeros_like(features.deter[..., 0])

    def loss(self, world: World, experience: Experience, generator: torch.Generator) -> tuple[Losses, Metrics]:
        """None: nothing is descended."""
        return {}, {}

    @torch.no_grad()
    def learn(self, world: World, experience: Experience, generator: torch.Generator) -> Metrics:
        """One generation.

        Raises:
            UserError: if an individual returned what is not finite.

        Returns:
            Metrics: the mean, best and standard deviation of the generation's returns, in the environment's units, the
            mean length of its episodes, and the search's own deviation.
        """
        search = self.search
        population = torch.from_numpy(search.ask()).to(self.weights)
        if experience.fitness is None:
            returns, length = self._dream(world, experience, population, generator)
        else:
            returns, length = experience.fitness(population, self._config.rollouts, len(self._told))
        told = returns.cpu().double().numpy()
        if not np.isfinite(told).all():
            raise UserError(
                f"a return of generation {len(self._told)} is not finite, and a search would follow it: lower "
                "--behaviour.temperature, or --behaviour.horizon"
            )
        search.tell(told)
        self._told = np.concatenate([self._told, told[None]])
        self.weights.copy_(torch.from_numpy(search.mean))
        statistics = {"mean": returns.mean(), "best": returns.max(), "deviation": returns.std()}
        metrics = {f"population/{name}": value for name, value in statistics.items()}
        return metrics | {"population/steps": length, "population/sigma": torch.tensor(search.sigma)}

    @property
    def search(self) -> Search:
        """The search as what it was told has made it: nothing else of it is kept."""
        if self._search is None:
            config = self._config.search
            self._search = SEARCHES[config.strategy](config, self.controller.size, self._seed)
            for returns in self._told:
                self._search.ask()
                self._search.tell(returns)
        return self._search

    def get_extra_state(self) -> Tensor:
        """The seed in a row of its own, and the returns of all generations: "G+1 P" in double precision."""
        seed = np.full((1, self._told.shape[1]), self._seed)
        return torch.from_numpy(np.concatenate([seed, self._told]))

    def set_extra_state(self, state: Tensor) -> None:
        """Continue from a checkpoint."""
        told = state.cpu().numpy()
        self._seed, self._told, self._search = int(told[0, 0]), told[1:], None

    def _dream(
        self, world: World, experience: Experience, population: Float[Tensor, "P W"], generator: torch.Generator
    ) -> tuple[Float[Tensor, "P"], Float[Tensor, ""]]:
        """Mean returns of the population, and the mean length of its dreams.

        A dream ends with the chance that the world gives it; rows that have ended leave the batch.
        """
        rows, steps = choose_starts(experience.batch, self._config.rollouts, generator)
        start = tree.detach(world.dynamics.start(experience.trace, rows, steps))
        each = len(rows)
        state = world.dynamics.select(start, torch.arange(each, device=rows.device).repeat(len(population)))
        owner = torch.arange(len(population), device=rows.device).repeat_interleave(each)
        weights = population[owner]
        alive = (1 - experience.batch.terminal[rows, steps]).repeat(len(population))  # an end has nothing after it
        returns, lived = population.new_zeros(2, len(population)).unbind()
        for _ in range(self._config.horizon):
            action = self.controller(state.features, weights)
            state = world.imagine(action, state, generator, self._config.temperature)
            returns.index_add_(0, owner, alive * world.reward(state.features))
            lived.index_add_(0, owner, alive)
            goes_on = world.continue_(state.features)
            alive = alive * (torch.empty_like(goes_on).uniform_(generator=generator) < goes_on)
            left = alive.nonzero().squeeze(-1)
            if not len(left):
                break
            if 2 * len(left) <= len(alive):
                state = world.dynamics.select(state, left)
                owner, weights, alive = owner[left], weights[left], alive[left]
        returns = returns * world.preprocess.reward_unit / each
        return returns, lived.mean() / each
