"""Actions world model (Ma et al. 2024): a transformer that is told actions alone; its page is docs/presets/awm.md."""

from reverie.agents.config import TrainConfig
from reverie.agents.parts import Parts
from reverie.agents.preset import Preset
from reverie.agents.programs import one_world
from reverie.behaviour.policy import ActorConfig
from reverie.behaviour.ppo import PPOConfig
from reverie.behaviour.reward_gradient import RewardGradientConfig
from reverie.behaviour.value_gradient import ValueGradientConfig
from reverie.dynamics.attention import AttentionConfig
from reverie.dynamics.dynamics import DynamicsConfig
from reverie.dynamics.lstm import LSTMConfig
from reverie.nets.mlp import MLPConfig
from reverie.nets.optimiser import OptimiserConfig
from reverie.representation.decoder import DecoderConfig
from reverie.representation.encoder import EncoderConfig
from reverie.world.heads import HeadConfig
from reverie.world.objective import FilteringConfig

_EXPLORING = ActorConfig(reads="z", noise=0.3)

LAPTOP = {
    "train": TrainConfig(threads=1, batch=64, length=13),
    "dynamics": DynamicsConfig(condition="action", reach=12),
    "objective": (FilteringConfig(representation=0.01),),
    "backbone": (AttentionConfig(positions="relative"),),
    "behaviour": (
        ValueGradientConfig(actor=_EXPLORING, critic=HeadConfig(reads="z")),
        RewardGradientConfig(actor=_EXPLORING),
        PPOConfig(actor=_EXPLORING, critic=HeadConfig(reads="z")),
    ),
}
"""`tssm`'s small layers, and dreams that are anchored where they start. A chunk has one anchor, and each distance once,
where the history has 16 single steps: from `tssm`'s 16 chunks the world is slow to learn what an action does to the
pole. So there are as many chunks as in the paper, each no longer than a dream. A prior that sees no latents for up to
12 steps is wide, and a posterior that were pulled towards it as much as `tssm`'s would blur what is seen. Dreamer's
noise is added to explored actions: without it one seed of three did not balance the pole. What is not named has the
part's default."""

_SMALL = MLPConfig(layers=2, units=64, norm="none", activation="silu")
_ACTOR = ActorConfig(mlp=_SMALL, reads="z")

PAPER = {
    "train": TrainConfig(
        steps=5_000, prefill=1_500, pretrain=0, train_every=2, batch=64, length=101, eval_every=500, eval_episodes=10
    ),
    "encoder": EncoderConfig(mlp=_SMALL),
    "decoder": DecoderConfig(mlp=_SMALL),
    "dynamics": DynamicsConfig(condition="action", reach=100),
    "reward": HeadConfig(mlp=_SMALL),
    "backbone": (
        AttentionConfig(units=48, layers=2, heads=3, hidden=192, window=101, positions="learned"),
        LSTMConfig(units=64),
    ),
    "objective": (FilteringConfig(optimiser=OptimiserConfig(lr=1e-3, clip=100.0)),),
    "behaviour": (
        RewardGradientConfig(
            actor=_ACTOR,
            actor_optimiser=OptimiserConfig(lr=1e-4, clip=100.0),
            horizon=100,
            starts=16,
            gamma=1.0,
            entropy=1e-3,
        ),
        ValueGradientConfig(
            actor=_ACTOR,
            critic=HeadConfig(mlp=_SMALL, reads="z"),
            actor_optimiser=OptimiserConfig(lr=1e-4, clip=100.0),
            critic_optimiser=OptimiserConfig(lr=1e-3, clip=100.0),
            starts=16,
            gamma=1.0,
            entropy=1e-3,
            target_rate=0.005,
            return_scale=False,
        ),
        PPOConfig(actor=_ACTOR, critic=HeadConfig(mlp=_SMALL, reads="z"), starts=16, gamma=1.0),
    ),
}
"""The values of its code for Myriad, horizon 100 (configs/rl and train_myriad.py). There the sum of a dream's rewards
stands beside 0.1 times the mean of its entropies; here means stand beside each other, so that it is a hundredth."""

AWM = Preset(
    name="awm",
    summary="a transformer conditioned on actions alone, actor by the gradient of imagined value",
    paper="Ma et al. 2024, Do Transformer World Models Give Better Policy Gradients?",
    parts=Parts(backbone="attention", latent="gaussian", posterior="encode", behaviour="value-gradient"),
    scales={"laptop": LAPTOP, "paper": PAPER},
    program=one_world,
)
