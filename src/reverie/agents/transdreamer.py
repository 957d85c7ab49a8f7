"""TransDreamer and its world, the TSSM (Chen et al. 2022); their pages are docs/presets/transdreamer.md and tssm.md."""

from dataclasses import replace
from typing import Any

from reverie.agents import dreamerv2
from reverie.agents.config import TrainConfig
from reverie.agents.parts import Parts
from reverie.agents.preset import Preset
from reverie.agents.programs import one_world
from reverie.behaviour.reward_gradient import RewardGradientConfig
from reverie.behaviour.value_gradient import ValueGradientConfig
from reverie.dynamics.attention import AttentionConfig
from reverie.dynamics.dynamics import DynamicsConfig
from reverie.dynamics.posterior import EncodeConfig
from reverie.latent.categorical import CategoricalConfig
from reverie.nets.mlp import MLPConfig
from reverie.nets.optimiser import OptimiserConfig
from reverie.representation.decoder import DecoderConfig
from reverie.representation.encoder import EncoderConfig
from reverie.representation.preprocess import PreprocessConfig
from reverie.world.heads import ContinueConfig, HeadConfig


def _adamw(lr: float) -> OptimiserConfig:
    """DreamerV2's, with a decay of 1e-6 that torch's AdamW multiplies by the rate (its code's solver)."""
    return replace(dreamerv2.ADAM, lr=lr, weight_decay=1e-6 * lr)


_HIDDEN = MLPConfig(layers=1, units=600, norm="none", activation="elu")

WORLD: dict[str, Any] = {
    "train": TrainConfig(
        steps=40_000_000, prefill=200_000, pretrain=0, train_every=16, batch=50, length=50, eval_every=400_000
    ),
    "preprocess": PreprocessConfig(vectors="none", images="unit", reward_unit=1.0),
    "encoder": EncoderConfig(mlp=dreamerv2.NET, cnn=dreamerv2.CNN),
    "decoder": DecoderConfig(mlp=dreamerv2.NET, cnn=dreamerv2.CNN),
    "dynamics": DynamicsConfig(entry=_HIDDEN, prior=_HIDDEN),
    "reward": HeadConfig(mlp=dreamerv2.NET),
    "continue_": ContinueConfig(mlp=dreamerv2.NET),
    "backbone": (
        AttentionConfig(units=600, layers=2, heads=8, hidden=1024, window=50, positions="relative", outputs="all"),
    ),
    "latent": (CategoricalConfig(groups=32, classes=32, unimix=0.0),),
    "posterior": (EncodeConfig(mlp=_HIDDEN),),
    "objective": (replace(dreamerv2.BALANCED, optimiser=_adamw(2e-4)),),
}
"""The published world and its training (its code's configs.py, which counts agent steps of 4 frames)."""

_GRADIENT = {"horizon": 15, "starts": 0, "gamma": 0.999, "entropy": 1e-3, "actor": dreamerv2.ACTOR}
PAPER = WORLD | {
    "behaviour": (
        replace(
            dreamerv2.behaviour_of(actor=1e-5, critic=1e-4, gamma=0.999, entropy=1e-3),
            gradient="both",
            actor_optimiser=_adamw(1e-5),
            critic_optimiser=_adamw(1e-4),
        ),
        ValueGradientConfig(
            **_GRADIENT,
            critic=HeadConfig(mlp=dreamerv2.NET),
            actor_optimiser=_adamw(1e-5),
            critic_optimiser=_adamw(1e-4),
            target_rate=1.0,
            return_scale=False,
        ),
        RewardGradientConfig(**_GRADIENT, actor_optimiser=_adamw(1e-5)),
    ),
}
"""The published agent; a behaviour that is exchanged keeps its networks and rates."""

TSSM_LAPTOP = {"train": TrainConfig(threads=1), "backbone": (AttentionConfig(positions="relative"),)}
"""Two small layers that see 16 steps; what is not named has the part's default."""

LAPTOP = dreamerv2.LAPTOP | {"backbone": (AttentionConfig(positions="relative", outputs="all"),)}
"""The same small layers, all layers' outputs, and `dreamerv2`'s sharp categoricals and way of learning to act: what z
does not hold of an observation, a posterior without a past cannot make up for."""

_CITATION = "Chen et al. 2022, TransDreamer: Reinforcement Learning with Transformer World Models"

TRANSDREAMER = Preset(
    name="transdreamer",
    summary="a causal transformer as world, categorical latents, DreamerV2's actor and critic",
    paper=_CITATION,
    parts=Parts(backbone="attention", latent="categorical", posterior="encode", behaviour="actor-critic"),
    scales={"laptop": LAPTOP, "paper": PAPER},
    program=one_world,
)

TSSM = Preset(
    name="tssm",
    summary="the plain transformer state-space model with Gaussian latents, actor by the gradient of imagined value",
    paper=_CITATION,
    parts=Parts(backbone="attention", latent="gaussian", posterior="encode", behaviour="value-gradient"),
    scales={"laptop": TSSM_LAPTOP, "paper": PAPER},
    program=one_world,
)
