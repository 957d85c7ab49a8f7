"""The parts that an option can exchange: a name for each implementation behind a Protocol."""

from dataclasses import dataclass, replace
from typing import Any

from reverie.behaviour.actor_critic import ActorCritic
from reverie.behaviour.reward_gradient import RewardGradient
from reverie.behaviour.value_gradient import ValueGradient
from reverie.dynamics.attention import Attention
from reverie.dynamics.block_gru import BlockGRU
from reverie.dynamics.dynamics import ENTRIES
from reverie.dynamics.gru import GRU
from reverie.dynamics.lstm import LSTM
from reverie.dynamics.markov import Markov
from reverie.dynamics.posterior import Encode, Filter
from reverie.dynamics.s5 import S5
from reverie.dynamics.transformer_xl import TransformerXL
from reverie.errors import UserError, unknown
from reverie.latent.categorical import Categorical
from reverie.latent.gaussian import Gaussian
from reverie.world.objective import Filtering
from reverie.world.two_models import TwoModels

PARTS: dict[str, dict[str, Any]] = {
    "backbone": {
        "gru": GRU,
        "block-gru": BlockGRU,
        "lstm": LSTM,
        "attention": Attention,
        "transformer-xl": TransformerXL,
        "s5": S5,
        "markov": Markov,
    },
    "latent": {"gaussian": Gaussian, "categorical": Categorical},
    "posterior": {"filter": Filter, "encode": Encode},
    "objective": {"filtering": Filtering, "two-models": TwoModels},
    "behaviour": {"value-gradient": ValueGradient, "reward-gradient": RewardGradient, "actor-critic": ActorCritic},
}


@dataclass(frozen=True, kw_only=True)
class Parts:
    """One choice of each exchangeable part.

    Raises:
        UserError: for a name that is not known, for a backbone that the posterior would walk and that cannot be, or
            for latents whose entropy the objective cannot measure.
    """

    backbone: str
    latent: str
    posterior: str
    objective: str = "filtering"
    behaviour: str

    def __post_init__(self) -> None:
        for kind, known in PARTS.items():
            if getattr(self, kind) not in known:
                raise unknown(kind, getattr(self, kind), known)
        if self.chosen("posterior").walks and not self.chosen("backbone").walkable:
            cure = " or ".join(f"--posterior {name}" for name, kind in PARTS["posterior"].items() if not kind.walks)
            raise UserError(
                f"--backbone {self.backbone} learns from whole chunks, and --posterior {self.posterior} walks through "
                f"them step by step: add {cure}"
            )
        if self.chosen("objective").needs_bounded and not self.chosen("latent").bounded:
            cure = " or ".join(f"--latent {name}" for name, kind in PARTS["latent"].items() if kind.bounded)
            raise UserError(
                f"--objective {self.objective} measures the latents' entropy by the largest one, and --latent "
                f"{self.latent} has none: add {cure}"
            )

    def chosen(self, kind: str) -> Any:
        """The class chosen for a kind of part."""
        return PARTS[kind][getattr(self, kind)]

    def fit(self, join: str) -> None:
        """See that what enters the backbone can be read by it.

        Raises:
            UserError: if the join makes more tokens per step than the backbone reads.
        """
        tokens = ENTRIES[join].tokens
        if tokens > 1 and not self.chosen("backbone").many_tokens:
            joins = " or ".join(f"--dynamics.join {name}" for name, entry in ENTRIES.items() if entry.tokens == 1)
            readers = " or ".join(f"--backbone {name}" for name, kind in PARTS["backbone"].items() if kind.many_tokens)
            raise UserError(
                f"--backbone {self.backbone} reads one token per step, and --dynamics.join {join} makes {tokens}: "
                f"choose {joins}, or {readers}"
            )

    def exchange(self, **choices: str | None) -> "Parts":
        """The same parts but for those given."""
        return replace(self, **{kind: name for kind, name in choices.items() if name is not None})
