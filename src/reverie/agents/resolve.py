"""Configurations to JSON and back."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import gymnasium

from reverie import own
from reverie.agents.conditions import check_condition
from reverie.agents.config import Config, TrainConfig
from reverie.agents.offline import Offline, offline
from reverie.agents.parts import PARTS, Parts
from reverie.agents.presets import preset_named
from reverie.agents.program import Program
from reverie.envs.make import EnvConfig
from reverie.errors import UserError, unknown

Given = TypeVar("Given", bound=Iterable[str])


def check_finite(config: Any, prefix: str = "") -> None:
    """See that all numbers of a configuration are finite: JSON has no others, and a run could not be loaded again.

    Raises:
        UserError: that names the first one that is not.
    """
    for option in fields(config):
        value, name = getattr(config, option.name), prefix + option.name.replace("_", "-").strip("-")
        if is_dataclass(value):
            check_finite(value, f"{name}.")
        elif isinstance(value, float) and not math.isfinite(value):
            raise UserError(f"{name} must be a finite number, not {value}")


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """All that makes an agent and its training: written beside every checkpoint, and read to rebuild them."""

    preset: str
    scale: str
    parts: Parts
    config: Config
    offline: Offline | None = None
    """what it learns from, where it collects nothing itself"""

    def __post_init__(self) -> None:
        check_finite(self.config)
        preset_named(self.preset).fit(self.parts)
        self.parts.fit(self.config.dynamics.join)
        check_condition(self.parts, self.config)
        if self.parts.chosen("planner").plans and getattr(self.config.behaviour, "arena", "dream") == "real":
            raise UserError(
                f"--arena real tries controllers out, and --planner {self.parts.planner} would act in their place; "
                "leave --planner none, or --arena dream"
            )
        self.program()

    def program(self) -> Program:
        """The preset's program, or what becomes of it where all is recorded.

        Raises:
            UserError: if it cannot learn from that alone.
        """
        program = preset_named(self.preset).program(self.config)
        return program if self.offline is None else offline(program, self.offline, self.config.env.action_repeat)

    def plain(self) -> dict[str, Any]:
        """As nested dicts, for JSON."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def resolve(
    preset: str,
    env: str | Callable[[], gymnasium.Env],
    *,
    scale: str = "",
    parts: Mapping[str, str | type | None] | None = None,
    offline: Offline | None = None,
    **values: Any,
) -> Resolved:
    """A preset's configuration with some values changed, as the command line makes it.

    Args:
        preset: its name.
        env: an environment's name, or a function of a module that makes one.
        scale: its set of values; laptop, or its first where it has none of that name.
        parts: parts to exchange, by name as in {"latent": "categorical"}, or classes of your own that a module holds.
        offline: what to learn from, where nothing is to be collected.
        values: fields of EnvConfig and TrainConfig by name; single values of parts as options name them, as in
            **{"behaviour.horizon": 5}; and whole parts, such as latent=GaussianConfig(size=8), which the scale then
            says nothing of. Single values win over whole parts.

    Raises:
        UserError: for an unknown preset, scale, part or value.
    """
    published = preset_named(preset)
    scale = scale or published.usual
    exchanged = {kind: _named(kind, choice) for kind, choice in _known("part", parts or {}, PARTS).items()}
    chosen = published.parts.exchange(**exchanged)
    homes = {field.name: home for home, kind in HOMES.items() for field in fields(kind)}
    whole = {name: value for name, value in values.items() if name in {field.name for field in fields(Config)}}
    single = {name: value for name, value in values.items() if name not in whole}
    _known("value", [name for name in single if "." not in name], [*homes, *(field.name for field in fields(Config))])
    where = env if isinstance(env, str) else own.name_of(env, "the environment's function")
    config = replace(published.config(EnvConfig(env=where), scale, chosen), **whole)
    _check_kinds(chosen, config)
    plain = {"preset": preset, "scale": scale, "parts": asdict(chosen), "config": asdict(config)}
    if offline is not None:
        plain["offline"] = asdict(offline)
    for name, value in single.items():
        path = name.replace("-", "_").split(".") if "." in name else [homes[name], name]
        _put(plain["config"], path, asdict(value) if is_dataclass(value) and not isinstance(value, type) else value)
    return from_plain(plain)  # as it will be read again: what cannot be would be a run that nobody can load


