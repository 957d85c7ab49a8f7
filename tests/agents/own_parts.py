"""Parts of a user's own: a behaviour that extends one of Reverie's, and a preset."""

from dataclasses import dataclass, replace

from reverie.agents.dreamer import DREAMER
from reverie.behaviour.value_gradient import ValueGradient, ValueGradientConfig


@dataclass(frozen=True, kw_only=True)
class EagerConfig(ValueGradientConfig):
    """One option more."""

    haste: float = 2.0


@dataclass(frozen=True, kw_only=True)
class HastyConfig(ValueGradientConfig):
    """Another default."""

    horizon: int = 2


class Eager(ValueGradient):
    """The same in all else."""

    Config = EagerConfig


MINE = replace(DREAMER, name="mine", parts=replace(DREAMER.parts, behaviour="py:own_parts:Eager"))
SMALL = replace(DREAMER, name="small", scales={"small": DREAMER.scales["laptop"]})
"""It has no laptop scale."""
