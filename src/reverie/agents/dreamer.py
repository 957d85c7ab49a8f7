"""Dreamer (Hafner et al. 2020): an RSSM, and an actor that follows the gradient of imagined value.

What differs from the paper, and why, is listed in docs/presets/dreamer.md.
"""

from reverie.agents.config import TrainConfig
from reverie.agents.parts import Parts
from reverie.agents.preset import Preset
from reverie.agents.programs import one_world
from reverie.behaviour.actor import ActorConfig
from reverie.behaviour.reward_gradient import RewardGradientConfig
from reverie.behaviour.value_gradient import ValueGradientConfig
from reverie.dynamics.dynamics import DynamicsConfig
from reverie.dynamics.gru import GRUConfig
from reverie.dynamics.posterior import EncodeConfig, FilterConfig
from reverie.latent.gaussian import GaussianConfig
from reverie.nets.cnn import CNNConfig
from reverie.nets.mlp import MLPConfig
from reverie.nets.optimiser import OptimiserConfig
from reverie.representation.decoder import DecoderConfig
from reverie.representation.encoder import EncoderConfig
from reverie.representation.preprocess import PreprocessConfig
from reverie.world.heads import ContinueConfig, HeadConfig
from reverie.world.objective import FilteringConfig

_HIDDEN = MLPConfig(layers=1, units=200, norm="none", activation="elu")
_ACTOR = ActorConfig(
    mlp=MLPConfig(layers=4, units=400, norm="none", activation="elu"), std="softplus", min_std=1e-4, noise=0.3
)
_BEHAVIOUR = OptimiserConfig(lr=8e-5, clip=100.0)


def _dense(layers: int) -> MLPConfig:
    return MLPConfig(layers=layers, units=400, norm="none", activation="elu")


LAPTOP = {"train": TrainConfig(threads=1)}
"""Tuned for a laptop; the values are the defaults of each part. One thread:
a second gains a state's update a fifth at most, and costs far more than that where another process has the core."""

DESKTOP = {
    "train": TrainConfig(threads=1, steps=100_000, eval_every=10_000),
    "behaviour": (ValueGradientConfig(horizon=5), RewardGradientConfig()),
}
"""For tasks that need more updates, at an action repeat of 2: one every 2 agent steps, over 100,000 frames; shorter
dreams leave more to the critic."""

_WIDE = MLPConfig(units=256)

WORKSTATION = DESKTOP | {
    "encoder": EncoderConfig(mlp=MLPConfig(layers=2, units=256, bias=True)),
    "decoder": DecoderConfig(mlp=_WIDE),
    "dynamics": DynamicsConfig(entry=_WIDE, prior=_WIDE),
    "reward": HeadConfig(mlp=_WIDE),
    "backbone": (GRUConfig(units=256),),
    "posterior": (FilterConfig(mlp=_WIDE), EncodeConfig(mlp=_WIDE)),
    "behaviour": (
        ValueGradientConfig(actor=ActorConfig(mlp=_WIDE), critic=HeadConfig(mlp=_WIDE), horizon=5),
        RewardGradientConfig(actor=ActorConfig(mlp=_WIDE)),
    ),
}
"""The desktop's training by networks twice as wide, whose encoder has a bias before its LayerNorm: for bodies with many
joints."""

PAPER = {
    "train": TrainConfig(
        steps=5_000_000, prefill=5_000, pretrain=100, train_every=5, batch=50, length=50, eval_every=10_000
    ),
    "preprocess": PreprocessConfig(vectors="none", images="unit", reward_unit=1.0),
    "encoder": EncoderConfig(mlp=_dense(2), cnn=CNNConfig(depth=32, norm="none", activation="relu")),
    "decoder": DecoderConfig(mlp=_dense(2), cnn=CNNConfig(depth=32, norm="none", activation="relu")),
    "dynamics": DynamicsConfig(entry=_HIDDEN, prior=_HIDDEN),
    "reward": HeadConfig(mlp=_dense(2)),
    "continue_": ContinueConfig(mlp=_dense(3)),
    "backbone": (GRUConfig(units=200, norm="none"),),
    "latent": (GaussianConfig(size=30, min_std=0.1),),
    "posterior": (FilterConfig(mlp=_HIDDEN), EncodeConfig(mlp=_HIDDEN)),
    "objective": (
        FilteringConfig(
            optimiser=OptimiserConfig(lr=6e-4, clip=100.0),
            vector=1.0,
            image=1.0,
            reward=1.0,
            continuation=10.0,
            dynamics=1.0,
            representation=1.0,
            free_nats=3.0,
        ),
    ),
    "behaviour": (
        ValueGradientConfig(
            actor=_ACTOR,
            critic=HeadConfig(mlp=_dense(3)),
            actor_optimiser=_BEHAVIOUR,
            critic_optimiser=_BEHAVIOUR,
            horizon=15,
            starts=0,
            gamma=0.99,
            entropy=0.0,
            target_rate=1.0,
            return_scale=False,
        ),
        RewardGradientConfig(actor=_ACTOR, actor_optimiser=_BEHAVIOUR, horizon=15, starts=0, gamma=0.99, entropy=0.0),
    ),
}
"""The published values (its code's define_config)."""

DREAMER = Preset(
    name="dreamer",
    summary="RSSM, actor by the gradient of imagined value",
    paper="Hafner et al. 2020, Dream to Control: Learning Behaviors by Latent Imagination",
    parts=Parts(backbone="gru", latent="gaussian", posterior="filter", behaviour="value-gradient"),
    scales={"laptop": LAPTOP, "desktop": DESKTOP, "workstation": WORKSTATION, "paper": PAPER},
    program=one_world,
)

DREAMER_REWARD = Preset(
    name="dreamer-reward",
    summary="RSSM, actor by the gradient of imagined reward, without a value function",
    paper="Hafner et al. 2020, Dream to Control, the ablation without a value model",
    parts=Parts(backbone="gru", latent="gaussian", posterior="filter", behaviour="reward-gradient"),
    scales={"laptop": LAPTOP, "paper": PAPER},
    program=one_world,
)
