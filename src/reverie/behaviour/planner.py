"""Planners: they look for actions by trying many in dreams, beside a behaviour that may propose some and value ends.

index     0              1                 ...   H
features  f_0 (real)     f_1                     f_H
action    a_0            a_1               ...
reward                   r_1                     r_H

A candidate "H A" is worth  sum_i w_i r_{i+1}  +  w_H v(f_H),  w_i the chance, discounted, to get to step i.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from reverie.behaviour.behaviour import Behaviour
from reverie.errors import UserError, unknown
from reverie.ops.returns import reach
from reverie.types import Actions, Features, Mode, State
from reverie.world.imagine import unroll
from reverie.world.world import World

M = TypeVar("M")
Precision = Literal["float32", "bfloat16"]


class Planner(Protocol[M]):
    """Chooses actions for an agent, with a memory M of its own; it learns nothing and owns no weights."""

    plans: ClassVar[bool]
    """Whether it looks ahead; otherwise the behaviour itself acts."""

    def initial(self, behaviour: Behaviour[Any], rows: int, device: torch.device) -> M:
        """The memory before anything happened, for B rows."""
        ...

    def act(
        self,
        world: World,
        behaviour: Behaviour[Any],
        state: State,
        memory: M,
        first: Tensor,
        mode: Mode,
        generator: torch.Generator | None,
    ) -> tuple[Tensor, M]:
        """The actions "B A" in [-1, 1] to take at the given state. Evaluation is deterministic."""
        ...


@dataclass(frozen=True, kw_only=True)
class UnplannedConfig:
    """Nothing to configure."""


class Unplanned:
    """The behaviour itself acts."""

    Config = UnplannedConfig
    plans = False

    def __init__(self, config: UnplannedConfig, actions: Actions) -> None:
        """Any form of actions will do."""

    def initial(self, behaviour: Behaviour[Any], rows: int, device: torch.device) -> Any:
        """The behaviour's own memory."""
        return behaviour.initial(rows)

    def act(
        self,
        world: World,
        behaviour: Behaviour[Any],
        state: State,
        memory: Any,
        first: Tensor,
        mode: Mode,
        generator: torch.Generator | None,
    ) -> tuple[Tensor, Any]:
        """What the behaviour chooses."""
        return behaviour.act(world, state, memory, first, mode, generator)


@dataclass(frozen=True, kw_only=True)
class PlanConfig:
    """What every search among candidates has."""

    horizon: int = 12
    """H, dreamed steps"""
    candidates: int = 1000
    """N, sequences of actions tried in each iteration"""
    elites: int = 100
    """K, the best of them, to which the next iteration's distribution is fitted"""
    iterations: int = 10
    """fits"""
    gamma: float = 1.0
    """discount per agent step"""
    draw: bool = True
    """dreams draw their latents; otherwise they follow the most likely ones"""
    precision: Precision = "float32"
    """bfloat16 tries candidates in half precision, which is faster on GPUs and on CPUs that know it"""

    def latents(self, generator: torch.Generator) -> torch.Generator | None:
        """What a dream's latents are drawn by: nothing where they are not."""
        return generator if self.draw else None

    def __post_init__(self) -> None:
        for name in ("horizon", "iterations"):
            if getattr(self, name) < 1:
                raise UserError(f"planner.{name} must be at least 1, not {getattr(self, name)}")
        if not 2 <= self.elites <= self.candidates:
            raise UserError(f"planner.elites must be in [2, planner.candidates = {self.candidates}], not {self.elites}")
        if not 0 <= self.gamma <= 1:
            raise UserError(f"planner.gamma must be in [0, 1], not {self.gamma}")
        if self.precision not in get_args(Precision):
            raise unknown("planner.precision", self.precision, get_args(Precision))


C = TypeVar("C", bound=PlanConfig)


class CandidateSearch(Generic[C]):
    """What planners that try candidates have in common: their configuration C, and how candidates are tried."""

    HOT = ("worth",)

    def __init__(self, config: C) -> None:
        self._config = config

    def worth(
        self,
        world: World,
        behaviour: Behaviour[Any],
        state: State,
        actions: Float[Tensor, "B N H A"],
        generator: torch.Generator,
    ) -> Float[Tensor, "B N"]:
        """What candidates would return, as `worth` has it, in the precision that is configured."""
        config = self._config
        half = config.precision == "bfloat16"
        with torch.autocast(actions.device.type, dtype=torch.bfloat16, enabled=half):
            return worth(world, behaviour, state, actions, config.gamma, config.latents(generator)).float()


def continuous(name: str, actions: Actions) -> int:
    """The width of actions among which a planner can look for better ones.

    Raises:
        UserError: if they are choices, which cannot be moved a little.
    """
    if actions.groups:
        raise UserError(
            f"--planner {name} looks among continuous actions, and these are choices of {actions.groups}; "
            "choose --planner none, with a behaviour that learns, such as --behaviour actor-critic"
        )
    return actions.size


def drawing(mode: Mode, generator: torch.Generator | None, device: torch.device) -> torch.Generator:
    """What a search draws from: to evaluate, the same numbers at every step, so that it is deterministic."""
    if mode == "explore" and generator is not None:
        return generator
    return torch.Generator(device).manual_seed(0)


def normal(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Standard normal numbers where the generator is."""
    return torch.randn(shape, generator=generator, device=generator.device)


def worth(
    world: World,
    behaviour: Behaviour[Any],
    state: State,
    actions: Float[Tensor, "B N H A"],
    gamma: float,
    generator: torch.Generator | None,
) -> Float[Tensor, "B N"]:
    """What candidates would return in a dream each, in the world's unit of reward; worthless where that is no number.

    Args:
        world: dreams.
        behaviour: values the ends, where it has a critic.
        state: B states, where all candidates of a row begin.
        actions: the candidates.
        gamma: discount per agent step.
        generator: draws the latents; None follows the most likely ones.
    """
    rows, number = actions.shape[:2]
    each = torch.arange(rows, device=actions.device).repeat_interleave(number)
    dream = unroll(world, actions.flatten(0, 1), world.dynamics.select(state, each), generator)
    weight = reach(gamma * dream.continue_)
    end = behaviour.value(Features(dream.features.deter[:, -1], dream.features.stoch[:, -1]))
    returns = (weight * dream.reward).sum(-1) + weight[:, -1] * gamma * dream.continue_[:, -1] * end
    return returns.nan_to_num(-torch.inf, -torch.inf, -torch.inf).unflatten(0, (rows, number))


def best(
    tried: Float[Tensor, "B N H A"], returns: Float[Tensor, "B N"], number: int
) -> tuple[Float[Tensor, "B K H A"], Float[Tensor, "B K"]]:
    """The candidates that return most, K of each row, the first one foremost, and what they return."""
    most, places = returns.topk(number, 1)
    return tried.gather(1, places[..., None, None].expand(-1, -1, *tried.shape[2:])), most


def lost(returns: Float[Tensor, "B K"]) -> Tensor:
    """Rows "B" in which no candidate's dream is whole: whatever is chosen there must not look like a choice."""
    return ~returns.isfinite().any(1)
