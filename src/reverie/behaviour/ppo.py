"""Proximal policy optimisation in imagination: several clipped steps on each dream (Schulman et al. 2017)."""

from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from reverie.behaviour.actor import ActorConfig
from reverie.behaviour.behaviour import Trained
from reverie.behaviour.bounds import check
from reverie.behaviour.critic import Critic
from reverie.behaviour.dreaming import Dreaming
from reverie.errors import UserError
from reverie.nets.optimiser import Optimiser, OptimiserConfig
from reverie.ops import tree
from reverie.ops.returns import lambda_return, reach
from reverie.ops.scale import standardise
from reverie.types import Actions, Experience, Features, Loss, Metrics, total
from reverie.world.heads import HeadConfig
from reverie.world.world import World


def _slow() -> OptimiserConfig:
    return OptimiserConfig(lr=3e-4)


@dataclass(frozen=True, kw_only=True)
class PPOConfig:
    """Several clipped steps of actor and critic on each dream; clip, lambda and learning rates are the paper's."""

    trained: ClassVar[tuple[Trained, ...]] = ()
    actor: ActorConfig = field(default_factory=ActorConfig)
    """the policy"""
    critic: HeadConfig = field(default_factory=HeadConfig)
    """the value function"""
    actor_optimiser: OptimiserConfig = field(default_factory=_slow)
    """how the actor ascends"""
    critic_optimiser: OptimiserConfig = field(default_factory=_slow)
    """how the critic descends"""
    horizon: int = 12
    """dreamed steps"""
    starts: int = 64
    """dreams per update, from states of the batch; 0 is all of them"""
    gamma: float = 0.99
    """discount per agent step"""
    lambda_: float = 0.95
    """mixes advantages of different lengths; 1 trusts the reward model most, 0 the critic"""
    clip: float = 0.2
    """how far from 1 the ratio of an action's probabilities, after and before, gains anything"""
    epochs: int = 4
    """passes over a dream's steps"""
    minibatches: int = 4
    """parts of a pass, with a step of actor and critic each"""
    entropy: float = 1e-3
    """weight of the policy's entropy, beside advantages of deviation 1"""
    target_rate: float = 1.0
    """share by which the critic's target, which values dreams, follows it in each update; 1 is no target (the paper)"""

    def __post_init__(self) -> None:
        check(
            self,
            counts=("horizon", "epochs", "minibatches"),
            weights=("starts", "entropy"),
            shares=("gamma", "lambda_", "target_rate"),
        )
        if not 0 < self.clip < 1:
            raise UserError(f"behaviour.clip must be in (0, 1), not {self.clip}")


class Sampled(NamedTuple):
    """Dreamed choices, one a row: a dream's N H of them, or some.

    Noise made the action from the policy's parameters "P", which gave it the log_prob; the advantage is that of the
    return over the value; weight is the chance, discounted, to get to the choice.
    """

    features: Features
    noise: Tensor
    parameters: Tensor
    log_prob: Tensor
    advantage: Tensor
    returns: Tensor
    weight: Tensor


