"""DCWM (Scannell et al. 2025): latents of discrete codes whose order means something, classified and not regressed.

What differs from the paper, and why, is listed in docs/presets/dcwm.md.
"""

from typing import Any

from reverie.agents.config import TrainConfig
from reverie.agents.parts import Parts
from reverie.agents.preset import Preset
from reverie.agents.programs import one_world
from reverie.behaviour.actor import ActorConfig
from reverie.behaviour.mppi import MPPIConfig
from reverie.behaviour.td3 import TD3Config
from reverie.dynamics.dynamics import DynamicsConfig
from reverie.dynamics.markov import MarkovConfig
from reverie.dynamics.posterior import EncodeConfig
from reverie.latent.fsq import FSQConfig
from reverie.nets.mlp import MLPConfig
from reverie.nets.optimiser import OptimiserConfig
from reverie.representation.encoder import EncoderConfig
from reverie.representation.preprocess import PreprocessConfig
from reverie.world.consistency import ConsistencyConfig
from reverie.world.heads import ContinueConfig, HeadConfig


def _sized(
    units: int, groups: int, encoder: int, rates: tuple[float, float], fade: int, decay: float = 0.0, **values: Any
) -> dict[str, Any]:
    """Networks of these widths; learning rates are the world's and the behaviour's.

    The mismatch sums over codes, and the paper's loss is their mean.
    """
    none, one, two = (MLPConfig(layers=layers, units=units, bias=True) for layers in range(3))
    world = OptimiserConfig(lr=rates[0], clip=20.0, weight_decay=decay)
    behaviour = OptimiserConfig(lr=rates[1], clip=20.0)
    return {
        "encoder": EncoderConfig(mlp=MLPConfig(layers=1, units=encoder, bias=True)),
        "posterior": (EncodeConfig(mlp=MLPConfig(layers=0, units=encoder)),),
        "latent": (FSQConfig(groups=groups, levels=(5, 3)),),
        "dynamics": DynamicsConfig(entry=one, prior=none),
        "backbone": (MarkovConfig(mlp=one),),
        "reward": HeadConfig(mlp=one, reads="h"),
        "continue_": ContinueConfig(mlp=one, reads="h"),
        "objective": (
            ConsistencyConfig(
                optimiser=world,
                encoder_rate=1.0,
                distance="mismatch",
                consistency=1 / groups,
                reward=2.0,
                rho=0.9,
            ),
        ),
        "behaviour": (
            TD3Config(
                actor=ActorConfig(mlp=two, reads="z", normal="fading", fade=fade),
                critic=two,
                output="squared",
                actor_optimiser=behaviour,
                critic_optimiser=behaviour,
                value=2.0,
                shapes=False,
                smoothing=0.2,
                entropy=0.0,
                **values,
            ),
        ),
    }


LAPTOP: dict[str, Any] = {
    **_sized(units=128, groups=64, encoder=128, rates=(1e-3, 1e-3), fade=5_000, nstep=3, target_rate=0.02),
    "train": TrainConfig(
        threads=1, steps=50_000, prefill=2_500, pretrain=500, train_every=2, batch=128, length=6, eval_every=5_000
    ),
    "planner": (MPPIConfig(candidates=128, elites=16, proposals=8, iterations=4, draw=False),),
}
"""Small networks and a smaller search, as tdmpc2 has them, with targets of three rewards that follow faster."""

PAPER: dict[str, Any] = {
    **_sized(
        units=512, groups=512, encoder=256, rates=(1e-4, 3e-4), fade=25_000, decay=1e-6, target_rate=0.005, asked=2
    ),
    "train": TrainConfig(steps=1_000_000, prefill=10_000, pretrain=0, train_every=1, batch=512, length=6),
    "preprocess": PreprocessConfig(vectors="none", images="unit", reward_unit=1.0),
    "planner": (MPPIConfig(gamma=0.9, draw=False),),
}

DCWM = Preset(
    name="dcwm",
    summary="latents of discrete codes, predicted by classification, TD3 on them, MPPI that plans with both",
    paper="Scannell et al. 2025, Discrete Codebook World Models for Continuous Control",
    parts=Parts(
        backbone="markov",
        latent="fsq",
        posterior="encode",
        objective="consistency",
        behaviour="td3",
        planner="mppi",
    ),
    scales={"laptop": LAPTOP, "paper": PAPER},
    program=one_world,
)
