"""The parts that an option can exchange: a name for each implementation behind a Protocol."""

from dataclasses import dataclass, replace
from typing import Any

from reverie.behaviour.actor_critic import ActorCritic
from reverie.behaviour.reward_gradient import RewardGradient
from reverie.behaviour.value_gradient import ValueGradient
from reverie.dynamics.block_gru import BlockGRU
from reverie.dynamics.gru import GRU
from reverie.dynamics.markov import Markov
from reverie.dynamics.posterior import Encode, Filter
from reverie.errors import unknown
from reverie.latent.categorical import Categorical
from reverie.latent.gaussian import Gaussian
from reverie.world.objective import Filtering

PARTS: dict[str, dict[str, Any]] = {
    "backbone": {"gru": GRU, "block-gru": BlockGRU, "markov": Markov},
    "latent": {"gaussian": Gaussian, "categorical": Categorical},
    "posterior": {"filter": Filter, "encode": Encode},
    "objective": {"filtering": Filtering},
    "behaviour": {"value-gradient": ValueGradient, "reward-gradient": RewardGradient, "actor-critic": ActorCritic},
}


@dataclass(frozen=True, kw_only=True)
class Parts:
    """One choice of each exchangeable part."""

    backbone: str
    latent: str
    posterior: str
    objective: str = "filtering"
    behaviour: str

    def __post_init__(self) -> None:
        for kind, known in PARTS.items():
            if getattr(self, kind) not in known:
                raise unknown(kind, getattr(self, kind), known)

    def chosen(self, kind: str) -> Any:
        """The class chosen for a kind of part."""
        return PARTS[kind][getattr(self, kind)]

    def exchange(self, **choices: str | None) -> "Parts":
        """The same parts but for those given."""
        return replace(self, **{kind: name for kind, name in choices.items() if name is not None})
