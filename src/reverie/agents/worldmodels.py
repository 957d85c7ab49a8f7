"""World Models (Ha & Schmidhuber 2018): V, M and C, one after the other; its page is docs/presets/worldmodels.md."""

from reverie.agents.config import TrainConfig
from reverie.agents.parts import Parts
from reverie.agents.preset import Preset, stages
from reverie.dynamics.lstm import LSTMConfig
from reverie.latent.mixture import MixtureConfig
from reverie.nets.cnn import CNNConfig
from reverie.representation.decoder import DecoderConfig
from reverie.world.vision_memory import VisionMemoryConfig

LAPTOP = {
    "train": TrainConfig(threads=1, steps=20_000, prefill=0, hold=(3, 8, 25), batch=32, length=32),
    "decoder": DecoderConfig(reads="z"),
    "backbone": (LSTMConfig(units=128),),
    "latent": (MixtureConfig(size=16),),
    "objective": (VisionMemoryConfig(),),
}
"""Values for minutes on a CPU; what is not named has the part's default."""

_CNN = CNNConfig(depth=32, norm="none", activation="relu")

PAPER = {
    "train": TrainConfig(steps=10_000_000, prefill=0, batch=100, length=1000, replay_mib=131_072.0, eval_episodes=100),
    "encoder": LAPTOP["decoder"],
    "latent": (MixtureConfig(size=32, min_std=0.0),),
}

WORLDMODELS = Preset(
    name="worldmodels",
    summary="a VAE that sees, an MDN-RNN that remembers, and a small controller that evolves in its dreams",
    paper="Ha & Schmidhuber 2018, World Models",
    parts=Parts(
        backbone="lstm", latent="mixture", posterior="encode", objective="vision-memory", behaviour="evolution"
    ),
    scales={"laptop": LAPTOP},
    program=stages,
)
