"""The plainest recipes: a recurrent state-space model (Hafner et al. 2019), and an actor that follows imagined value.

One recipe with two families of latents, diagonal Gaussian and categorical; docs/presets/rssm.md.
"""

from typing import Any

from reverie.agents import dreamer
from reverie.agents.config import TrainConfig
from reverie.agents.parts import Parts
from reverie.agents.preset import Preset
from reverie.agents.programs import one_world
from reverie.behaviour.policy import ActorConfig
from reverie.behaviour.value_gradient import ValueGradientConfig
from reverie.latent.categorical import CategoricalConfig
from reverie.latent.gaussian import GaussianConfig
from reverie.nets.mlp import MLPConfig
from reverie.nets.optimiser import OptimiserConfig
from reverie.world.heads import HeadConfig
from reverie.world.objective import FilteringConfig

LAPTOP: dict[str, Any] = {
    "train": TrainConfig(threads=1),
    "latent": (GaussianConfig(size=16), CategoricalConfig(groups=32, classes=16, unimix=0.0)),
}
"""Small networks; what is not named has the part's default."""

SHARP: dict[str, Any] = LAPTOP | {"objective": (FilteringConfig(vector=16.0, representation=0.02, free_nats=0.0),)}
"""The same for categorical latents, which blur what they are not made to keep: a state weighs four times as much, and
the posterior is pulled a fifth as hard to what was predicted, from the first nat on."""

_SLOW = OptimiserConfig(lr=8e-5, clip=100.0)
PAPER: dict[str, Any] = {
    **dreamer.PAPER,
    "latent": (GaussianConfig(size=30, min_std=0.1), CategoricalConfig(groups=32, classes=32, unimix=0.0)),
    "behaviour": (
        ValueGradientConfig(
            actor=ActorConfig(mlp=MLPConfig(layers=4, units=400, norm="none", activation="elu")),
            critic=HeadConfig(mlp=MLPConfig(layers=3, units=400, norm="none", activation="elu")),
            actor_optimiser=_SLOW,
            critic_optimiser=_SLOW,
            horizon=15,
            starts=0,
            gamma=0.99,
            entropy=1e-4,
            target_rate=1.0,
            return_scale=False,
        ),
    ),
}
"""Dreamer's published networks and training; the categorical latent has DreamerV2's size."""


def _preset(kind: str, latent: str, laptop: dict[str, Any], summary: str, paper: str) -> Preset:
    return Preset(
        name=f"rssm-{kind}",
        summary=summary,
        paper=paper,
        parts=Parts(backbone="gru", latent=latent, posterior="filter", behaviour="value-gradient"),
        scales={"laptop": laptop, "paper": PAPER},
        program=one_world,
    )


RSSM_CONTINUOUS = _preset(
    "continuous",
    "gaussian",
    LAPTOP,
    "the plain RSSM with Gaussian latents, actor by the gradient of imagined value",
    "Hafner et al. 2019, Learning Latent Dynamics for Planning from Pixels",
)
RSSM_DISCRETE = _preset(
    "discrete",
    "categorical",
    SHARP,
    "the plain RSSM with categorical latents, actor by the gradient of imagined value",
    "Hafner et al. 2021, Mastering Atari with Discrete World Models, section 2",
)
