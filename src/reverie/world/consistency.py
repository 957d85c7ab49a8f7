"""A world that never reconstructs: what it dreams along real actions has to be what it then sees."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.errors import UserError
from reverie.nets.optimiser import OptimiserConfig
from reverie.types import Batch, Experience, Features, Loss, Losses, State, Trace
from reverie.world.imagine import along
from reverie.world.objective import Weights
from reverie.world.world import World


@dataclass(frozen=True, kw_only=True)
class ConsistencyConfig(Weights):
    """Predicted latents are matched to encoded ones; the values are TD-MPC2's."""

    optimiser: OptimiserConfig = field(default_factory=lambda: OptimiserConfig(lr=3e-4, clip=20.0))
    """how the world descends"""
    encoder_rate: float = 0.3
    """learning rate of the encoder and the posterior, as a share of the world's"""
    distance: Literal["squared", "cosine", "mismatch"] = "squared"
    """between dreamed and encoded latents; squared: the mean over their numbers (TD-MPC2); cosine: the squared distance
    of their directions (TCRL); mismatch: the latents' own, such as the cross-entropy of codes (DCWM)"""
    consistency: float = 20.0
    """weight of that distance"""
    reward: float = 0.1
    """weight of the reward's negative log-likelihood"""
    continuation: float = 0.1
    """weight of the continuation's cross-entropy"""
    rho: float = 0.5
    """a step of the unroll weighs that share of the step before"""
    target_rate: float = 1.0
    """share by which the encoder that is matched follows the one that learns; 1 is that one itself (TCRL: 0.005)"""

    def __post_init__(self) -> None:
        self.check("objective")
        for name in ("rho", "target_rate"):
            if not 0 < getattr(self, name) <= 1:
                raise UserError(f"objective.{name.replace('_', '-')} must be in (0, 1], not {getattr(self, name)}")

    @property
    def lr_scales(self) -> tuple[tuple[str, float], ...]:
        """Modules whose learning rate is a share of the world's: all that leads from an observation to z."""
        return (("world.encoder", self.encoder_rate), ("world.dynamics.posterior", self.encoder_rate))


def within(first: Tensor) -> Tensor:
    """Whether each step after a chunk's first one is still in its episode: "B T" to "B T-1"."""
    return torch.cumprod(1 - first[:, 1:], 1)


class Target(NamedTuple):
    """What dreamed latents are matched to: a posterior's parameters "B H P" and z "B H Z", without a gradient."""

    parameters: Tensor
    stoch: Tensor


def _squared(world: World, dreamed: Features, target: Target) -> Tensor:
    return (dreamed.stoch - target.stoch).square().mean(-1)


def _cosine(world: World, dreamed: Features, target: Target) -> Tensor:
    return 2 - 2 * F.cosine_similarity(dreamed.stoch, target.stoch, dim=-1)


def _mismatch(world: World, dreamed: Features, target: Target) -> Tensor:
    dynamics = world.dynamics
    return dynamics.latent.mismatch(target.parameters, dynamics.prior(dreamed.deter), target.stoch)


DISTANCES: dict[str, Callable[[World, Features, Target], Tensor]] = {
    "squared": _squared,
    "cosine": _cosine,
    "mismatch": _mismatch,
}
"""From dreamed features and their target to "B H"."""


class Consistency(nn.Module):
    """An unroll from the chunk's first observation along the actions that were taken (TD-MPC2, eq. 3, but the value).

        L = sum_t rho^t ( consistency d(z'_{t+1}, sg z_{t+1}) + reward nll(r_{t+1}) + continuation nll(c_{t+1}) )

    z' is dreamed, z encoded, d one of `DISTANCES`; steps of another episode than the first count nothing. Where the
    prior has chances, z' is drawn from it, and the gradient passes the draw (DCWM). Losses that the behaviour adds,
    such as its critic's, shape the world through the same unroll.

    Deviations: the target of z may be a slow copy of the encoder, which is TCRL's; the mean over steps stands where the
    papers' sums do, as in their codes; there is a continuation, which the papers' tasks do not need.
    """

    Config: type[Any] = ConsistencyConfig
    needs_bounded = False
    needs_encode = True
    needs_exact = False
    needs_certain = True
    reconstructs = False
    staged = False

    def __init__(self, config: ConsistencyConfig, world: World) -> None:
        super().__init__()
        self._config = config
        self._distance = DISTANCES[config.distance]
        self._slow = nn.ModuleList()
        if config.target_rate < 1:
            copies = (copy.deepcopy(module) for module in self._encoding(world))
            self._slow.extend(module.requires_grad_(False) for module in copies)

    def foretold(self, first: Tensor) -> Tensor:
        """What follows a chunk's first step in its episode."""
        return torch.cat([torch.zeros_like(first[:, :1]), within(first)], 1)

    @torch.no_grad()
    def follow(self, world: World) -> None:
        """The slow encoder follows, where there is one."""
        for slow, fast in zip(self._slow, self._encoding(world), strict=False):
            own: list[Tensor] = list(slow.parameters())
            torch._foreach_lerp_(own, list[Tensor](fast.parameters()), self._config.target_rate)

    def forward(
        self, world: World, batch: Batch, state: State, generator: torch.Generator | None
    ) -> tuple[Experience, Losses]:
        """What was encoded, what was dreamed from the chunk's first step, and its losses, "B T-1" each."""
        config = self._config
        observation, inputs = world.preprocess(batch.observation), world.arriving(batch.action, batch.reward)
        embed = world.encoder(observation)
        trace = world.dynamics.observe(embed, inputs, batch.first, state, generator)
        rows = torch.arange(len(batch.first), device=batch.first.device)
        start = world.dynamics.start(trace, rows, torch.zeros_like(rows))
        dreamed = along(world, batch.action[:, 1:], start, generator)
        arrived = dreamed.at(slice(1, None))
        steps = torch.arange(arrived.stoch.shape[1], device=rows.device)
        weight = within(batch.first) * config.rho**steps
        with torch.no_grad():
            target = Target(*(x[:, 1:] for x in self._target(world, observation, trace)))
        distance = self._distance(world, arrived, target)
        reward = world.reward.loss(arrived, inputs.reward[:, 1:])
        going = world.continue_.loss(arrived, 1 - batch.terminal[:, 1:])
        return Experience(batch, trace, dreamed), {
            "dynamics": Loss(weight * distance, config.consistency),
            "reward": Loss(weight * reward, config.reward),
            "continue": Loss(weight * going, config.continuation),
        }

    def _target(self, world: World, observation: dict[str, Tensor], trace: Trace) -> Target:
        """Of every step of the chunk."""
        if not self._slow:
            return Target(trace.posterior.detach(), trace.stoch.detach())
        encoder, posterior = self._slow
        parameters: Tensor = posterior.mlp(encoder(observation))  # type: ignore[operator]
        return Target(parameters, world.dynamics.latent.posterior(parameters).mode())

    @staticmethod
    def _encoding(world: World) -> tuple[nn.Module, nn.Module]:
        return world.encoder, world.dynamics.posterior  # type: ignore[return-value]
