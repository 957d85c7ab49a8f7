"""The sizes at which other libraries were measured: batch 16 x 64, and dreams of 15 steps from all 1,024 states."""

from dataclasses import replace

from reverie.agents.config import Config
from reverie.agents.parts import Parts
from reverie.behaviour.actor import ActorConfig
from reverie.behaviour.value_gradient import ValueGradientConfig
from reverie.dynamics.attention import AttentionConfig
from reverie.dynamics.dynamics import DynamicsConfig
from reverie.dynamics.gru import GRUConfig
from reverie.latent.categorical import CategoricalConfig
from reverie.nets.cnn import CNNConfig
from reverie.nets.mlp import MLPConfig
from reverie.representation.decoder import DecoderConfig
from reverie.representation.encoder import EncoderConfig
from reverie.world.heads import ContinueConfig, HeadConfig

MLP = MLPConfig(layers=2, units=256)

SCALES = {
    "matched": Parts(backbone="gru", latent="categorical", posterior="filter", behaviour="value-gradient"),
    "matched-attention": Parts(
        backbone="attention", latent="categorical", posterior="encode", behaviour="value-gradient"
    ),
}
BACKBONES: dict[str, GRUConfig | AttentionConfig] = {
    "gru": GRUConfig(units=256),
    "attention": AttentionConfig(units=256, layers=4, heads=4, hidden=1024, window=64, starts="shared"),
}


def matched(config: Config, parts: Parts) -> Config:
    """The size at which other libraries were measured, with the backbone that the parts name."""
    one = MLPConfig(layers=1, units=256)
    head, cnn = HeadConfig(mlp=MLP), CNNConfig(depth=16)
    return replace(
        config,
        train=replace(config.train, batch=16, length=64),
        encoder=EncoderConfig(mlp=MLP, cnn=cnn),
        decoder=DecoderConfig(mlp=MLP, cnn=cnn),
        dynamics=DynamicsConfig(entry=one, prior=one),
        reward=head,
        continue_=ContinueConfig(mlp=MLP),
        backbone=BACKBONES[parts.backbone],
        latent=CategoricalConfig(groups=16, classes=16),
        posterior=parts.chosen("posterior").Config(mlp=one),
        behaviour=ValueGradientConfig(actor=ActorConfig(mlp=MLP), critic=head, horizon=15, starts=0),
    )