HOMES = {"env": EnvConfig, "train": TrainConfig}
"""Whose fields `resolve` takes by their own names."""


def _put(plain: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Set a value deep inside; what is not there is put there all the same, for whoever reads it to refuse."""
    name = next((name for name in plain if name.rstrip("_") == path[0].rstrip("_")), path[0])
    if len(path) == 1:
        plain[name] = value
        return
    if not isinstance(plain.get(name), dict):
        plain[name] = {}
    _put(plain[name], path[1:], value)


def _check_kinds(parts: Parts, config: Config) -> None:
    """See that each part's configuration is one of the part that was chosen.

    Raises:
        UserError: for one of another part, or of none.
    """
    hints = get_type_hints(Config) | {kind: parts.chosen(kind).Config for kind in PARTS}
    for name, kind in hints.items():
        value = getattr(config, name)
        if type(value) is kind:
            continue
        part = f" of the {name} '{getattr(parts, name)}'" if name in PARTS else ""
        cures = [other for other, known in PARTS.get(name, {}).items() if type(value) is known.Config]
        cure = f", or choose parts={{'{name}': '{cures[0]}'}}" if cures else ""
        raise UserError(f"{name} cannot be {value!r:.60}; it should be the {kind.__name__}{part}{cure}")


def _named(kind: str, choice: str | type | None) -> str | None:
    """A class of Reverie's by its name, one of the user's by that of its module."""
    if choice is None or isinstance(choice, str):
        return choice
    known = [name for name, other in PARTS[kind].items() if other is choice]
    return known[0] if known else own.name_of(choice, f"the {kind}")


def _known(kind: str, given: Given, known: Sequence[str] | Mapping[str, Any]) -> Given:
    for name in given:
        if name not in known:
            raise unknown(kind, name, known)
    return given


def from_plain(plain: Mapping[str, Any]) -> Resolved:
    """The inverse of `Resolved.plain`.

    Raises:
        UserError: for a key, a part or a preset that this version does not know.
    """
    try:
        preset_named(plain["preset"])
        parts = Parts(**plain["parts"])
        kinds = {kind: parts.chosen(kind).Config for kind in PARTS}
        config = _construct(Config, plain["config"], "config", kinds)
        terms = _construct(Offline, plain["offline"], "offline") if "offline" in plain else None
        return Resolved(preset=plain["preset"], scale=plain["scale"], parts=parts, config=config, offline=terms)
    except KeyError as error:
        raise UserError(f"the configuration cannot be read: it lacks {error}") from error
    except (TypeError, AttributeError) as error:
        raise UserError(f"the configuration cannot be read: {error}") from error


def _construct(kind: type, values: Mapping[str, Any], where: str, kinds: Mapping[str, type] | None = None) -> Any:
    hints = get_type_hints(kind) | dict(kinds or {})
    known = {field.name for field in fields(kind)}
    for name in values:
        if name not in known:
            raise unknown(f"key of {where}", name, known)
    built = {}
    for name, value in values.items():
        if not _fits(value, hints[name]):
            wanted = getattr(hints[name], "__name__", str(hints[name]))
            raise UserError(f"{where}.{name} cannot be {value!r:.60}; it should be {KINDS.get(hints[name], wanted)}")
        nested = is_dataclass(hints[name])
        built[name] = _construct(hints[name], value, f"{where}.{name}") if nested else value
    return kind(**built)


KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value from JSON can be a field of that type."""
    if is_dataclass(hint):
        return isinstance(value, Mapping)
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if get_origin(hint) is tuple:
        return isinstance(value, list | tuple)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint in KINDS:
        return type(value) is hint
    return True
