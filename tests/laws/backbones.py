"""One small instance of every registered part, in float64 and eval mode, with no weight at a special value."""

from itertools import product
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from reverie.agents.parts import PARTS
from reverie.dynamics.attention import AttentionConfig
from reverie.dynamics.block_gru import BlockGRUConfig
from reverie.dynamics.dynamics import AnyEntry, Dynamics, DynamicsConfig, Entry
from reverie.dynamics.gru import GRUConfig
from reverie.dynamics.lstm import LSTMConfig
from reverie.dynamics.markov import MarkovConfig
from reverie.dynamics.s5 import S5Config
from reverie.dynamics.transformer_xl import TransformerXLConfig
from reverie.latent.categorical import CategoricalConfig
from reverie.latent.deterministic import DeterministicConfig
from reverie.latent.fsq import FSQConfig
from reverie.latent.gaussian import GaussianConfig
from reverie.latent.simnorm import SimNormConfig
from reverie.nets.mlp import MLPConfig

INPUTS, ACTION, EMBED = 5, 2, 4
"""U, A and E of these tests."""

_SMALL = MLPConfig(units=6)
_CONFIGS: dict[str, Any] = {
    "gru": GRUConfig(units=6),
    "block-gru": BlockGRUConfig(units=6, hidden=4, blocks=2, layers=2),
    "lstm": LSTMConfig(units=6),
    "attention": AttentionConfig(units=8, heads=2, layers=2, hidden=6, window=4),
    "transformer-xl": TransformerXLConfig(units=8, heads=2, layers=2, hidden=6, window=4),
    "s5": S5Config(units=6, layers=2, states=3),
    "markov": MarkovConfig(mlp=_SMALL),
    "gaussian": GaussianConfig(size=3),
    "categorical": CategoricalConfig(groups=2, classes=3),
    "simnorm": SimNormConfig(groups=2, classes=3),
    "fsq": FSQConfig(groups=2, levels=(3, 2)),
    "deterministic": DeterministicConfig(size=3),
}
"""Small sizes; a part that is registered but not named here is tested at its default size."""


class Variant(NamedTuple):
    """A registered backbone with other options than those of its name, and how many tokens it reads per step."""

    part: str
    config: Any
    tokens: int = 1


def _attention(**options: Any) -> AttentionConfig:
    """Windows of 4 steps in chunks of 6, over 2 layers: they reach 6 steps back."""
    return AttentionConfig(**{"units": 8, "heads": 2, "layers": 2, "hidden": 6, "window": 4, **options})


VARIANTS = {
    "attention-wide": Variant("attention", _attention(window=9)),
    "attention-tokens": Variant("attention", _attention(), 3),
    "attention-shared": Variant("attention", _attention(starts="shared")),
    "attention-shared-relative-tokens": Variant(
        "attention", _attention(positions="relative", starts="shared", clip=3, window=3, layers=3), 3
    ),
    "attention-shared-wide-learned": Variant("attention", _attention(positions="learned", starts="shared", window=9)),
    "attention-relative-gtrxl": Variant("attention", _attention(positions="relative", gate="gtrxl")),
    "attention-learned-tokens-all": Variant("attention", _attention(positions="learned", outputs="all"), 3),
    "transformer-xl-shared-wide-tokens-all": Variant(
        "transformer-xl",
        TransformerXLConfig(units=8, heads=2, layers=2, hidden=6, window=9, starts="shared", outputs="all"),
        3,
    ),
    "lstm-plain": Variant("lstm", LSTMConfig(units=6, norm="none")),
    "s5-tokens": Variant("s5", S5Config(units=6, layers=2, states=3), 3),
    "s5-hippo-deep": Variant("s5", S5Config(units=6, layers=3, states=4, blocks=2, initial="hippo")),
    "s5-linear-tokens": Variant("s5", S5Config(units=6, layers=1, states=4, blocks=1, initial="linear"), 3),
}
BACKBONES = sorted([*PARTS["backbone"], *VARIANTS])
"""Every registered backbone, and variants of some."""
COMBINATIONS = [
    (backbone, posterior, latent)
    for backbone, posterior, latent in product(*[sorted(PARTS[kind]) for kind in ("backbone", "posterior", "latent")])
    if PARTS["backbone"][backbone].walkable or not PARTS["posterior"][posterior].walks
    # What is no divergence is legal in one objective, with the encode posterior; one backbone stands for all.
    if PARTS["latent"][latent].exact or (backbone, posterior) == ("lstm", "encode")
]
"""Every legal (backbone, posterior, latent)."""


def _config(kind: str, name: str) -> Any:
    return _CONFIGS[name] if name in _CONFIGS else PARTS[kind][name].Config()


def backbone_of(name: str, inputs: int, tokens: int | None = None) -> Any:
    """A backbone by its registered name, or by that of a variant; its weights as they start."""
    part, config, own = VARIANTS[name] if name in VARIANTS else Variant(name, _config("backbone", name))
    kind = PARTS["backbone"][part]
    return kind(config, inputs, tokens or own) if kind.many_tokens else kind(config, inputs)


def prepare(module: nn.Module) -> Any:
    """The module as the laws want it: weights that start at zero or one (norms, heads) would hide mistakes."""
    for parameter in module.parameters():
        parameter.data.add_(0.3 * torch.randn_like(parameter))
    return module.double().eval()


def make_backbone(name: str) -> Any:
    """A backbone by its registered name, or by that of a variant."""
    torch.manual_seed(1)
    return prepare(backbone_of(name, INPUTS))


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
    entry: type[AnyEntry] = ReadsReward,
) -> Dynamics:
    """The composition of three parts by their registered names."""
    torch.manual_seed(2)
    z = PARTS["latent"][latent](_config("latent", latent))
    enter = entry(MLPConfig(units=INPUTS), z.size, ACTION)
    memory = backbone_of(backbone, enter.size, enter.tokens)
    kind = PARTS["posterior"][posterior]
    infer = kind(kind.Config(mlp=_SMALL), memory.size, EMBED, z.posterior_size)
    return prepare(wrap(DynamicsConfig(entry=_SMALL, prior=_SMALL), enter, memory, z, infer))
