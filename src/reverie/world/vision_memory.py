"""Losses of two models that learn one after the other (World Models): V, which sees, and M, which remembers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from reverie.dynamics.posterior import Encode
from reverie.errors import UserError
from reverie.latent.latent import draw
from reverie.nets.optimiser import OptimiserConfig
from reverie.types import Batch, Experience, Features, Loss, Losses, State
from reverie.world.objective import Weights, reconstruction
from reverie.world.world import World

STORED = "posterior"
"""The column of a batch that holds what V has made of it: the parameters of q, "B T P"."""


@dataclass(frozen=True, kw_only=True)
class VisionConfig(Weights):
    """V, a variational autoencoder of single observations."""

    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    """how V descends"""
    vector: float = 4.0
    """weight of the vectors' negative log-likelihood (half the summed squared error)"""
    image: float = 1.0
    """weight of the images' negative log-likelihood, summed over pixels"""
    bright: float = 0.0
    """a pixel's error weighs 1 + bright * x, x being how far above zero its colour's mean is once it is preprocessed:
    small things that glow are seen sooner"""
    prior: float = 1.0
    """weight of KL(q || N(0, 1))"""
    free_nats: float = 0.5
    """below this, for each dimension of z, that costs nothing"""
    updates: int = 2_000
    """in the first round, and as many in each that follows"""
    rows: int = 256
    """observations per update, drawn one by one"""


@dataclass(frozen=True, kw_only=True)
class MemoryConfig(Weights):
    """M, a model of what V will see next, of rewards and of ends."""

    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    """how M descends"""
    dynamics: float = 1.0
    """weight of the mismatch between what V saw and what M expected (of a mixture: -log p(z))"""
    reward: float = 1.0
    """weight of the reward's negative log-likelihood"""
    continuation: float = 1.0
    """weight of the continuation's cross-entropy"""
    updates: int = 4_000
    """in the first round, and as many in each that follows"""


@dataclass(frozen=True, kw_only=True)
class ControlConfig:
    """C, which learns when V and M have."""

    updates: int = 60
    """of the behaviour in each round; of an evolution: generations"""
    evaluate_every: int = 10
    """updates between evaluations"""


@dataclass(frozen=True, kw_only=True)
class VisionMemoryConfig:
    """Rounds in each of which V, M and C learn one after the other."""

    vision: VisionConfig = field(default_factory=VisionConfig)
    """V"""
    memory: MemoryConfig = field(default_factory=MemoryConfig)
    """M"""
    control: ControlConfig = field(default_factory=ControlConfig)
    """C"""
    rounds: int = 1
    """each collects an equal share of --steps: the first at random, the others with the controller"""

    def __post_init__(self) -> None:
        least = {"rounds": self.rounds, "vision.rows": self.vision.rows}
        for name in ("vision", "memory", "control"):
            least[f"{name}.updates"] = getattr(self, name).updates
        least["control.evaluate-every"] = self.control.evaluate_every
        for name, value in least.items():
            if value < 1:
                raise UserError(f"objective.{name} must be at least 1, not {value}")
        for name in ("vision", "memory"):
            getattr(self, name).check(f"objective.{name}")


def posterior_of(world: World, observation: dict[str, Tensor]) -> Float[Tensor, "*B P"]:
    """The parameters of q of preprocessed observations "... .."."""
    posterior = world.dynamics.posterior
    assert isinstance(posterior, Encode), posterior  # as `needs_encode` says
    return posterior.mlp(world.encoder(observation))


def glow(observation: Mapping[str, Tensor], bright: float) -> dict[str, Tensor]:
    """Weights "... H W 1" of the errors of preprocessed images "B T H W C": what is brighter weighs more.

    None at 0. A fireball far away is one pixel in two thousand, and its error less than the noise of a wall's bricks.
    """
    if not bright:
        return {}
    images = {key: x for key, x in observation.items() if x.dim() == 5}
    return {key: 1 + bright * x.mean(-1, keepdim=True).clamp_min(0) for key, x in images.items()}


class _Alone(nn.Module):
    """One of the two models."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self._config = config

    def foretold(self, first: Tensor) -> Tensor:
        """All steps: memory begins empty where a chunk does."""
        return torch.ones_like(first)

    def follow(self, world: World) -> None:
        """Nothing follows the world."""


class Vision(_Alone):
    """L = reconstruction + KL(q(z | o) || N(0, 1)), the latter with a floor (World Models, appendix A.1, its code)."""

    def forward(
        self, world: World, batch: Batch, state: State, generator: torch.Generator | None
    ) -> tuple[None, Losses]:
        """Losses "B T" of each observation by itself; nothing is remembered, so there is no experience."""
        latent, config = world.dynamics.latent, self._config
        observation = world.preprocess(batch.observation)
        parameters = posterior_of(world, observation).float()
        stoch = draw(latent.posterior(parameters), generator)
        nothing = stoch.new_zeros(*stoch.shape[:-1], 0)
        losses = reconstruction(world, Features(nothing, stoch), observation, config, glow(observation, config.bright))
        nats = latent.departure(parameters).clamp_min(config.free_nats * latent.size)
        return None, losses | {"prior": Loss(nats, config.prior)}


class Memory(_Alone):
    """L = -log p(z_t | h_t) + reward + continuation (World Models, appendix A.2), z drawn from q again each time.

    Of latents whose mismatch is exact it is that, which for p is the same in the mean.

    Deviations: rewards and ends are read from (h_t, z_t), and there are always both; its code predicts ends alone, and
    those with h_t.
    """

    def forward(
        self, world: World, batch: Batch, state: State, generator: torch.Generator | None
    ) -> tuple[Experience, Losses]:
        """The trace and its losses "B T". What V made of the observations is read from the batch if it is there."""
        dynamics, config = world.dynamics, self._config
        with torch.no_grad():
            stored = batch.opaque.get(STORED)
            parameters = posterior_of(world, world.preprocess(batch.observation)) if stored is None else stored
        inputs = world.arriving(batch.action, batch.reward)
        assert isinstance(dynamics.posterior, Encode), dynamics.posterior
        trace = dynamics.posterior.recall(dynamics, parameters, inputs, batch.first, state, generator)
        mismatch = dynamics.latent.mismatch(trace.posterior.float(), trace.prior.float(), trace.stoch)
        losses = {
            "dynamics": Loss(mismatch, config.dynamics),
            "reward": Loss(world.reward.loss(trace.features, inputs.reward), config.reward),
            "continue": Loss(world.continue_.loss(trace.features, 1 - batch.terminal), config.continuation),
        }
        return Experience(batch, trace), losses


class VisionMemory(_Alone):
    """V and M, each an objective for a stage of its own; by itself it only observes.

    Which modules learn from which is the program's to say (`agents.preset.stages`).
    """

    Config = VisionMemoryConfig
    needs_bounded = False
    needs_encode = True
    needs_exact = False
    needs_certain = False
    reconstructs = True
    staged = True

    def __init__(self, config: VisionMemoryConfig, world: World) -> None:
        """Raises UserError where the decoder reads what V does not know."""
        super().__init__(config)
        if world.decoder is None or world.decoder.reads != "z":
            raise UserError("--decoder.reads must be z with --objective vision-memory: V knows of no h")
        self.vision, self.memory = Vision(config.vision), Memory(config.memory)

    def forward(
        self, world: World, batch: Batch, state: State, generator: torch.Generator | None
    ) -> tuple[Experience, Losses]:
        """What the world makes of the chunk, without a loss."""
        return Experience(batch, world.observe(batch, state, generator)), {}
