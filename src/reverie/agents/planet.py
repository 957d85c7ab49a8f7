"""PlaNet (Hafner et al. 2019): an RSSM, and no policy: actions are planned in its dreams.

What differs from the paper, and why, is listed in docs/presets/planet.md.
"""

from dataclasses import replace
from typing import Any

from reverie.agents import dreamer
from reverie.agents.config import TrainConfig
from reverie.agents.parts import Parts
from reverie.agents.preset import Preset
from reverie.agents.programs import one_world
from reverie.behaviour.cem import CEMConfig
from reverie.dynamics.dynamics import DynamicsConfig
from reverie.dynamics.gru import GRUConfig
from reverie.dynamics.posterior import EncodeConfig, FilterConfig
from reverie.latent.gaussian import GaussianConfig
from reverie.nets.mlp import MLPConfig
from reverie.nets.optimiser import OptimiserConfig
from reverie.world.heads import ContinueConfig, HeadConfig
from reverie.world.objective import FilteringConfig

_HIDDEN = MLPConfig(layers=1, units=200, norm="none", activation="relu")
_HEAD = MLPConfig(layers=3, units=300, norm="none", activation="relu")

LAPTOP: dict[str, Any] = {
    "train": TrainConfig(threads=1),
    "planner": (CEMConfig(candidates=128, elites=16, iterations=5, gamma=0.99),),
}
"""Small networks and a small search; what is not named has the part's default."""

PAPER: dict[str, Any] = {
    "preprocess": dreamer.PAPER["preprocess"],
    "train": TrainConfig(
        steps=1_000_000, prefill=5_000, pretrain=100, train_every=2, batch=50, length=50, eval_every=10_000
    ),
    "encoder": replace(dreamer.PAPER["encoder"], mlp=_HEAD),
    "decoder": replace(dreamer.PAPER["decoder"], mlp=_HEAD),
    "dynamics": DynamicsConfig(entry=_HIDDEN, prior=_HIDDEN),
    "reward": HeadConfig(mlp=_HEAD),
    "continue_": ContinueConfig(mlp=_HEAD),
    "backbone": (GRUConfig(units=200, norm="none"),),
    "latent": (GaussianConfig(size=30, min_std=0.1),),
    "posterior": (FilterConfig(mlp=_HIDDEN), EncodeConfig(mlp=_HIDDEN)),
    "objective": (
        FilteringConfig(
            optimiser=OptimiserConfig(lr=1e-3, eps=1e-4, clip=1000.0),
            vector=1.0,
            image=1.0,
            reward=10.0,
            continuation=1.0,
            dynamics=1.0,
            representation=1.0,
            free_nats=3.0,
        ),
    ),
    "planner": (CEMConfig(),),
}
"""The published values (its code's default configuration)."""

PLANET = Preset(
    name="planet",
    summary="RSSM, and no policy: the cross-entropy method plans in its dreams",
    paper="Hafner et al. 2019, Learning Latent Dynamics for Planning from Pixels",
    parts=Parts(backbone="gru", latent="gaussian", posterior="filter", behaviour="none", planner="cem"),
    scales={"laptop": LAPTOP, "paper": PAPER},
    program=one_world,
)
