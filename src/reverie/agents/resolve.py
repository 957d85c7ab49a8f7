"""Configurations to JSON and back."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any, get_type_hints

from reverie.agents.config import Config
from reverie.agents.parts import PARTS, Parts
from reverie.agents.presets import PRESETS
from reverie.errors import UserError, unknown


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """All that makes an agent and its training: written beside every checkpoint, and read to rebuild them."""

    preset: str
    scale: str
    parts: Parts
    config: Config

    def plain(self) -> dict[str, Any]:
        """As nested dicts, for JSON."""
        return asdict(self)


def from_plain(plain: Mapping[str, Any]) -> Resolved:
    """The inverse of `Resolved.plain`.

    Raises:
        UserError: for a key, a part or a preset that this version does not know.
    """
    try:
        parts = Parts(**plain["parts"])
        kinds = {kind: parts.chosen(kind).Config for kind in PARTS}
        config = _construct(Config, plain["config"], "config", kinds)
        preset, scale = plain["preset"], plain["scale"]
    except (KeyError, TypeError) as error:
        raise UserError(f"the configuration cannot be read: {error}") from error
    if preset not in PRESETS:
        raise unknown("preset", preset, PRESETS)
    return Resolved(preset=preset, scale=scale, parts=parts, config=config)


def _construct(kind: type, values: Mapping[str, Any], where: str, kinds: Mapping[str, type] | None = None) -> Any:
    hints = get_type_hints(kind) | dict(kinds or {})
    known = {field.name for field in fields(kind)}
    for name in values:
        if name not in known:
            raise unknown(f"key of {where}", name, known)
    built = {}
    for name, value in values.items():
        nested = isinstance(value, Mapping) and is_dataclass(hints[name])
        built[name] = _construct(hints[name], value, f"{where}.{name}") if nested else value
    return kind(**built)
