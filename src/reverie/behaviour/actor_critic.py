"""Actor and critic from dreamed returns, trained by the program's optimisers (DreamerV2, section 2; DreamerV3)."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from reverie.behaviour.actor import ActorConfig
from reverie.behaviour.behaviour import Trained
from reverie.behaviour.bounds import check
from reverie.behaviour.critic import Critic
from reverie.behaviour.dreaming import Dreaming, Imagined
from reverie.behaviour.policy import uniform_entropy
from reverie.nets.frozen import frozen
from reverie.nets.optimiser import OptimiserConfig
from reverie.ops.returns import lambda_return, reach
from reverie.ops.scale import quantiles
from reverie.ops.shortfall import shortfall
from reverie.types import Actions, Experience, Features, Loss, Losses, Metrics
from reverie.world.heads import HeadConfig
from reverie.world.world import World


def _two_hot() -> HeadConfig:
    return HeadConfig(output="two-hot")


@dataclass(frozen=True, kw_only=True)
class ActorCriticConfig:
    """An actor by the score function, by the gradient through the dynamics or by both, and a critic."""

    actor: ActorConfig = field(default_factory=ActorConfig)
    """the policy"""
    critic: HeadConfig = field(default_factory=_two_hot)
    """the value function"""
    actor_optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    """how the actor descends; where one optimiser is for all, as in dreamerv3, its learning rate alone is read"""
    critic_optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    """how the critic descends; likewise"""
    horizon: int = 15
    """dreamed steps"""
    starts: int = 64
    """dreams per update, from states of the batch; 0 is all of them"""
    gamma: float = 0.997
    """discount per agent step"""
    lambda_: float = 0.95
    """mixes returns of different lengths; 1 trusts the reward model most, 0 the critic"""
    gradient: Literal["auto", "score", "dynamics", "both"] = "auto"
    """of the return: score function (DreamerV3), dynamics, both; auto: score for one-hot actions, else dynamics (V2)"""
    mix: float = 0.1
    """share of the dynamics' gradient where both are followed"""
    entropy: float = 3e-4
    """weight of the policy's entropy"""
    entropy_floor: float = 0.0
    """share of a uniform policy's entropy below which, in the mean, it is paid; 0: wherever it is (TWM: 0.1)"""
    return_scale: bool = True
    """divide returns by their range from the 5 to the 95 % quantile, where that is above 1 (DreamerV3)"""
    bootstrap: Literal["value", "target"] = "value"
    """what returns are bootstrapped with and compared to: the value (DreamerV3), or its slow target (DreamerV2)"""
    target_rate: float = 0.02
    """share by which the critic's target follows it whenever it moves"""
    target_every: int = 1
    """updates from one move of the target to the next (DreamerV2: 100, at a rate of 1)"""
    regulariser: float = 1.0
    """weight of the critic's loss towards its target's own prediction (DreamerV3); 0 is none"""
    replay: float = 0.3
    """weight of the critic's loss on replayed returns, which shapes the world too (DreamerV3); 0 is none"""

    def __post_init__(self) -> None:
        check(
            self,
            counts=("horizon", "target_every"),
            weights=("starts", "entropy", "regulariser", "replay"),
            shares=("gamma", "lambda_", "mix", "target_rate", "entropy_floor"),
        )

    @property
    def trained(self) -> tuple[Trained, ...]:
        """The actor by its loss, the critic by both of its own."""
        return (
            Trained("actor", ("actor",), ("policy",), self.actor_optimiser),
            Trained("critic", ("critic.value",), ("value", "replay"), self.critic_optimiser, shaping=("replay",)),
        )


def _share(config: ActorCriticConfig, actions: Actions) -> float:
    """The share of the dynamics' gradient; the rest is the score function's."""
    shares = {"score": 0.0, "dynamics": 1.0, "both": config.mix, "auto": 0.0 if actions.groups else 1.0}
    return shares[config.gradient]


