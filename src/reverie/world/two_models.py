"""Losses of an observation model and of a dynamics model that learn apart (TWM)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.errors import UserError
from reverie.ops.shortfall import shortfall
from reverie.types import Batch, Experience, Loss, Losses, State, Trace
from reverie.world.objective import Filtering, WeightsConfig
from reverie.world.world import World

PREDICTED = ("dynamics", "consistency", "reward", "continue")
"""Losses of what is told from the steps before."""


@dataclass(frozen=True, kw_only=True)
class TwoModelsConfig(WeightsConfig):
    """An observation model that keeps its latents varied and predictable, and a dynamics that predicts them."""

    entropy: float = 5.0
    """weight of what the latents' entropy lacks to its floor"""
    entropy_floor: float = 0.1
    """share of the largest entropy that latents should have in the mean of a batch; below, the lack is a loss"""
    consistency: float = 0.01
    """weight of the mismatch by which the posterior learns to be what was predicted"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.entropy_floor <= 1:
            raise UserError(f"objective.entropy-floor must be in [0, 1], not {self.entropy_floor}")


class TwoModels(Filtering):
    """The observation model's and the dynamics model's losses (Robine et al. 2023, eq. 4 and 5; its code).

        Observation model:  observation + entropy max(0, floor - mean H(q) / H_max) + consistency KL(sg p || q)
        Dynamics model:     dynamics KL(sg q || p) + reward + continuation

    Which modules learn from which is the program's to say (`agents.twm.two_models`).

    The paper writes cross-entropies where KL stands; a cross-entropy whose target has no gradient differs from it by a
    constant. The consistency is its code's, H(p, q), where the paper writes H(q, p): with the latter a posterior does
    best to be certain, and only the entropy's loss would hold it back.

    The first step of a chunk is context, unless an episode begins there: nothing is known of it, and what cannot be
    predicted would be most of every loss.

    Deviations: the step after an episode's end counts, where its dynamics leaves it out (here it predicts the beginning
    of the next from nothing); the latents that enter the dynamics have no gradient by the groups, not by a cut.
    """

    Config = TwoModelsConfig
    needs_bounded = True

    def forward(
        self, world: World, batch: Batch, state: State, generator: torch.Generator | None
    ) -> tuple[Experience, Losses]:
        """The trace of the chunk and its losses, "B T" each."""
        experience, losses = super().forward(world, batch, state, generator)
        known = self.foretold(batch.first)
        predicted = {name: losses[name] for name in PREDICTED}
        return experience, losses | {name: Loss(known * loss.value, loss.weight) for name, loss in predicted.items()}

    def foretold(self, first: Tensor) -> Tensor:
        """All but a chunk's first step, unless an episode begins there."""
        return torch.cat([first[:, :1], torch.ones_like(first[:, 1:])], 1)

    def _mismatch(self, world: World, trace: Trace) -> Losses:
        latent, config = world.dynamics.latent, self._config
        posterior, prior = trace.posterior.float(), trace.prior.float()
        share = latent.posterior(posterior).entropy() / latent.largest_entropy
        return {
            "dynamics": Loss(latent.mismatch(posterior.detach(), prior, trace.stoch.detach()), config.dynamics),
            "entropy": Loss(shortfall(share, config.entropy_floor), config.entropy),
            "consistency": Loss(latent.mismatch(prior.detach(), posterior, trace.stoch.detach()), config.consistency),
        }
