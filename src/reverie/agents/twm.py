"""TWM (Robine et al. 2023): Transformer-XL over latents, actions and rewards; its page is docs/presets/twm.md."""

from reverie.agents.config import Config, TrainConfig
from reverie.agents.parts import Parts
from reverie.agents.preset import Preset
from reverie.agents.program import Group, Program, Stage, Until
from reverie.agents.programs import in_turn, wished
from reverie.behaviour.actor_critic import ActorCriticConfig
from reverie.behaviour.policy import ActorConfig
from reverie.dynamics.dynamics import DynamicsConfig
from reverie.dynamics.posterior import EncodeConfig
from reverie.dynamics.transformer_xl import TransformerXLConfig
from reverie.latent.categorical import CategoricalConfig
from reverie.nets.cnn import CNNConfig
from reverie.nets.mlp import MLPConfig
from reverie.nets.optimiser import OptimiserConfig
from reverie.representation.decoder import DecoderConfig
from reverie.representation.encoder import EncoderConfig
from reverie.representation.preprocess import PreprocessConfig
from reverie.world.heads import ContinueConfig, HeadConfig
from reverie.world.two_models import TwoModelsConfig

LAPTOP = {
    "train": TrainConfig(threads=1, batch=32, length=17, balance=20.0),
    "encoder": EncoderConfig(mlp=MLPConfig(norm="rms")),
    "dynamics": DynamicsConfig(join="stack"),
    "decoder": DecoderConfig(reads="z"),
    "reward": HeadConfig(reads="h"),
    "continue_": ContinueConfig(reads="h"),
    "backbone": (TransformerXLConfig(),),
    "latent": (CategoricalConfig(groups=32, classes=16, unimix=0.0),),
    "objective": (TwoModelsConfig(vector=16.0),),
    "behaviour": (
        ActorCriticConfig(
            actor=ActorConfig(reads="z"),
            critic=HeadConfig(reads="z"),
            horizon=12,
            starts=64,
            gamma=0.98,
            entropy=1e-2,
            entropy_floor=0.1,
            regulariser=0.0,
            replay=0.0,
        ),
    ),
}
"""Two small layers, and `dreamer`'s values where the paper's would take a GPU; what is not named has its default. The
agent knows an observation by its z alone, so that the encoder must not lose how long it is (`nets.norm.biased`)."""


def _mlp(layers: int, units: int) -> MLPConfig:
    return MLPConfig(layers=layers, units=units, norm="none", activation="silu")


_CNN = CNNConfig(depth=48, norm="none", activation="silu")
_ACTING = OptimiserConfig(lr=1e-4, eps=1e-5, clip=1.0)

PAPER = {
    "train": TrainConfig(
        steps=100_000,
        prefill=5_000,
        pretrain=31_250,
        train_every=1,
        batch=100,
        length=17,
        balance=20.0,
        replay_mib=5120.0,
        eval_every=5_000,
    ),
    "preprocess": PreprocessConfig(vectors="none", images="unit", reward_unit=1.0),
    "encoder": EncoderConfig(mlp=_mlp(2, 512), cnn=_CNN),
    "decoder": DecoderConfig(mlp=_mlp(2, 512), cnn=_CNN, reads="z"),
    "dynamics": DynamicsConfig(join="stack", prior=_mlp(4, 512)),
    "reward": HeadConfig(mlp=_mlp(4, 256), reads="h"),
    "continue_": ContinueConfig(mlp=_mlp(4, 256), reads="h"),
    "backbone": (TransformerXLConfig(units=256, layers=10, heads=4, hidden=1024, window=17),),
    "latent": (CategoricalConfig(groups=32, classes=32, unimix=0.0),),
    "posterior": (EncodeConfig(mlp=_mlp(2, 512)),),
    "objective": (
        TwoModelsConfig(
            optimiser=OptimiserConfig(lr=1e-4, eps=1e-5, clip=100.0),
            vector=1.0,
            image=1.0,
            reward=10.0,
            continuation=50.0,
            dynamics=1.0,
        ),
    ),
    "behaviour": (
        ActorCriticConfig(
            actor=ActorConfig(mlp=_mlp(4, 512), reads="z", unimix=0.0),
            critic=HeadConfig(mlp=_mlp(4, 512), reads="z"),
            actor_optimiser=_ACTING,
            critic_optimiser=OptimiserConfig(lr=1e-5, eps=1e-5, clip=1.0),
            starts=400,
            gamma=0.99,
            entropy=1e-2,
            entropy_floor=0.1,
            gradient="score",
            return_scale=False,
            regulariser=0.0,
            replay=0.0,
        ),
    ),
}
"""The published values for Atari 100k (its code's config.py)."""


def two_models(config: Config) -> Program:
    """TWM's program: an observation model and a dynamics model, each with an optimiser of its own.

    What is seen shapes encoder, posterior and decoder; what is predicted shapes the rest of the world. Of the
    pretraining, six tenths are the observation model's alone, and three the dynamics' alone (TWM's code). No loss of
    the behaviour shapes the world, `behaviour.replay` included.
    """
    predicted = ("dynamics", "reward", "continue")
    optimiser = config.objective.optimiser
    observation = Group(
        name="observation",
        modules=("world.encoder", "world.dynamics.posterior", "world.decoder"),
        without=(*predicted, "behaviour/*"),
        optimiser=optimiser,
    )
    dynamics = Group(
        name="dynamics",
        modules=(
            *(f"world.dynamics.{x}" for x in ("entry", "backbone", "prior_net")),
            "world.reward",
            "world.continue_",
        ),
        losses=predicted,
        optimiser=optimiser,
    )
    seeing, predicting = config.train.pretrain * 6 // 10, config.train.pretrain * 3 // 10
    return in_turn(
        config,
        (observation, dynamics, *wished(config)),
        Stage(name="see", groups=(observation,), until=Until(updates=seeing)),
        Stage(name="predict", groups=(dynamics,), until=Until(updates=predicting)),
    )


TWM = Preset(
    name="twm",
    summary="Transformer-XL over latents, actions and rewards; two models that learn apart, an actor on latents alone",
    paper="Robine et al. 2023, Transformer-based World Models Are Happy With 100k Interactions",
    parts=Parts(
        backbone="transformer-xl",
        latent="categorical",
        posterior="encode",
        objective="two-models",
        behaviour="actor-critic",
    ),
    scales={"laptop": LAPTOP, "paper": PAPER},
    program=two_models,
    decodes=True,
)
