"""The parts that an option can exchange: a name for each implementation behind a Protocol."""

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from typing import Any, ClassVar, get_origin

from reverie import own
from reverie.behaviour.actor_critic import ActorCritic
from reverie.behaviour.behaviour import Behaviour
from reverie.behaviour.cem import CEM
from reverie.behaviour.evolution import Evolution
from reverie.behaviour.mppi import MPPI
from reverie.behaviour.planner import Planner, Unplanned
from reverie.behaviour.ppo import PPO
from reverie.behaviour.resting import Resting
from reverie.behaviour.reward_gradient import RewardGradient
from reverie.behaviour.td3 import TD3
from reverie.behaviour.value_gradient import ValueGradient
from reverie.dynamics.attention import Attention
from reverie.dynamics.backbone import Backbone
from reverie.dynamics.block_gru import BlockGRU
from reverie.dynamics.dynamics import ENTRIES
from reverie.dynamics.gru import GRU
from reverie.dynamics.lstm import LSTM
from reverie.dynamics.markov import Markov
from reverie.dynamics.posterior import Encode, Filter, Posterior
from reverie.dynamics.s5 import S5
from reverie.dynamics.transformer_xl import TransformerXL
from reverie.errors import UserError, unknown
from reverie.latent.categorical import Categorical
from reverie.latent.deterministic import Deterministic
from reverie.latent.fsq import FSQ
from reverie.latent.gaussian import Gaussian
from reverie.latent.latent import Latent
from reverie.latent.mixture import Mixture
from reverie.latent.simnorm import SimNorm
from reverie.world.consistency import Consistency
from reverie.world.objective import Filtering, Objective
from reverie.world.two_models import TwoModels
from reverie.world.vision_memory import VisionMemory

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
    "latent": {
        "gaussian": Gaussian,
        "mixture": Mixture,
        "categorical": Categorical,
        "simnorm": SimNorm,
        "fsq": FSQ,
        "deterministic": Deterministic,
    },
    "posterior": {"filter": Filter, "encode": Encode},
    "objective": {
        "filtering": Filtering,
        "two-models": TwoModels,
        "vision-memory": VisionMemory,
        "consistency": Consistency,
    },
    "behaviour": {
        "value-gradient": ValueGradient,
        "reward-gradient": RewardGradient,
        "actor-critic": ActorCritic,
        "ppo": PPO,
        "td3": TD3,
        "evolution": Evolution,
        "none": Resting,
    },
    "planner": {"none": Unplanned, "cem": CEM, "mppi": MPPI},
}

PROTOCOLS: dict[str, Any] = {
    "backbone": Backbone,
    "latent": Latent,
    "posterior": Posterior,
    "objective": Objective,
    "behaviour": Behaviour,
    "planner": Planner,
}
"""What each kind of part keeps, whoever wrote it."""


def part(kind: str, name: str) -> Any:
    """The class of that name: Reverie's, or the user's own, as in "py:package.module:Class".

    Raises:
        UserError: for a name that is not known, or a class that lacks what every part of its kind has.
    """
    if not own.is_own(name):
        if name not in PARTS[kind]:
            raise unknown(kind, name, PARTS[kind])
        return PARTS[kind][name]
    found, protocol = own.find(name, "Class", "class", lambda thing: isinstance(thing, type)), PROTOCOLS[kind]
    config = getattr(found, "Config", None)
    if not _configures(config):
        raise UserError(
            f"--{kind} {name} lacks Config, a frozen dataclass of its options, each with a default, or of none"
        )
    lacks = [member for member in _members(protocol) if not hasattr(found, member)]
    if kind == "behaviour" and not hasattr(config, "trained"):
        lacks.append("Config.trained")
    if lacks:
        raise UserError(
            f"--{kind} {name} lacks {', '.join(lacks)}, which every {kind} has: "
            f"see {protocol.__module__}.{protocol.__qualname__}"
        )
    return found


def _configures(config: Any) -> bool:
    """Whether it can be a part's configuration: made from nothing, written down field by field, and never changed."""
    if not (isinstance(config, type) and is_dataclass(config)):
        return False
    kind: Any = config
    options = fields(kind)
    given = all(option.default_factory is not MISSING or option.default is not MISSING for option in options)
    return kind.__dataclass_params__.frozen and given and all(option.init for option in options)


def _members(protocol: Any) -> list[str]:
    """What a class itself must have to keep a Protocol: its methods, and what is said of the whole class."""
    said = [name for name, hint in protocol.__annotations__.items() if get_origin(hint) is ClassVar]
    methods = [name for name, value in vars(protocol).items() if callable(value) and not name.startswith("_")]
    return sorted(said + methods)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """One choice of each exchangeable part, by the names that `part` knows.

    Raises:
        UserError: for a name that is not known, for a backbone that the posterior would walk and that cannot be, for
            a posterior or latents that the objective cannot work with, or where nothing chooses actions.
    """

    backbone: str
    latent: str
    posterior: str
    objective: str = "filtering"
    behaviour: str
    planner: str = "none"

    def __post_init__(self) -> None:
        for kind in PARTS:
            self.chosen(kind)
        if self.behaviour == "none" and self.planner == "none":
            cure = " or ".join(f"--planner {name}" for name in PARTS["planner"] if name != "none")
            raise UserError(f"--behaviour none and --planner none leave nothing that acts: add {cure}")
        if self.chosen("posterior").walks and not self.chosen("backbone").walkable:
            cure = " or ".join(f"--posterior {name}" for name, kind in PARTS["posterior"].items() if not kind.walks)
            raise UserError(
                f"--backbone {self.backbone} learns from whole chunks, and --posterior {self.posterior} walks through "
                f"them step by step: add {cure}"
            )
        objective, posterior, latent = (self.chosen(kind) for kind in ("objective", "posterior", "latent"))
        if objective.needs_encode and posterior.walks:
            raise self._unfit("encodes observations one by one", "posterior", "needs the past", lambda x: not x.walks)
        if objective.needs_bounded and not latent.bounded:
            measures = "measures the latents' entropy by the largest one"
            raise self._unfit(measures, "latent", "has none", lambda x: x.bounded)
        if objective.needs_certain and not latent.certain:
            raise self._unfit("matches latents by their distance", "latent", "draws them", lambda x: x.certain)
        if objective.needs_exact and not latent.exact:
            needs = "needs a mismatch that is never below zero"
            raise self._unfit(needs, "latent", "has none in closed form", lambda x: x.exact)

    def _unfit(self, needs: str, kind: str, has: str, fits: Callable[[Any], bool]) -> UserError:
        """What is said where the objective cannot work with another part."""
        cure = " or ".join(f"--{kind} {name}" for name, known in PARTS[kind].items() if fits(known))
        return UserError(f"--objective {self.objective} {needs}, and --{kind} {getattr(self, kind)} {has}: add {cure}")

    def chosen(self, kind: str) -> Any:
        """The class chosen for a kind of part."""
        return part(kind, getattr(self, kind))

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
