"""Dreamer's way: follow the gradient of the lambda-return through the dynamics (Hafner et al. 2020, section 3)."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
from torch import Tensor

from reverie.behaviour.actor import ActorConfig
from reverie.behaviour.behaviour import Trained
from reverie.behaviour.bounds import check
from reverie.behaviour.critic import Critic
from reverie.behaviour.pathwise import Pathwise
from reverie.nets.frozen import frozen
from reverie.nets.optimiser import Optimiser, OptimiserConfig
from reverie.ops.returns import lambda_return, reach
from reverie.ops.scale import spread
from reverie.types import Actions, Experience, Features, Loss, Metrics, total
from reverie.world.heads import HeadConfig
from reverie.world.world import World


@dataclass(frozen=True, kw_only=True)
class ValueGradientConfig:
    """The gradient of the lambda-return through the dynamics, with a critic beyond the horizon."""

    trained: ClassVar[tuple[Trained, ...]] = ()
    actor: ActorConfig = field(default_factory=ActorConfig)
    """the policy"""
    critic: HeadConfig = field(default_factory=HeadConfig)
    """the value function"""
    actor_optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    """how the actor ascends"""
    critic_optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    """how the critic descends"""
    horizon: int = 12
    """dreamed steps"""
    starts: int = 64
    """dreams per update, from states of the batch; 0 is all of them"""
    gamma: float = 0.98
    """discount per agent step"""
    lambda_: float = 0.95
    """mixes returns of different lengths; 1 trusts the reward model most, 0 the critic"""
    entropy: float = 1e-3
    """weight of the policy's entropy"""
    target_rate: float = 0.05
    """share by which the critic's target follows it in each update; 1 is no target"""
    returns: Literal["every", "start"] = "every"
    """ascend the mean of every return of the dream (the paper), or the start's alone, which counts no reward twice"""
    return_scale: bool = True
    """divide returns by their range from the 5 to the 95 % quantile, where that is above 1 (DreamerV3)"""

    def __post_init__(self) -> None:
        check(
            self,
            counts=("horizon",),
            weights=("starts", "entropy"),
            shares=("gamma", "lambda_", "target_rate"),
        )


def _start(returns: Tensor) -> Tensor:
    """The first return, as often as there are returns, so that the mean over steps weighs it as one."""
    first = torch.zeros_like(returns[0])
    first[0] = len(first)
    return returns * first


RETURNS = {"every": lambda returns: returns, "start": _start}


class ValueGradient(Pathwise):
    """Actor and critic, both trained on the same dream.

        Actor:   maximise  mean( w_i (G_i / S + entropy_weight H_i) ),  w_i the chance, discounted, to get to step i.
        Critic:  minimise  mean( w_i nll(v(f_i), sg G_i) ).

    The gradient of every G_i reaches all actions before i as well, so that a late reward counts once for each return it
    is part of (the paper's eq. 7). With returns="start" the actor ascends G_0 alone, whose gradient is the policy's.

    Deviations from Dreamer: G is bootstrapped with a slow target, and divided by the range S of returns; the entropy
    has a weight. All three are options; target_rate 1, return_scale off and entropy 0 are the paper.
    """

    Config = ValueGradientConfig
    return_range: Tensor

    def __init__(self, config: ValueGradientConfig, deter: int, stoch: int, actions: Actions) -> None:
        super().__init__(config.actor, (deter, stoch, actions))
        self._config = config
        self.critic = Critic(config.critic, deter, stoch, config.target_rate)
        self.register_buffer("return_range", torch.zeros(()))
        self.optimisers = {
            "actor": Optimiser(config.actor_optimiser, [self.actor]),
            "critic": Optimiser(config.critic_optimiser, [self.critic.value]),
        }

    def value(self, features: Features) -> Tensor:
        """What returns are bootstrapped with, "N"."""
        return self.critic(features)

    def learn(self, world: World, experience: Experience, generator: torch.Generator) -> Metrics:
        """One update of actor and critic from a dream of its own.

        Returns:
            Metrics: losses, value, return in the environment's units, entropy, gradient norms.
        """
        config = self._config
        with frozen(world):
            imagined = self.dream(world, experience, config.starts, config.horizon, generator)
            dream = imagined.dream
            discount = config.gamma * dream.continue_
            returns = lambda_return(dream.reward, discount, self.critic(dream.arrived), config.lambda_)
            weight = imagined.going.unsqueeze(-1) * reach(discount.detach())
            gain = RETURNS[config.returns](returns) / self._scale(returns)
            metrics = self.ascend(gain, weight, config.entropy, imagined)
        chosen = dream.chosen.detach()
        critic_loss = total({"critic": Loss(weight * self.critic.value.loss(chosen, returns.detach()))})
        critic_norm = self.optimisers["critic"].step(critic_loss)
        self.critic.follow()
        unit = world.preprocess.reward_unit
        return metrics | {
            "loss/critic": critic_loss.detach(),
            "value/mean": self.critic(chosen).mean() * unit,
            "return/dreamed": returns.detach().mean() * unit,
            "return/scale": self.return_range * unit,
            "grad/critic": critic_norm,
        }

    def _scale(self, returns: Tensor) -> Tensor | float:
        if not self._config.return_scale:
            return 1.0
        # an exponential average that starts at the first range seen
        rate = torch.where(self.return_range == 0, 1.0, 0.01)
        self.return_range.lerp_(spread(returns), rate)
        return self.return_range.clamp_min(1.0)
