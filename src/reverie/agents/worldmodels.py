"""World Models (Ha & Schmidhuber 2018): V, M and C, one after the other; its page is docs/presets/worldmodels.md."""

from reverie.agents.config import Config, TrainConfig
from reverie.agents.parts import Parts
from reverie.agents.preset import Preset
from reverie.agents.program import Group, Program, Stage, Until
from reverie.agents.programs import arena_of, wished
from reverie.behaviour.evolution import EvolutionConfig
from reverie.behaviour.search import SearchConfig
from reverie.dynamics.dynamics import DynamicsConfig
from reverie.dynamics.lstm import LSTMConfig
from reverie.dynamics.posterior import EncodeConfig
from reverie.latent.mixture import MixtureConfig
from reverie.nets.cnn import CNNConfig
from reverie.nets.mlp import MLPConfig
from reverie.nets.optimiser import OptimiserConfig
from reverie.representation.decoder import DecoderConfig
from reverie.representation.encoder import EncoderConfig
from reverie.representation.preprocess import PreprocessConfig
from reverie.world.heads import ContinueConfig, HeadConfig
from reverie.world.vision_memory import ControlConfig, MemoryConfig, VisionConfig, VisionMemoryConfig

_SMALL_CNN = CNNConfig(depth=16)

LAPTOP = {
    "train": TrainConfig(threads=1, steps=20_000, prefill=0, hold=(3, 8, 25), batch=32, length=32),
    "encoder": EncoderConfig(cnn=_SMALL_CNN),
    "decoder": DecoderConfig(cnn=_SMALL_CNN, reads="z"),
    "latent": (MixtureConfig(size=16),),
    "objective": (
        VisionMemoryConfig(
            vision=VisionConfig(updates=1_500),
            memory=MemoryConfig(updates=2_000),
            control=ControlConfig(updates=100, evaluate_every=20),
        ),
    ),
    "behaviour": (EvolutionConfig(rollouts=8, horizon=200),),
}
"""Minutes of one core, from state; what is not named has the part's default. Games from pixels need more of most."""

_CNN = CNNConfig(depth=32, norm="none", activation="relu")
_LINEAR = MLPConfig(layers=0)

PAPER = {
    "train": TrainConfig(
        steps=10_000_000,
        prefill=0,
        batch=100,
        length=1000,
        replay_mib=131_072.0,
        eval_episodes=1024,
    ),
    "preprocess": PreprocessConfig(images="unit", vectors="none", reward_unit=1.0),
    "encoder": EncoderConfig(cnn=_CNN),
    "decoder": DecoderConfig(cnn=_CNN, reads="z"),
    "dynamics": DynamicsConfig(prior=_LINEAR),
    "reward": HeadConfig(mlp=_LINEAR),
    "continue_": ContinueConfig(mlp=_LINEAR),
    "backbone": (LSTMConfig(units=256, norm="none"),),
    "latent": (MixtureConfig(size=32, components=5, min_std=0.0),),
    "posterior": (EncodeConfig(mlp=_LINEAR),),
    "objective": (
        VisionMemoryConfig(
            # summed squares, which are twice the negative log-likelihood; ten passes through 10,000 episodes
            vision=VisionConfig(optimiser=OptimiserConfig(lr=1e-4), image=2.0, rows=100, updates=1_000_000),
            memory=MemoryConfig(optimiser=OptimiserConfig(lr=1e-3, clip=1.0), updates=4_000),
            control=ControlConfig(updates=1_800, evaluate_every=25),
        ),
    ),
    "behaviour": (
        EvolutionConfig(
            search=SearchConfig(population=64, sigma=0.1), arena="real", rollouts=16, horizon=2100, temperature=1.15
        ),
    ),
}
"""CarRacing's values, from the paper's code; of the dream it has for TakeCover, temperature and horizon."""


def stages(config: Config) -> Program:
    """World Models' program: collect, fit V, encode once, fit M, and let C learn; in rounds, where that is wanted.

    The first round collects at random, the others with the controller, and all go on with what they have learned
    (World Models, section 5.4: iterative training). An evolution tries out whole episodes, from where they begin; other
    behaviours learn from chunks.
    """
    objective = config.objective
    encoder = ("world.encoder", "world.dynamics.posterior", "world.decoder")
    rest = tuple(f"world.dynamics.{x}" for x in ("entry", "backbone", "prior_net"))
    vision = Group(name="vision", modules=encoder, optimiser=objective.vision.optimiser)
    memory = Group(
        name="memory", modules=(*rest, "world.reward", "world.continue_"), optimiser=objective.memory.optimiser
    )
    rows = getattr(config.behaviour, "rollouts", None)

    def each(number: int) -> Program:
        frames = config.train.steps * (number + 1) // objective.rounds
        return (
            Stage(
                name="collect",
                actor="behaviour" if number else "random",
                until=Until(frames=frames),
                measure=not number,
            ),
            Stage(
                name="vision",
                objective="objective.vision",
                draw="records",
                rows=objective.vision.rows,
                groups=(vision,),
                evaluate=0,
                until=Until(updates=objective.vision.updates),
            ),
            Stage(
                name="memory",
                objective="objective.memory",
                encode=True,
                groups=(memory,),
                evaluate=0,
                until=Until(updates=objective.memory.updates),
            ),
            Stage(
                name="control",
                draw="beginnings" if rows else "chunks",
                rows=rows,
                groups=wished(config),
                behave=True,
                arena=arena_of(config),
                evaluate=objective.control.evaluate_every,
                log=1,
                until=Until(updates=objective.control.updates),
            ),
        )

    return tuple(stage for number in range(objective.rounds) for stage in each(number))


WORLDMODELS = Preset(
    name="worldmodels",
    summary="a VAE that sees, an MDN-RNN that remembers, and a small controller that evolves in dreams or in reality",
    paper="Ha & Schmidhuber 2018, World Models",
    parts=Parts(
        backbone="lstm", latent="mixture", posterior="encode", objective="vision-memory", behaviour="evolution"
    ),
    scales={"laptop": LAPTOP, "paper": PAPER},
    program=stages,
)
