"""DayDreamer (Wu et al. 2022, World Models for Physical Robot Learning); its page is docs/presets/daydreamer.md."""

from dataclasses import replace
from typing import Any

from reverie.agents import dreamerv2
from reverie.agents.config import TrainConfig
from reverie.agents.parts import Parts
from reverie.agents.preset import Preset
from reverie.agents.programs import one_world
from reverie.behaviour.policy import ActorConfig
from reverie.dynamics.dynamics import DynamicsConfig
from reverie.dynamics.gru import GRUConfig
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

ADAM = OptimiserConfig(lr=1e-4, eps=1e-6, clip=100.0, weight_decay=1e-6)
NET = MLPConfig(layers=4, units=512, norm="layer", activation="elu")
CNN = CNNConfig(depth=64, norm="layer", activation="elu")


def _hidden(layers: int) -> MLPConfig:
    return replace(NET, layers=layers, units=256)


PAPER: dict[str, Any] = {
    # The published robot learns as fast as its computer can, and gets new weights every 20 seconds.
    "train": TrainConfig(
        steps=100_000, prefill=5_000, pretrain=1, live=True, share_every=100, batch=32, length=32, eval_every=10_000
    ),
    "preprocess": PreprocessConfig(vectors="none", images="unit", reward_unit=1.0),
    "encoder": EncoderConfig(mlp=NET, cnn=CNN),
    "decoder": DecoderConfig(mlp=NET, cnn=CNN),
    "dynamics": DynamicsConfig(entry=_hidden(1), prior=_hidden(3)),
    "reward": HeadConfig(mlp=NET),
    "continue_": ContinueConfig(mlp=NET),
    "backbone": (GRUConfig(units=256),),
    "latent": (CategoricalConfig(groups=32, classes=32, unimix=0.01),),
    "posterior": (FilterConfig(mlp=_hidden(1)), EncodeConfig(mlp=_hidden(1))),
    "objective": (
        FilteringConfig(
            optimiser=ADAM,
            vector=2.0,  # the published likelihood is the squared error, ours half of it
            image=2.0,
            reward=2.0,
            continuation=1.0,
            dynamics=0.8,  # KL balance 0.8 of a KL that begins by weighing 1, the most that it may
            representation=0.2,
            free_nats=0.0,
        ),
    ),
    "behaviour": (
        replace(
            # the entropy's weight is ours: the published one moves, from 1 on
            dreamerv2.behaviour_of(actor=ADAM.lr, critic=ADAM.lr, gamma=0.995, entropy=3e-3),
            actor=ActorConfig(mlp=NET, normal="bounded", min_std=0.1, max_std=1.0, unimix=0.1),
            critic=HeadConfig(mlp=NET),
            actor_optimiser=ADAM,
            critic_optimiser=ADAM,
        ),
    ),
}
"""The values of its code for the A1 quadruped (configs.yaml, defaults and a1)."""

LAPTOP = dreamerv2.LAPTOP | {"train": TrainConfig(threads=1, live=True)}
"""`dreamerv2`'s values for a laptop."""

DAYDREAMER = Preset(
    name="daydreamer",
    summary="for robots: acts while it learns, in real time; world and behaviour as DreamerV2's",
    paper="Wu et al. 2022, DayDreamer: World Models for Physical Robot Learning",
    parts=Parts(backbone="gru", latent="categorical", posterior="filter", behaviour="actor-critic"),
    scales={"laptop": LAPTOP, "paper": PAPER},
    program=one_world,
)
