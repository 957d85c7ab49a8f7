"""What tells a healthy world from a sick one."""

import torch
from jaxtyping import Float
from torch import Tensor

from reverie.types import Batch, Metrics, Trace
from reverie.world.world import World


@torch.no_grad()
def diagnose(world: World, batch: Batch, trace: Trace, foretold: Float[Tensor, "B T"]) -> Metrics:
    """Figures of a batch that the losses hide.

    Args:
        world: whose figures they are.
        batch: what happened.
        trace: what the world made of it.
        foretold: the weight of each step in the figures of what is predicted; a step of which nothing was known tells
            nothing of the predictions that are learned.

    Returns:
        Metrics: kl, the mismatch of posterior and prior in nats before free nats; latent/posterior_entropy and
        latent/prior_entropy in nats; reward/error, the mean absolute error in the environment's units.
    """
    latent = world.dynamics.latent
    posterior, prior = trace.posterior.float(), trace.prior.float()
    error = world.reward(trace.features) * world.preprocess.reward_unit - batch.reward

    def mean(figure: Tensor) -> Tensor:
        return (figure * foretold).sum() / foretold.sum().clamp_min(1)

    return {
        "kl": mean(latent.mismatch(posterior, prior, trace.stoch)),
        "latent/posterior_entropy": latent.posterior(posterior).entropy().mean(),
        "latent/prior_entropy": mean(latent.prior(prior).entropy()),
        "reward/error": mean(error.abs()),
    }
