"""DreamerV2 (Hafner et al. 2021, Mastering Atari with Discrete World Models); its page is docs/presets/dreamerv2.md."""

from dataclasses import replace
from typing import Any

from reverie.agents import rssm
from reverie.agents.config import TrainConfig
from reverie.agents.parts import Parts
from reverie.agents.preset import Preset
from reverie.agents.programs import one_world
from reverie.behaviour.actor_critic import ActorCriticConfig
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

ADAM = OptimiserConfig(eps=1e-5, clip=100.0, weight_decay=1e-6)
NET = MLPConfig(layers=4, units=400, norm="none", activation="elu")
CNN = CNNConfig(depth=48, norm="none", activation="elu")
ACTOR = ActorConfig(mlp=NET, unimix=0.0)


def _paper(units: int, train: TrainConfig, objective: FilteringConfig, behaviour: ActorCriticConfig) -> dict[str, Any]:
    """The published networks around a memory of that width."""
    hidden = MLPConfig(layers=1, units=units, norm="none", activation="elu")
    return {
        "train": train,
        "preprocess": PreprocessConfig(vectors="none", images="unit", reward_unit=1.0),
        "encoder": EncoderConfig(mlp=NET, cnn=CNN),
        "decoder": DecoderConfig(mlp=NET, cnn=CNN),
        "dynamics": DynamicsConfig(entry=hidden, prior=hidden),
        "reward": HeadConfig(mlp=NET),
        "continue_": ContinueConfig(mlp=NET),
        "backbone": (GRUConfig(units=units),),
        "latent": (CategoricalConfig(groups=32, classes=32, unimix=0.0),),
        "posterior": (FilterConfig(mlp=hidden), EncodeConfig(mlp=hidden)),
        "objective": (objective,),
        "behaviour": (behaviour,),
    }


def behaviour_of(actor: float, critic: float, gamma: float, entropy: float) -> ActorCriticConfig:
    """The published way to learn to act, with these rates, discount and weight of the entropy."""
    return ActorCriticConfig(
        actor=ACTOR,
        critic=HeadConfig(mlp=NET),
        actor_optimiser=replace(ADAM, lr=actor),
        critic_optimiser=replace(ADAM, lr=critic),
        horizon=15,
        starts=0,
        gamma=gamma,
        entropy=entropy,
        return_scale=False,
        bootstrap="target",
        target_rate=1.0,
        target_every=100,
        regulariser=0.0,
        replay=0.0,
    )


BALANCED = FilteringConfig(
    optimiser=replace(ADAM, lr=2e-4),
    vector=1.0,
    image=1.0,
    reward=1.0,
    continuation=5.0,
    dynamics=0.08,  # KL balance 0.8 of a KL that weighs 0.1
    representation=0.02,
    free_nats=0.0,
)
"""The published weights of the world's losses for Atari."""

PAPER = _paper(
    600,
    TrainConfig(
        steps=200_000_000, prefill=200_000, pretrain=1, train_every=16, batch=16, length=50, eval_every=100_000
    ),
    BALANCED,
    behaviour_of(actor=4e-5, critic=1e-4, gamma=0.999, entropy=1e-3),
)
"""The paper's values for Atari (its code's configs.yaml, defaults and atari)."""

CONTROL = _paper(
    200,
    TrainConfig(steps=1_000_000, prefill=2_000, pretrain=100, train_every=5, batch=16, length=50, eval_every=10_000),
    FilteringConfig(
        optimiser=replace(ADAM, lr=3e-4),
        vector=1.0,
        image=1.0,
        reward=1.0,
        continuation=1.0,
        dynamics=0.8,
        representation=0.2,
        free_nats=1.0,
    ),
    behaviour_of(actor=8e-5, critic=8e-5, gamma=0.99, entropy=1e-4),
)
"""The values of its code for the DeepMind Control Suite (configs.yaml, dmc_vision and dmc_proprio)."""

LAPTOP = rssm.SHARP | {
    "behaviour": (
        ActorCriticConfig(
            critic=HeadConfig(),
            horizon=12,
            starts=64,
            gamma=0.98,
            entropy=1e-3,
            bootstrap="target",
            target_rate=1.0,
            target_every=20,
            regulariser=0.0,
            replay=0.0,
        ),
    ),
}
"""Tuned for a laptop, from `rssm-discrete`'s values; what is not named has the part's default."""

DREAMERV2 = Preset(
    name="dreamerv2",
    summary="categorical latents, actor by score function (discrete) or dynamics (continuous)",
    paper="Hafner et al. 2021, Mastering Atari with Discrete World Models",
    parts=Parts(backbone="gru", latent="categorical", posterior="filter", behaviour="actor-critic"),
    scales={"laptop": LAPTOP, "paper": PAPER, "control": CONTROL},
    program=one_world,
)
