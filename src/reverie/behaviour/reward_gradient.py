"""No value function: follow the gradient of the dreamed reward to the horizon (Dreamer's ablation "No value")."""

from dataclasses import dataclass, field
from typing import ClassVar

import torch

from reverie.behaviour.actor import ActorConfig
from reverie.behaviour.behaviour import Trained
from reverie.behaviour.bounds import check
from reverie.behaviour.pathwise import Pathwise
from reverie.nets.frozen import frozen
from reverie.nets.optimiser import Optimiser, OptimiserConfig
from reverie.ops.returns import reach
from reverie.types import Actions, Experience, Metrics
from reverie.world.world import World


@dataclass(frozen=True, kw_only=True)
class RewardGradientConfig:
    """The gradient of the dreamed rewards' discounted sum, with nothing beyond the horizon."""

    trained: ClassVar[tuple[Trained, ...]] = ()
    actor: ActorConfig = field(default_factory=ActorConfig)
    """the policy"""
    actor_optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    """how the actor ascends"""
    horizon: int = 30
    """dreamed steps; the policy knows of nothing beyond them"""
    starts: int = 48
    """dreams per update, from states of the batch; 0 is all of them"""
    gamma: float = 1.0
    """discount per agent step"""
    entropy: float = 1e-3
    """weight of the policy's entropy"""

    def __post_init__(self) -> None:
        check(
            self,
            counts=("horizon",),
            weights=("starts", "entropy"),
            shares=("gamma",),
        )


class RewardGradient(Pathwise):
    """An actor alone: maximise sum_i w_i r_{i+1} / H over the dream, w_i the chance, discounted, to get to step i."""

    Config = RewardGradientConfig

    def __init__(self, config: RewardGradientConfig, deter: int, stoch: int, actions: Actions) -> None:
        super().__init__(config.actor, (deter, stoch, actions))
        self._config = config
        self.optimisers = {"actor": Optimiser(config.actor_optimiser, [self.actor])}

    def learn(self, world: World, experience: Experience, generator: torch.Generator) -> Metrics:
        """One update of the actor from a dream of its own.

        Returns:
            Metrics: loss, dreamed return in the environment's units, entropy, gradient norm.
        """
        config = self._config
        with frozen(world):
            imagined = self.dream(world, experience, config.starts, config.horizon, generator)
            dream = imagined.dream
            alive = imagined.going.unsqueeze(-1) * reach(config.gamma * dream.continue_)
            metrics = self.ascend(dream.reward, alive, config.entropy, imagined)
        returns = (alive * dream.reward).detach().sum(-1)
        return metrics | {"return/dreamed": returns.mean() * world.preprocess.reward_unit}
