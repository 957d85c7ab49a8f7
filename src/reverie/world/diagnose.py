"""What tells a healthy world from a sick one."""

import torch

from reverie.types import Batch, Metrics, Trace
from reverie.world.world import World


@torch.no_grad()
def diagnose(world: World, batch: Batch, trace: Trace) -> Metrics:
    """Figures of a batch that the losses hide.

    Returns:
        Metrics: kl, the mismatch of posterior and prior in nats before free nats; latent/posterior_entropy and
        latent/prior_entropy in nats; reward/error, the mean absolute error in the environment's units.
    """
    latent = world.dynamics.latent
    posterior, prior = trace.posterior.float(), trace.prior.float()
    error = world.reward(trace.features) * world.preprocess.reward_unit - batch.reward
    return {
        "kl": latent.mismatch(posterior, prior, trace.stoch).mean(),
        "latent/posterior_entropy": latent.posterior(posterior).entropy().mean(),
        "latent/prior_entropy": latent.prior(prior).entropy().mean(),
        "reward/error": error.abs().mean(),
    }
