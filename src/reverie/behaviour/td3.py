"""An actor that ascends an ensemble of action values, which learn by temporal differences (TD3; TD-MPC2; SAC)."""

import copy
from dataclasses import dataclass, field
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from reverie.behaviour.actor import ActorConfig
from reverie.behaviour.behaviour import Trained
from reverie.behaviour.bounds import check
from reverie.behaviour.dreaming import Dreaming
from reverie.errors import UserError
from reverie.nets.ensemble import Ensemble
from reverie.nets.frozen import frozen
from reverie.nets.mlp import MLPConfig
from reverie.nets.optimiser import Optimiser, OptimiserConfig
from reverie.ops.scale import spread
from reverie.types import Actions, Batch, Experience, Features, Loss, Losses, Metrics, Read, read_size
from reverie.world.consistency import within
from reverie.world.heads import OUTPUTS, BinsConfig
from reverie.world.world import World


@dataclass(frozen=True, kw_only=True)
class TD3Config:
    """An actor and an ensemble of critics Q(z, a); the values are TD-MPC2's."""

    actor: ActorConfig = field(default_factory=lambda: ActorConfig(reads="z", min_std=0.05))
    """the policy"""
    critic: MLPConfig = field(default_factory=lambda: MLPConfig(layers=2))
    """each critic's network; its layers have a bias and begin as torch's do, whatever bias and init say"""
    reads: Read = "z"
    """what critics read beside the action: h, z or both"""
    output: Literal["squared", "two-hot"] = "two-hot"
    """a Gaussian of unit variance (TD3), or a softmax over bins in symlog space (TD-MPC2)"""
    bins: BinsConfig = field(default_factory=BinsConfig)
    """the bins, where there are any"""
    members: int = 5
    """E, critics"""
    asked: int = 0
    """of them, how many value the end of a plan (TD-MPC2: 2); 0: all"""
    actor_optimiser: OptimiserConfig = field(default_factory=lambda: OptimiserConfig(lr=3e-4, clip=20.0))
    """how the actor descends"""
    critic_optimiser: OptimiserConfig = field(default_factory=lambda: OptimiserConfig(lr=3e-4, clip=20.0))
    """how the critics descend"""
    value: float = 0.1
    """weight of the critics' loss"""
    shapes: bool = True
    """values learn along the objective's unroll, and their loss shapes the world (TD-MPC2); otherwise they learn at
    what was encoded, and leave that as it is (TCRL, DCWM)"""
    horizon: int = 0
    """steps of the dreams that values and policy learn from; 0: they learn from what was really done"""
    starts: int = 64
    """states of a batch from which they are dreamed; 0: all of them"""
    rho: float = 0.5
    """a step of the unroll weighs that share of the step before"""
    gamma: float = 0.99
    """discount per agent step"""
    nstep: int = 1
    """real rewards in a target before it is bootstrapped, as far as the chunk has them (TCRL: 3)"""
    smoothing: float = 0.0
    """standard deviation of the noise on the target's actions, cut at 0.3 (TD3: 0.2); 0: they are sampled (SAC)"""
    entropy: float = 1e-4
    """weight of the policy's entropy, beside values divided by their range"""
    target_rate: float = 0.01
    """share by which the targets follow the critics in each update"""

    def __post_init__(self) -> None:
        weights = ("asked", "horizon", "starts", "value", "smoothing", "entropy")
        check(self, counts=("members", "nstep"), weights=weights)
        if self.asked > self.members:
            raise UserError(f"behaviour.asked must be at most behaviour.members = {self.members}, not {self.asked}")
        for name in ("rho", "gamma", "target_rate"):
            if not 0 < getattr(self, name) <= 1:
                raise UserError(f"behaviour.{name.replace('_', '-')} must be in (0, 1], not {getattr(self, name)}")

    @property
    def trained(self) -> tuple[Trained, ...]:
        """The critics, whose loss may shape the world too; the actor has an optimiser of its own."""
        shaping = ("value",) if self.shapes and not self.horizon else ()
        return (Trained("critic", ("critic",), ("value",), self.critic_optimiser, shaping=shaping),)