class PPO(Dreaming):
    """A dream without a graph, then `epochs` passes over its choices in minibatches, each a step of actor and critic.

    With rho_i = pi(a_i | f_i) / pi_old(a_i | f_i), and w_i the chance, discounted, to get to step i of the dream:

        Actor:   maximise  mean( w_i (min(rho_i A_i, clip(rho_i, 1 - c, 1 + c) A_i) + entropy_weight H_i) )   (eq. 7)
        Critic:  minimise  mean( w_i nll(v(f_i), A_i + v_old(f_i)) )
        A_i  =  sum_k (lambda d)^k delta_{i+k},   delta_i = r_{i+1} + d_{i+1} v_old(f_{i+1}) - v_old(f_i)   (eq. 11, 12)

    A_i + v_old(f_i) is the lambda-return, from which A_i is computed. The same dream serves all passes: values and
    advantages stay those of its beginning.

    Deviations: the world dreams what the paper's policy would live through. Advantages are standardised in each
    minibatch, as common implementations do. Actor and critic have an optimiser each, so that the value's loss needs no
    weight.
    """

    Config = PPOConfig

    def __init__(self, config: PPOConfig, deter: int, stoch: int, actions: Actions) -> None:
        super().__init__(config.actor, (deter, stoch, actions))
        self._config = config
        self.critic = Critic(config.critic, deter, stoch, config.target_rate)
        self.optimisers = {
            "actor": Optimiser(config.actor_optimiser, [self.actor]),
            "critic": Optimiser(config.critic_optimiser, [self.critic.value]),
        }

    def value(self, features: Features) -> Tensor:
        """What returns are bootstrapped with, "N"."""
        return self.critic(features)

    def learn(self, world: World, experience: Experience, generator: torch.Generator) -> Metrics:
        """Several steps of actor and critic on a dream of their own.

        Returns:
            Metrics: means over the steps of losses, entropy, gradient norms, the share of choices beyond the clip and
            the divergence from the policy that dreamed; value and return in the environment's units.
        """
        config = self._config
        sampled = self._sample(world, experience, generator)
        steps = []
        for _ in range(config.epochs):
            order = torch.randperm(len(sampled.weight), generator=generator, device=sampled.weight.device)
            steps += [self._step(tree.select(sampled, rows)) for rows in order.chunk(config.minibatches)]
        self.critic.follow()
        self.actor.follow()
        unit = world.preprocess.reward_unit
        return tree.map(torch.mean, tree.stack(steps, 0)) | {
            "value/mean": (sampled.returns - sampled.advantage).mean() * unit,
            "return/dreamed": sampled.returns.mean() * unit,
        }

    @torch.no_grad()
    def _sample(self, world: World, experience: Experience, generator: torch.Generator) -> Sampled:
        """All choices of a new dream."""
        config, policy = self._config, self.actor.policy
        imagined = self.dream(world, experience, config.starts, config.horizon, generator)
        dream = imagined.dream
        discount = config.gamma * dream.continue_
        value = self.critic(dream.features)
        returns = lambda_return(dream.reward, discount, value[:, 1:], config.lambda_)
        weight = imagined.going.unsqueeze(-1) * reach(discount)
        parameters = self.actor(dream.chosen)
        log_prob = policy.log_prob(parameters, imagined.noise, parameters)
        advantage = returns - value[:, :-1]
        sampled = Sampled(dream.chosen, imagined.noise, parameters, log_prob, advantage, returns, weight)
        return tree.map(lambda x: x.flatten(0, 1), sampled)

    def _step(self, some: Sampled) -> Metrics:
        """One step of actor and critic on some of the choices."""
        actor_loss, metrics = self._surrogate(some)
        critic_loss = total({"critic": Loss(some.weight * self.critic.loss(some.features, some.returns))})
        metrics |= {
            "loss/actor": actor_loss.detach(),
            "loss/critic": critic_loss.detach(),
            "grad/actor": self.optimisers["actor"].step(actor_loss),
            "grad/critic": self.optimisers["critic"].step(critic_loss),
        }
        # Half precision keeps its copies of weights for as long as it is on, and these have just moved.
        torch.clear_autocast_cache()
        return metrics

    def _surrogate(self, some: Sampled) -> tuple[Tensor, Metrics]:
        """The actor's loss, a scalar, and what is told of the policy."""
        config, policy = self._config, self.actor.policy
        parameters = self.actor(some.features)
        entropy = policy.choose(parameters, some.noise).entropy
        change = policy.log_prob(parameters, some.noise, some.parameters) - some.log_prob
        ratio = change.exp()
        advantage = standardise(some.advantage, some.weight)
        clipped = ratio.clamp(1 - config.clip, 1 + config.clip)
        gain = torch.minimum(ratio * advantage, clipped * advantage) + config.entropy * entropy
        return total({"actor": Loss(-some.weight * gain)}), {
            "entropy": entropy.detach().mean(),
            "policy/clipped": (clipped != ratio).float().mean(),
            # an estimate without bias that is never below zero (Schulman 2020, "Approximating KL Divergence")
            "policy/divergence": (ratio - 1 - change).detach().mean(),
        }
