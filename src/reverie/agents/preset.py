"""A preset: a published agent as one choice of each part, with its values at each scale."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from reverie.agents.config import Config
from reverie.agents.parts import PARTS, Parts
from reverie.agents.program import Program
from reverie.envs.make import EnvConfig
from reverie.errors import UserError, unknown


def nearest(kind: type, values: Iterable[Any]) -> Any:
    """Of some configurations the one of that kind; else one made from that of the nearest kind which it extends.

    What it extends says only what it does not say itself. None where it extends none of them.
    """
    known = {type(value): value for value in values}
    if kind in known:
        return known[kind]
    for place, ancestor in enumerate(kind.__mro__):
        if ancestor in known:
            said = {name for above in kind.__mro__[:place] for name in vars(above).get("__annotations__", {})}
            names = [field.name for field in fields(ancestor) if field.name not in said]
            return kind(**{name: getattr(known[ancestor], name) for name in names})
    return None


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A published agent.

    A scale names fields of Config, such as {"encoder": EncoderConfig(...)}; a field whose part can be exchanged holds a
    tuple, one configuration for each implementation it has values for, which hold for what extends it as well. What a
    scale is silent about has its default.

    Raises:
        UserError: for a scale with a field that Config does not have, or without a tuple where one belongs.
    """

    name: str
    summary: str
    paper: str
    parts: Parts
    scales: Mapping[str, Mapping[str, Any]]
    program: Callable[[Config], Program]
    decodes: bool = False
    """whether the program has the decoder learn by itself, so that no objective without one fits"""

    def __post_init__(self) -> None:
        known = {field.name for field in fields(Config)} - {"env"}
        for scale, values in self.scales.items():
            for name, value in values.items():
                if name not in known:
                    raise unknown(f"field of the scale '{scale}' of {self.name}", name, known)
                if name in PARTS and not isinstance(value, tuple):
                    raise UserError(
                        f"the {name} of the scale '{scale}' of {self.name} should be a tuple of configurations, one "
                        f"for each part with values, not {value!r:.60}"
                    )

    @property
    def usual(self) -> str:
        """The scale where none is named: laptop, or the first."""
        return "laptop" if "laptop" in self.scales else next(iter(self.scales))

    def fit(self, parts: Parts) -> None:
        """See that its program can be executed with other parts.

        Raises:
            UserError: for an objective that learns in stages of its own where the preset's own does not, or the other
                way round, or that has no decoder where the program has one learn.
        """
        if self.decodes and not parts.chosen("objective").reconstructs:
            raise UserError(
                f"--objective {parts.objective} decodes nothing, and {self.name} has its decoder learn by itself: "
                "choose --objective two-models or --objective filtering"
            )
        if parts.chosen("objective").staged == self.parts.chosen("objective").staged:
            return
        fitting = [name for name, kind in PARTS["objective"].items() if kind.staged != parts.chosen("objective").staged]
        how = "in stages of its own" if parts.chosen("objective").staged else "all at once"
        cure = " or ".join(f"--objective {name}" for name in fitting)
        raise UserError(f"--objective {parts.objective} learns {how}, unlike {self.name}: choose {cure}")

    def config(self, env: EnvConfig, scale: str = "laptop", parts: Parts | None = None) -> Config:
        """The configuration at a scale, with parts exchanged or not.

        Raises:
            UserError: for an unknown scale.
        """
        if scale not in self.scales:
            raise unknown(f"scale of {self.name}", scale, self.scales)
        values = self.scales[scale]
        chosen: dict[str, Any] = {}
        for field in fields(Config):
            if field.name in PARTS:
                kind = (parts or self.parts).chosen(field.name).Config
                known = nearest(kind, values.get(field.name, ()))
                chosen[field.name] = kind() if known is None else known
            elif field.name in values:
                chosen[field.name] = values[field.name]
        return Config(env=env, **chosen)