class TD3(Dreaming):
    """Values learn where the objective's unroll went; the actor ascends them there.

        Q_e:    sum_t rho^t nll( Q_e(z'_t, a_t), r_{t+1} + gamma c_{t+1} min(Q-_i, Q-_j)(z_{t+1}, a') ),  a' ~ pi
        actor:  maximise  sum_t rho^t ( mean(Q_i, Q_j)(z'_t, a) / S  +  entropy H ),   a ~ pi(z'_t)

    z' is what the objective dreamed along the real actions, z what it encoded; without an unroll, or where values are
    not to shape the world, both are the latter, and every step whose successor is of its episode counts alike. With a
    horizon all is of a dream of the policy's own: steps weigh the chance that they come, r and c are the world's, and
    neither values nor policy move it. i and j
    are drawn anew at each update; S is the range of the values from the 5 to the 95 % quantile, at least 1 (TD-MPC2,
    section 3.1 and its code). c is the chunk's own: no target reaches past an end.

    With smoothing, without entropy and with squared critics targets are those of TD3 (Fujimoto et al. 2018); the actor
    ascends its samples all the same, and at every update. Two-hot critics tell values apart that differ by a tenth, and
    not those that differ by a hundredth.

    Deviation from TD-MPC2: no number of the critics is left out at random, which would be drawn outside of the run's
    own generators.
    """

    Config = TD3Config
    value_range: Tensor

    def __init__(self, config: TD3Config, deter: int, stoch: int, actions: Actions) -> None:
        super().__init__(config.actor, (deter, stoch, actions))
        if config.smoothing and actions.groups:
            raise UserError("behaviour.smoothing is for continuous actions, and these are choices: set it to 0")
        self._config = config
        inputs = read_size(config.reads, deter, stoch) + actions.size
        self.output = OUTPUTS[config.output](config.bins)
        self.critic = Ensemble(config.critic, config.members, inputs, self.output.size)
        self.target = copy.deepcopy(self.critic).requires_grad_(False)
        self.register_buffer("value_range", torch.zeros(()))
        self.optimisers = {"actor": Optimiser(config.actor_optimiser, [self.actor])}

    def value(self, features: Features) -> Tensor:
        """The mean of those critics that are asked at the action of the policy's mode, "N".

        Deviation from TD-MPC2, whose code draws them anew each time: they are the first ones, so that a plan depends on
        nothing else than what it begins with.
        """
        asked = torch.arange(self._config.asked, device=features.deter.device) if self._config.asked else None
        return self._values(self.critic, features, self.actor.mode(features), asked).mean(0)

    def loss(self, world: World, experience: Experience, generator: torch.Generator) -> tuple[Losses, Metrics]:
        """The critics' loss "B T-1", or "N H" of a dream; of the unroll's it shapes the world. None without a graph."""
        if not torch.is_grad_enabled():
            return {}, {}
        config, experience = self._config, self._seen(world, experience, generator)
        target, weight = self._targets(world, experience, generator), self._weight(experience)
        told = self._read(self._at(experience), experience.batch.action[:, 1:])
        loss = self.output.loss(self.critic(told), target.expand(config.members, *target.shape)).mean(0)
        unit = world.preprocess.reward_unit
        return {"behaviour/value": Loss(weight * loss, config.value)}, {"value/target": target.mean() * unit}

    def learn(self, world: World, experience: Experience, generator: torch.Generator) -> Metrics:
        """One step of the actor, and the targets follow.

        Returns:
            Metrics: loss, value in the environment's units, entropy, gradient norm.
        """
        config, experience = self._config, self._seen(world, experience, generator)
        features, weight = self._at(experience), self._weight(experience)
        with torch.no_grad():
            _, noise = self.actor.draw(features, generator)
        choice = self.actor.choose(features, noise)
        with frozen(self.critic):
            value = self._values(self.critic, features, choice.action, self._two(generator)).mean(0)
        gain = value / self._scale(value.detach()) + config.entropy * choice.entropy
        loss = -(weight * gain).mean()
        norm = self.optimisers["actor"].step(loss)
        fast: list[Tensor] = list(self.critic.parameters())
        slow: list[Tensor] = list(self.target.parameters())
        with torch.no_grad():
            torch._foreach_lerp_(slow, fast, config.target_rate)
        self.actor.follow()
        return {
            "loss/actor": loss.detach(),
            "value/mean": value.detach().mean() * world.preprocess.reward_unit,
            "entropy": choice.entropy.detach().mean(),
            "grad/actor": norm,
        }

    @torch.no_grad()
    def _targets(self, world: World, experience: Experience, generator: torch.Generator) -> Float[Tensor, "B H"]:
        """The returns of n steps, or of as many as there are in chunk and episode, in the world's unit."""
        batch, config = experience.batch, self._config
        trace = experience.trace
        boot = self._bootstrap(trace.features.at(slice(1, None)).detach(), generator)
        reward = batch.reward[:, 1:] / world.preprocess.reward_unit
        going = config.gamma * (1 - batch.terminal[:, 1:])
        # Where the next step begins another episode, or the chunk is over, a return ends with what it has.
        last = torch.cat([batch.first[:, 2:], torch.ones_like(batch.first[:, :1])], 1)
        target = reward + going * boot
        for _ in range(config.nstep - 1):
            ahead = torch.cat([target[:, 1:], target[:, -1:]], 1)
            target = reward + going * torch.where(last.bool(), boot, ahead)
        return target

    def _bootstrap(self, features: Features, generator: torch.Generator) -> Tensor:
        smoothing = self._config.smoothing
        if smoothing:
            action = self.actor.mode(features)
            noise = torch.empty_like(action).normal_(generator=generator) * smoothing
            action = (action + noise.clamp(-0.3, 0.3)).clamp(-1, 1)
        else:
            action, _ = self.actor.draw(features, generator)
        return self._values(self.target, features, action, self._two(generator)).amin(0)

    def _seen(self, world: World, experience: Experience, generator: torch.Generator) -> Experience:
        """What values learn from: all of it, or what was encoded, cut from its graph, or a dream in its place."""
        if self._config.horizon:
            return self._imagined(world, experience, generator)
        if self._config.shapes:
            return experience
        deter, stoch = experience.trace.features.detach()
        return experience._replace(trace=experience.trace._replace(deter=deter, stoch=stoch), dreamed=None)

    @torch.no_grad()
    def _imagined(self, world: World, experience: Experience, generator: torch.Generator) -> Experience:
        """Dreams of the policy "N H+1 .." as if they had been lived; their ends are chances."""
        config = self._config
        imagined = self.dream(world, experience, config.starts, config.horizon, generator)
        dream, ended = imagined.dream, 1 - imagined.going.unsqueeze(1)
        nothing = torch.zeros_like(ended)
        batch = Batch(
            {},
            torch.cat([torch.zeros_like(dream.action[:, :1]), dream.action], 1),
            torch.cat([nothing, dream.reward * world.preprocess.reward_unit], 1),
            nothing.expand(-1, config.horizon + 1),
            torch.cat([ended, 1 - dream.continue_], 1),
        )
        deter, stoch = dream.features
        return Experience(batch, experience.trace._replace(deter=deter, stoch=stoch))

    def _at(self, experience: Experience) -> Features:
        """Where actions were taken, "B T-1": as it was dreamed, or else encoded."""
        found = experience.trace.features if experience.dreamed is None else experience.dreamed
        return found.at(slice(None, -1))

    def _weight(self, experience: Experience) -> Float[Tensor, "B H"]:
        first = experience.batch.first
        if self._config.horizon:
            return (1 - experience.batch.terminal[:, :-1]).cumprod(1)
        if experience.dreamed is None:
            return 1 - first[:, 1:]
        inside = within(first)
        return inside * self._config.rho ** torch.arange(inside.shape[1], device=first.device)

    def _two(self, generator: torch.Generator) -> Tensor:
        """Two members, or the only one."""
        members = self._config.members
        return torch.randperm(members, generator=generator, device=generator.device)[: min(2, members)]

    def _read(self, features: Features, action: Tensor) -> Tensor:
        return torch.cat([features.read(self._config.reads), action], -1)

    def _values(
        self, critics: nn.Module, features: Features, action: Tensor, asked: Tensor | None = None
    ) -> Float[Tensor, "M *B"]:
        return self.output.mean(critics(self._read(features, action), asked))

    def _scale(self, value: Tensor) -> Tensor:
        rate = torch.where(self.value_range == 0, 1.0, self._config.target_rate)
        self.value_range.lerp_(spread(value), rate)
        return self.value_range.clamp_min(1.0)
