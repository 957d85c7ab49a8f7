"""One small instance of every registered part, in float64 and eval mode, with no weight at a special value."""

from itertools import product
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from reverie.agents.parts import PARTS
from reverie.dynamics.block_gru import BlockGRUConfig
from reverie.dynamics.dynamics import ConcatEntry, Dynamics, DynamicsConfig, Entry
from reverie.dynamics.gru import GRUConfig
from reverie.dynamics.markov import MarkovConfig
from reverie.latent.categorical import CategoricalConfig
from reverie.latent.gaussian import GaussianConfig
from reverie.nets.mlp import MLPConfig

INPUTS, ACTION, EMBED = 5, 2, 4
"""U, A and E of these tests."""

_SMALL = MLPConfig(units=6)
_CONFIGS: dict[str, Any] = {
    "gru": GRUConfig(units=6),
    "block-gru": BlockGRUConfig(units=6, hidden=4, blocks=2, layers=2),
    "markov": MarkovConfig(mlp=_SMALL),
    "gaussian": GaussianConfig(size=3),
    "categorical": CategoricalConfig(groups=2, classes=3),
}
"""Small sizes; a part that is registered but not named here is tested at its default size."""

BACKBONES = sorted(PARTS["backbone"])
COMBINATIONS = list(product(BACKBONES, sorted(PARTS["posterior"]), sorted(PARTS["latent"])))
"""Every (backbone, posterior, latent)."""


def _config(kind: str, name: str) -> Any:
    return _CONFIGS[name] if name in _CONFIGS else PARTS[kind][name].Config()


def prepare(module: nn.Module) -> Any:
    """The module as the laws want it: weights that start at zero or one (norms, heads) would hide mistakes."""
    for parameter in module.parameters():
        parameter.data.add_(0.3 * torch.randn_like(parameter))
    return module.double().eval()


def make_backbone(name: str) -> Any:
    """A backbone by its registered name."""
    torch.manual_seed(1)
    return prepare(PARTS["backbone"][name](_config("backbone", name), INPUTS))


class ReadsReward(Entry):
    """An entry through which the reward before enters, so that the laws see what happens to it."""

    reads_reward = True

    def __init__(self, config: MLPConfig, stoch: int, action: int) -> None:
        super().__init__(config, stoch, action)
        self.reward = nn.Linear(1, config.units, bias=False)

    def share(self, action: Float[Tensor, "*B A"], reward: Float[Tensor, "*B"]) -> Float[Tensor, "*B S"]:
        """What a_{t-1} and r_{t-1} contribute."""
        return super().share(action, reward) + self.reward(reward.unsqueeze(-1))


def make_dynamics(
    backbone: str,
    posterior: str,
    latent: str,
    wrap: type[Dynamics] = Dynamics,
    entry: type[Entry] | type[ConcatEntry] = ReadsReward,
) -> Dynamics:
    """The composition of three parts by their registered names."""
    torch.manual_seed(2)
    z = PARTS["latent"][latent](_config("latent", latent))
    enter = entry(MLPConfig(units=INPUTS), z.size, ACTION)
    memory = PARTS["backbone"][backbone](_config("backbone", backbone), enter.size)
    kind = PARTS["posterior"][posterior]
    infer = kind(kind.Config(mlp=_SMALL), memory.size, EMBED, z.posterior_size)
    return prepare(wrap(DynamicsConfig(entry=_SMALL, prior=_SMALL), enter, memory, z, infer))
