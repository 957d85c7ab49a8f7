"""TD-MPC2 (Hansen et al. 2024): a world that never reconstructs, action values, and MPPI that plans with both.

What differs from the paper, and why, is listed in docs/presets/tdmpc2.md.
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
from reverie.latent.simnorm import SimNormConfig
from reverie.nets.mlp import MLPConfig
from reverie.nets.optimiser import OptimiserConfig
from reverie.representation.encoder import EncoderConfig
from reverie.representation.preprocess import PreprocessConfig
from reverie.world.consistency import ConsistencyConfig
from reverie.world.heads import BinsConfig, ContinueConfig, HeadConfig

_BINS = BinsConfig(number=101, reach=10.0)


def _sized(
    units: int, latent: int, encoder: int, encoding: int = 1, rate: float = 3e-4, **critics: Any
) -> dict[str, Any]:
    """Networks of these widths: of dynamics and heads, of the latent, and of the encoder and its layers."""
    none, one, two = (MLPConfig(layers=layers, units=units, bias=True) for layers in range(3))
    descends = OptimiserConfig(lr=rate, clip=20.0)
    return {
        "encoder": EncoderConfig(mlp=MLPConfig(layers=encoding, units=encoder, bias=True)),
        "posterior": (EncodeConfig(mlp=MLPConfig(layers=0, units=encoder)),),
        "latent": (SimNormConfig(groups=latent // 8, classes=8),),
        "dynamics": DynamicsConfig(entry=one, prior=none),
        "backbone": (MarkovConfig(mlp=one),),
        "reward": HeadConfig(mlp=one, output="two-hot", bins=_BINS, reads="h"),
        "continue_": ContinueConfig(mlp=one, reads="h"),
        "objective": (ConsistencyConfig(optimiser=descends),),
        "behaviour": (
            TD3Config(
                actor=ActorConfig(mlp=two, reads="z", min_std=0.05),
                critic=two,
                bins=_BINS,
                actor_optimiser=descends,
                critic_optimiser=descends,
                **critics,
            ),
        ),
    }


_TRAIN = TrainConfig(steps=100_000, prefill=5_000, pretrain=2_500, train_every=1, batch=256, length=4)

LAPTOP: dict[str, Any] = {
    **_sized(units=128, latent=128, encoder=128, rate=1e-3, nstep=3, target_rate=0.05),
    "train": TrainConfig(
        threads=1, steps=50_000, prefill=2_500, pretrain=500, train_every=1, batch=128, length=4, eval_every=5_000
    ),
    "planner": (MPPIConfig(candidates=128, elites=16, proposals=8, iterations=4),),
}
"""Small networks and a smaller search, with steps as large as small networks bear. Values travel back in fewer updates:
with targets of one reward that follow by 0.01, they were a fifth of the real returns after 3,000."""

SIZES = {
    "1m": (384, 128, 256, 1, 2),
    "5m": (512, 512, 256, 1, 5),
    "19m": (1024, 768, 1024, 2, 5),
    "48m": (1792, 768, 1792, 3, 5),
    "317m": (4096, 1376, 4096, 4, 8),
}
"""TD-MPC2's sizes by the names of its models: widths of networks, latent and encoder, the encoder's hidden layers (one
more leads to z), and the critics."""


def _published(units: int, latent: int, encoder: int, encoding: int, members: int) -> dict[str, Any]:
    return {
        **_sized(units, latent, encoder, encoding, members=members, asked=2),
        "train": _TRAIN,
        "preprocess": PreprocessConfig(vectors="none", images="unit", reward_unit=1.0),
        "planner": (MPPIConfig(),),
    }


TDMPC2 = Preset(
    name="tdmpc2",
    summary="latents that are predicted and never decoded, action values, MPPI that plans with both",
    paper="Hansen et al. 2024, TD-MPC2: Scalable, Robust World Models for Continuous Control",
    parts=Parts(
        backbone="markov",
        latent="simnorm",
        posterior="encode",
        objective="consistency",
        behaviour="td3",
        planner="mppi",
    ),
    scales={"laptop": LAPTOP, "paper": _published(*SIZES["5m"])} | {n: _published(*SIZES[n]) for n in SIZES},
    program=one_world,
)
