"""What the world learns from a batch."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from reverie.errors import UserError
from reverie.nets.optimiser import OptimiserConfig
from reverie.types import Batch, Experience, Features, Loss, Losses, State, Trace
from reverie.world.world import World


class Objective(Protocol):
    """Losses of the world on a batch, and the experience that they were computed on.

    A module: what it needs beside the world, such as a target encoder, is its own, saved and named in groups like the
    rest.
    """

    needs_bounded: ClassVar[bool]
    """Whether it measures the latents' entropy by the largest one."""
    needs_encode: ClassVar[bool]
    """Whether it needs latents that are known from the observation alone."""
    staged: ClassVar[bool]
    """Whether its parts are objectives themselves, for stages that follow each other."""
    needs_exact: ClassVar[bool]
    """Whether it has a floor for the mismatch of posterior and prior, or their mismatch in the other order."""

    needs_certain: ClassVar[bool]
    """Whether latents must be functions of their parameters."""
    reconstructs: ClassVar[bool]
    """Whether observations are decoded."""

    def __call__(
        self, world: World, batch: Batch, state: State, generator: torch.Generator | None
    ) -> tuple[Experience | None, Losses]:
        """The chunk follows the given state; losses are unreduced, "B T". No experience where nothing
        is remembered.
        """
        ...

    def foretold(self, first: Tensor) -> Tensor:
        """1 at the steps of a chunk whose predictions are learned, 0 at others: "B T" to "B T"."""
        ...

    def follow(self, world: World) -> None:
        """After each step of the world: move what follows it."""
        ...


class Weights:
    """A dataclass of numbers none of which may be negative."""

    @property
    def lr_scales(self) -> tuple[tuple[str, float], ...]:
        """Modules whose learning rate is a share of the world's; none."""
        return ()

    def check(self, name: str) -> None:
        """See to that; name is what stands before theirs.

        Raises:
            UserError: for a negative one.
        """
        for weight in fields(self):  # type: ignore[arg-type]
            value = getattr(self, weight.name)
            if isinstance(value, int | float) and not value >= 0:
                raise UserError(f"{name}.{weight.name.replace('_', '-')} must not be negative, not {value}")


@dataclass(frozen=True, kw_only=True)
class WeightsConfig(Weights):
    """The weights that every objective of reconstruction and prediction has."""

    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    """how the world descends; where two models learn apart, each has an optimiser of its own, of these values"""
    vector: float = 4.0
    """weight of the vectors' negative log-likelihood (half the summed squared error)"""
    image: float = 0.02
    """weight of the images' negative log-likelihood, summed over pixels"""
    reward: float = 2.0
    """weight of the reward's negative log-likelihood"""
    continuation: float = 1.0
    """weight of the continuation's cross-entropy"""
    dynamics: float = 0.5
    """weight of the mismatch by which the prior learns to predict the posterior"""

    def __post_init__(self) -> None:
        self.check("objective")


@dataclass(frozen=True, kw_only=True)
class FilteringConfig(WeightsConfig):
    """The variational bound: reconstruction, reward, continuation and the mismatch of posterior and prior."""

    representation: float = 0.1
    """weight of the mismatch by which the posterior learns to be predictable"""
    free_nats: float = 1.0
    """a mismatch below this costs nothing"""


def reconstruction(
    world: World,
    features: Features,
    observation: Mapping[str, Tensor],
    config: Any,
    weights: Mapping[str, Tensor] | None = None,
) -> Losses:
    """The loss of each preprocessed observation that is decoded, by the weights `vector` and `image`.

    weights: of the single errors within some of them.
    """
    if world.decoder is None:
        return {}
    return {
        f"observation/{key}": Loss(loss, config.image if observation[key].dim() == 5 else config.vector)
        for key, loss in world.decoder.loss(features, observation, weights).items()  # 5: "B T H W C", else "B T F"
    }


class Filtering(nn.Module):
    """The evidence lower bound of a latent state-space model (PlaNet, eq. 3; Dreamer, eq. 10; V2, eq. 2: the balance).

    L = observation + reward + continuation
        + dynamics max(KL(sg q || p), free) + representation max(KL(q || sg p), free)

    Deviation: free nats are a floor for each state, as in DreamerV3; Dreamer clipped the mean of the batch.
    """

    Config: type[Any] = FilteringConfig
    needs_bounded = False
    needs_encode = False
    needs_exact = True
    needs_certain = False
    reconstructs = True
    staged = False

    def __init__(self, config: Any, world: World) -> None:
        super().__init__()
        self._config = config

    def foretold(self, first: Tensor) -> Tensor:
        """All: a chunk's first step is predicted from the state that it follows."""
        return torch.ones_like(first)

    def follow(self, world: World) -> None:
        """Nothing follows the world."""

    def forward(
        self, world: World, batch: Batch, state: State, generator: torch.Generator | None
    ) -> tuple[Experience, Losses]:
        """The trace of the chunk and its losses, "B T" each."""
        config = self._config
        observation = world.preprocess(batch.observation)
        embed = world.encoder(observation)
        inputs = world.arriving(batch.action, batch.reward)
        trace = world.dynamics.observe(embed, inputs, batch.first, state, generator)
        losses = self._mismatch(world, trace) | reconstruction(world, trace.features, observation, config)
        losses["reward"] = Loss(world.reward.loss(trace.features, inputs.reward), config.reward)
        losses["continue"] = Loss(world.continue_.loss(trace.features, 1 - batch.terminal), config.continuation)
        return Experience(batch, trace), losses

    def _mismatch(self, world: World, trace: Trace) -> Losses:
        latent, config = world.dynamics.latent, self._config
        posterior, prior = trace.posterior.float(), trace.prior.float()

        def free(nats: Tensor) -> Tensor:
            return nats.clamp_min(config.free_nats)

        return {
            "dynamics": Loss(free(latent.mismatch(posterior.detach(), prior, trace.stoch.detach())), config.dynamics),
            "representation": Loss(
                free(latent.mismatch(posterior, prior.detach(), trace.stoch)), config.representation
            ),
        }
