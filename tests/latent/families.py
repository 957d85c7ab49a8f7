"""What the tests know of each latent family beside its Protocol: a small instance, and the density of a sample.

A family that is registered and not listed here makes the tests fail: write its density.
"""

import torch
from torch import Tensor

from reverie.latent.categorical import Categorical, CategoricalConfig, OneHot
from reverie.latent.deterministic import Deterministic, DeterministicConfig
from reverie.latent.fsq import FSQ, FSQConfig
from reverie.latent.gaussian import Gaussian, GaussianConfig, Normal
from reverie.latent.mixture import Mixed, Mixture, MixtureConfig
from reverie.latent.simnorm import SimNorm, SimNormConfig

FAMILIES = {
    "gaussian": Gaussian(GaussianConfig(size=3)),
    "mixture": Mixture(MixtureConfig(size=3, components=2)),
    "simnorm": SimNorm(SimNormConfig(groups=2, classes=3)),
    "fsq": FSQ(FSQConfig(groups=3, levels=(4, 3))),
    "deterministic": Deterministic(DeterministicConfig(size=3)),
    "categorical": Categorical(CategoricalConfig(groups=2, classes=3, unimix=0.1)),
}


def log_density(distribution: Normal | Mixed | OneHot, z: Tensor) -> Tensor:
    """log p(z), "..."."""
    if isinstance(distribution, Mixed):
        normals = torch.distributions.Normal(distribution.mean, distribution.std)
        each = normals.log_prob(z.unsqueeze(-1)).exp() * distribution.log_weight.exp()
        return each.sum(-1).log().sum(-1)
    if isinstance(distribution, Normal):
        return torch.distributions.Normal(*distribution).log_prob(z).sum(-1)
    return (z.unflatten(-1, distribution.probs.shape[-2:]) * distribution.probs.log()).sum((-1, -2))


def generator(seed: int = 0) -> torch.Generator:
    """A source of draws."""
    return torch.Generator().manual_seed(seed)
