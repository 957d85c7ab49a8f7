"""A small world whose weights are at no special value, and chunks of experience for it."""

import torch
from torch import Tensor

from reverie.agents.parts import PARTS
from reverie.dynamics.dynamics import Dynamics, DynamicsConfig, Entry
from reverie.dynamics.gru import GRU, GRUConfig
from reverie.latent.categorical import CategoricalConfig
from reverie.latent.deterministic import DeterministicConfig
from reverie.latent.fsq import FSQConfig
from reverie.latent.gaussian import GaussianConfig
from reverie.latent.mixture import MixtureConfig
from reverie.latent.simnorm import SimNormConfig
from reverie.nets.cnn import CNNConfig
from reverie.nets.mlp import MLPConfig
from reverie.representation.decoder import Decoder, DecoderConfig
from reverie.representation.encoder import Encoder, EncoderConfig
from reverie.representation.preprocess import Preprocess, PreprocessConfig
from reverie.types import Batch, Read
from reverie.world.heads import OUTPUTS, Binary, Head, HeadConfig
from reverie.world.world import World

ROWS, STEPS, ACTION = 3, 4, 2
SHAPES = {"eye": (4, 4, 1), "speed": (2,)}
_MLP = MLPConfig(units=6)
_LATENTS = {
    "gaussian": GaussianConfig(size=3),
    "categorical": CategoricalConfig(groups=2, classes=3),
    "simnorm": SimNormConfig(groups=2, classes=3),
    "fsq": FSQConfig(groups=2, levels=(3, 2)),
    "deterministic": DeterministicConfig(size=3),
    "mixture": MixtureConfig(size=3, components=2),
}


class ReadsReward(Entry):
    """An entry through which the reward before enters."""

    reads_reward = True

    def share(self, action: Tensor, reward: Tensor) -> Tensor:
        """What a_{t-1} and r_{t-1} contribute."""
        # a ramp: the normalisation that follows would take away what is the same for all units
        return super().share(action, reward) + reward.unsqueeze(-1) * torch.linspace(-1, 1, self.size)


def make_world(
    latent: str = "gaussian",
    posterior: str = "filter",
    decoder: bool = True,
    entry: type[Entry] = Entry,
    reads: Read = "hz",
) -> World:
    """A GRU world; heads and all else are moved away from where they start."""
    torch.manual_seed(0)
    z = PARTS["latent"][latent](_LATENTS[latent])
    encoder = Encoder(EncoderConfig(mlp=_MLP, cnn=CNNConfig(depth=2, stages=1)), SHAPES)
    backbone, kind = GRU(GRUConfig(units=5), 6), PARTS["posterior"][posterior]
    infer = kind(kind.Config(mlp=_MLP), 5, encoder.size, z.posterior_size)
    config, head = DecoderConfig(mlp=_MLP, cnn=CNNConfig(depth=2, stages=1), reads=reads), HeadConfig(mlp=_MLP)
    world = World(
        Preprocess(PreprocessConfig(vectors="symlog", images="unit"), SHAPES),
        encoder,
        Dynamics(DynamicsConfig(prior=_MLP), entry(_MLP, z.size, ACTION), backbone, z, infer),
        Decoder(config, 5, z.size, SHAPES) if decoder else None,
        Head(head, OUTPUTS[head.output](head.bins), 5, z.size),
        Head(head, Binary(), 5, z.size),
    )
    for parameter in world.parameters():
        parameter.data.add_(0.3 * torch.randn_like(parameter))
    return world.eval()


def make_batch(steps: int = STEPS, seed: int = 0) -> Batch:
    """Experience in which row 1 ends at step 1 and row 2 runs into a time limit there; both begin anew at step 2."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(ROWS, steps, *shape, generator=generator)

    first, terminal = torch.zeros(2, ROWS, steps).unbind(0)
    first[1:, 2:3] = 1
    terminal[1, 1:2] = 1
    eye = torch.randint(0, 256, (ROWS, steps, *SHAPES["eye"]), generator=generator, dtype=torch.uint8)
    return Batch({"eye": eye, "speed": draw(2)}, draw(ACTION), 3 * draw(), first, terminal)


def generator(seed: int = 0) -> torch.Generator:
    """A source of draws."""
    return torch.Generator().manual_seed(seed)
