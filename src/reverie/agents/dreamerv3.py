"""DreamerV3 (Hafner et al. 2023; Nature 2025), at its named sizes; its page is docs/presets/dreamerv3.md."""

from dataclasses import replace
from typing import Any

from reverie.agents.config import TrainConfig
from reverie.agents.parts import Parts
from reverie.agents.preset import Preset
from reverie.agents.programs import joint
from reverie.behaviour.actor_critic import ActorCriticConfig
from reverie.behaviour.policy import ActorConfig
from reverie.dynamics.block_gru import BlockGRUConfig
from reverie.dynamics.dynamics import DynamicsConfig
from reverie.dynamics.posterior import EncodeConfig, FilterConfig
from reverie.latent.categorical import CategoricalConfig
from reverie.nets.cnn import CNNConfig
from reverie.nets.mlp import MLPConfig
from reverie.nets.optimiser import OptimiserConfig
from reverie.representation.decoder import DecoderConfig
from reverie.representation.encoder import EncoderConfig
from reverie.representation.preprocess import PreprocessConfig
from reverie.world.heads import ContinueConfig, HeadConfig
from reverie.world.objective import FilteringConfig

SIZES = {
    "1m": (512, 64, 4),
    "12m": (2048, 256, 16),
    "25m": (3072, 384, 24),
    "50m": (4096, 512, 32),
    "100m": (6144, 768, 48),
    "200m": (8192, 1024, 64),
    "400m": (12288, 1536, 96),
}
"""Width of the memory, of all other layers, and the classes of a latent, which are the depth of its CNN too."""


def _mlp(layers: int, units: int) -> MLPConfig:
    return MLPConfig(layers=layers, units=units, norm="rms", activation="silu", init="normal")


def _nets(deter: int, units: int, latent: CategoricalConfig, depth: int) -> dict[str, Any]:
    """The networks, which differ between sizes by these numbers alone."""
    cnn = CNNConfig(depth=depth, multipliers=(2, 3, 4, 4), kernel=5, norm="rms", init="normal")
    return {
        "encoder": EncoderConfig(mlp=_mlp(3, units), cnn=cnn),
        "decoder": DecoderConfig(mlp=_mlp(3, units), cnn=cnn),
        "dynamics": DynamicsConfig(entry=_mlp(1, units), prior=_mlp(2, units), join="concat"),
        "reward": HeadConfig(mlp=_mlp(1, units), output="two-hot"),
        "continue_": ContinueConfig(mlp=_mlp(1, units)),
        "backbone": (BlockGRUConfig(units=deter, hidden=units, blocks=8),),
        "latent": (latent,),
        "posterior": (FilterConfig(mlp=_mlp(1, units)), EncodeConfig(mlp=_mlp(1, units))),
    }


def _actor(units: int) -> ActorConfig:
    return ActorConfig(mlp=_mlp(3, units), normal="bounded", min_std=0.1, max_std=1.0, unimix=0.01, out_scale=0.01)


def _objective(optimiser: OptimiserConfig) -> FilteringConfig:
    return FilteringConfig(
        optimiser=optimiser,
        vector=2.0,  # the published likelihood is the squared error, ours half of it
        image=2.0,
        reward=1.0,
        continuation=1.0,
        dynamics=1.0,
        representation=0.1,
        free_nats=1.0,
    )


def _published(deter: int, units: int, depth: int) -> dict[str, Any]:
    optimiser = OptimiserConfig(
        algorithm="laprop", lr=4e-5, beta1=0.9, beta2=0.99, eps=1e-20, clip=0.0, agc=0.3, warmup=1000
    )
    return _nets(deter, units, CategoricalConfig(groups=32, classes=depth, unimix=0.01), depth) | {
        "train": TrainConfig(
            steps=500_000, prefill=2_048, pretrain=0, train_every=2, batch=16, length=64, eval_every=10_000
        ),
        "preprocess": PreprocessConfig(vectors="symlog", images="unit", reward_unit=1.0),
        "objective": (_objective(optimiser),),
        "behaviour": (
            ActorCriticConfig(
                actor=_actor(units),
                critic=HeadConfig(mlp=_mlp(3, units), output="two-hot"),
                actor_optimiser=optimiser,
                critic_optimiser=optimiser,
                horizon=15,
                starts=0,
                gamma=0.997,
                lambda_=0.95,
                entropy=3e-4,
                gradient="score",
                target_rate=0.02,
                target_every=1,
                regulariser=1.0,
                replay=0.3,
            ),
        ),
    }


_FAST = OptimiserConfig(algorithm="laprop", lr=1e-3, beta2=0.99, eps=1e-20, clip=0.0, agc=0.3, warmup=100)
LAPTOP = _nets(256, 128, CategoricalConfig(groups=16, classes=8), 8) | {
    "train": TrainConfig(threads=1),
    "preprocess": PreprocessConfig(vectors="symlog", images="unit", reward_unit=1.0),
    "objective": (_objective(_FAST),),
    "behaviour": (
        ActorCriticConfig(
            actor=_actor(128),
            critic=HeadConfig(mlp=_mlp(3, 128), output="two-hot"),
            actor_optimiser=replace(_FAST, lr=3e-4),
            critic_optimiser=_FAST,
            horizon=8,
            starts=0,
            gamma=0.99,
            gradient="score",
        ),
    ),
}
"""Tuned for a laptop: the published recipe with smaller networks, shorter chunks and dreams, and larger steps."""

DREAMERV3 = Preset(
    name="dreamerv3",
    summary="one recipe for all: block GRU, symlog, two-hot returns, actor by score function",
    paper="Hafner et al. 2023, Mastering Diverse Domains through World Models (Nature 2025)",
    parts=Parts(backbone="block-gru", latent="categorical", posterior="filter", behaviour="actor-critic"),
    scales={"laptop": LAPTOP, "paper": _published(*SIZES["12m"])} | {n: _published(*SIZES[n]) for n in SIZES},
    program=joint,
)
