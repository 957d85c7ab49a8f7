"""TCRL (Zhao et al. 2023): latents that are consistent in time, and TD3 on them; nothing is planned or decoded.

What differs from the paper, and why, is listed in docs/presets/tcrl.md.
"""

from dataclasses import replace
from typing import Any

from reverie.agents.config import TrainConfig
from reverie.agents.parts import Parts
from reverie.agents.preset import Preset
from reverie.agents.programs import one_world
from reverie.behaviour.actor import ActorConfig
from reverie.behaviour.td3 import TD3Config
from reverie.dynamics.dynamics import DynamicsConfig
from reverie.dynamics.markov import MarkovConfig
from reverie.dynamics.posterior import EncodeConfig
from reverie.latent.deterministic import DeterministicConfig
from reverie.nets.mlp import MLPConfig
from reverie.nets.optimiser import OptimiserConfig
from reverie.representation.encoder import EncoderConfig
from reverie.representation.preprocess import PreprocessConfig
from reverie.world.consistency import ConsistencyConfig
from reverie.world.heads import ContinueConfig, HeadConfig


def _sized(
    world: MLPConfig, behaviour: MLPConfig, rate: float, eps: float = 1e-8, target: float = 0.005
) -> dict[str, Any]:
    """Networks of one hidden layer of the world and of one of the behaviour, and all that does not depend on them."""
    descends, one = OptimiserConfig(lr=rate, clip=10.0), replace(world, layers=1)
    return {
        "encoder": EncoderConfig(mlp=replace(world, layers=2)),
        "posterior": (EncodeConfig(mlp=replace(world, layers=0)),),
        "latent": (DeterministicConfig(size=50),),
        "dynamics": DynamicsConfig(entry=one, prior=replace(world, layers=0)),
        "backbone": (MarkovConfig(mlp=one),),
        "reward": HeadConfig(mlp=one, reads="h"),
        "continue_": ContinueConfig(mlp=one, reads="h"),
        "objective": (
            ConsistencyConfig(
                optimiser=descends,
                encoder_rate=1.0,
                distance="cosine",
                consistency=1.0,
                reward=2.0,
                rho=0.9,
                target_rate=0.005,
            ),
        ),
        "behaviour": (
            TD3Config(
                actor=ActorConfig(mlp=replace(behaviour, layers=2), reads="z", normal="fading", fade=12_500),
                critic=replace(behaviour, layers=2),
                output="squared",
                members=2,
                actor_optimiser=OptimiserConfig(lr=3e-4, eps=eps, clip=0.0),
                critic_optimiser=replace(descends, clip=0.0),
                value=2.0,
                shapes=False,
                nstep=3,
                entropy=0.0,
                target_rate=target,
            ),
        ),
    }


_SMALL = MLPConfig(units=128, bias=True)
LAPTOP: dict[str, Any] = {
    **_sized(_SMALL, _SMALL, rate=1e-3, eps=1e-5, target=0.02),
    "train": TrainConfig(
        threads=1, steps=50_000, prefill=2_500, pretrain=500, train_every=2, batch=256, length=6, eval_every=5_000
    ),
}
"""Small networks, normalised throughout, that learn by larger steps. The actor does not, nor where its gradient is
small: by steps of 1e-3 and an eps of 1e-8 two thirds of a `dcwm`'s actions were at their bounds."""

_ELU = MLPConfig(units=512, norm="none", activation="elu")
PAPER: dict[str, Any] = {
    **_sized(_ELU, MLPConfig(units=512, activation="elu", bias=True), rate=3e-4),
    "train": TrainConfig(steps=500_000, prefill=10_000, pretrain=0, train_every=2, batch=512, length=6),
    "preprocess": PreprocessConfig(vectors="none", images="unit", reward_unit=1.0),
}

TCRL = Preset(
    name="tcrl",
    summary="latents that are predicted in their direction alone, action values that leave them as they are",
    paper="Zhao et al. 2023, Simplified Temporal Consistency Reinforcement Learning",
    parts=Parts(
        backbone="markov",
        latent="deterministic",
        posterior="encode",
        objective="consistency",
        behaviour="td3",
    ),
    scales={"laptop": LAPTOP, "paper": PAPER},
    program=one_world,
)