class Judged(NamedTuple):
    """A dream and its returns "N H": value at the chosen features, weight and scale without a graph.

    pull "N H A" is the gradient of the sum of weight times return / scale to the actions, through the dynamics; zero
    where the dynamics' gradient has no share.
    """

    imagined: Imagined
    returns: Tensor
    value: Tensor
    weight: Tensor
    scale: Tensor
    pull: Tensor


class ActorCritic(Dreaming):
    """Actor and critic on dreams from the batch, and the critic on the batch itself.

    Policy (unreduced, i of H), with G the lambda-return, v the value, S the range of returns, w_i the chance,
    discounted, to get to step i, p the share of the dynamics' gradient (DreamerV2, eq. 6; DreamerV3, eq. 6):

        - w_i ( p G_i / S  +  (1 - p) log pi(a_i) sg((G_i - v_i) / S)  +  entropy_weight H_i )

    With an entropy's floor (TWM), entropy_weight max(0, floor - mean(w H) / H_uniform) stands for the last term.

    Value (V2, eq. 5; V3, eq. 5):

        w_i ( nll(v(f_i), sg G_i) + regulariser nll(v(f_i), sg target(f_i)) )

    Replay (V3, its "replay value loss"): the same at every step of the chunk, with returns of the real rewards. Its
    gradient reaches the world through the features; those of policy and value do not.

    There are no optimisers here: the three are losses for the program's groups (`Config.trained`).

    Deviations. From both: returns begin with the reward of arriving at i+1, as everywhere here, while V2 counts that of
    the start, and leaves the last action out; a start weighs 1, or 0 where the episode ended, while V3 weighs it by its
    predicted continuation. From V2: with both gradients, its code does not hold the action still in log pi(a).
    """

    Config = ActorCriticConfig
    ends: Tensor
    updates: Tensor

    def __init__(self, config: ActorCriticConfig, deter: int, stoch: int, actions: Actions) -> None:
        super().__init__(config.actor, (deter, stoch, actions))
        self._config = config
        self._share = _share(config, actions)
        self.critic = Critic(config.critic, deter, stoch, config.target_rate)
        self.register_buffer("ends", torch.zeros(2))  # low and high, each an average of its own
        self.register_buffer("updates", torch.zeros((), dtype=torch.long))
        self.optimisers = {}

    def loss(self, world: World, experience: Experience, generator: torch.Generator) -> tuple[Losses, Metrics]:
        """The losses of actor and critic, from a dream of their own; the range of returns moves.

        Returns:
            Losses: behaviour/policy and behaviour/value "N H"; behaviour/replay "B T" where it has a weight. None of
            them without a graph.
            Metrics: value and return in the environment's units, entropy, the advantage's mean size.
        """
        if not torch.is_grad_enabled():
            return {}, {}
        config = self._config
        judged = self._judge(world, experience, generator)
        chosen = judged.imagined.dream.chosen.detach()
        policy, entropy = self._policy(judged, chosen)
        value = judged.weight * self.critic.loss(chosen, judged.returns.detach(), config.regulariser)
        losses = {"behaviour/policy": Loss(policy), "behaviour/value": Loss(value)}
        if config.replay:
            losses["behaviour/replay"] = Loss(self._replay(experience, judged), config.replay)
        unit = world.preprocess.reward_unit
        returns = judged.returns.detach()
        return losses, {
            "entropy": entropy.detach().mean(),
            "value/mean": judged.value.mean() * unit,
            "return/dreamed": returns.mean() * unit,
            "return/scale": (self.ends[1] - self.ends[0]) * unit,
            "advantage/size": ((returns - judged.value) / judged.scale).abs().mean(),
        }

    def value(self, features: Features) -> Tensor:
        """What returns are bootstrapped with, "N"."""
        return self._value(features)

    def learn(self, world: World, experience: Experience, generator: torch.Generator) -> Metrics:
        """Target and policy follow what the program's groups have moved; nothing is measured."""
        every = self._config.target_every
        self.critic.follow(None if every == 1 else (self.updates % every == 0).float())
        self.updates += 1
        self.actor.follow()
        return {}

    def _judge(self, world: World, experience: Experience, generator: torch.Generator) -> Judged:
        config = self._config
        # The score function needs no graph of the dream, the dynamics' gradient none to the weights.
        with frozen(world, self.critic.value), torch.set_grad_enabled(self._share > 0):
            imagined = self.dream(world, experience, config.starts, config.horizon, generator)
            dream = imagined.dream
            discount = config.gamma * dream.continue_
            value = self._value(dream.features)
            returns = lambda_return(dream.reward, discount, value[:, 1:], config.lambda_)
            weight = imagined.going.unsqueeze(-1) * reach(discount.detach())
            scale = self._scale(returns.detach())
            pull = torch.zeros_like(imagined.nudge)
            if self._share:
                (pull,) = torch.autograd.grad((weight * returns / scale).sum(), imagined.nudge)
        return Judged(imagined, returns.detach(), value[:, :-1].detach(), weight, scale, pull)

    def _policy(self, judged: Judged, chosen: Features) -> tuple[Tensor, Tensor]:
        """The policy's loss and its entropy, "N H"."""
        share, weight = self._share, judged.weight
        choice = self.actor.choose(chosen, judged.imagined.noise)
        loss = self._spread(weight, choice.entropy)
        if share < 1:
            advantage = (judged.returns - judged.value) / judged.scale
            loss = loss - (1 - share) * weight * choice.log_prob * advantage
        if share > 0:
            # The value of what is ascended, with the gradient that the dynamics hand to the actions.
            path = (judged.pull * choice.action).sum(-1)
            loss = loss - share * (weight * judged.returns / judged.scale + path - path.detach())
        return loss, choice.entropy

    def _spread(self, weight: Tensor, entropy: Tensor) -> Tensor:
        """What the policy pays for its entropy, "N H": less of it for more, or only what it lacks to its floor."""
        config = self._config
        most = uniform_entropy(self.actor.actions)
        if not config.entropy_floor:
            return -config.entropy * weight * entropy
        if not most:
            return torch.zeros_like(entropy)  # there is nothing to choose
        return config.entropy * shortfall(weight * entropy / most, config.entropy_floor)

    def _replay(self, experience: Experience, judged: Judged) -> Tensor:
        """The critic's loss on the chunk, "B T"; zero at the chunk's last step and at the last one of an episode.

        The lambda-return of the real rewards, in the world's unit, with discount gamma (1 - terminal). It is
        bootstrapped with the dream's own return where a dream started (DreamerV3 dreams from every step), and with the
        critic's value at the other steps. At the end of an episode, which a time limit may have set, and at that of the
        chunk, it ends with that bootstrap.

        Deviation: the mean is over T steps, one of which is zero; the paper's code divides by T - 1.
        """
        config, batch, trace = self._config, experience.batch, experience.trace
        imagined = judged.imagined
        with torch.no_grad():
            boot = self._value(trace.features)
            boot[imagined.rows, imagined.steps] = judged.returns[:, 0]
            last = torch.cat([batch.first[:, 1:], torch.ones_like(batch.first[:, :1])], 1)
            discount, over = config.gamma * (1 - batch.terminal), last[:, 1:]
            # A return that ends at t+1 is r_{t+1} + d v_{t+1}: all of it a reward, after which nothing is counted.
            reward = (trace.reward + last * discount * boot)[:, 1:]
            returns = lambda_return(reward, discount[:, 1:] * (1 - over), boot[:, 1:], config.lambda_)
            target = torch.cat([returns, torch.zeros_like(boot[:, :1])], 1)
        return (1 - last) * self.critic.loss(trace.features, target, config.regulariser)

    def _value(self, features: Features) -> Tensor:
        return {"value": self.critic.value, "target": self.critic.target}[self._config.bootstrap](features)

    def _scale(self, returns: Tensor) -> Tensor:
        if not self._config.return_scale:
            return torch.ones_like(returns[0, 0])
        rate = torch.where((self.ends == 0).all(), 1.0, 0.01)
        self.ends.lerp_(quantiles(returns), rate)
        return (self.ends[1] - self.ends[0]).clamp_min(1.0)
