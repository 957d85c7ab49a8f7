"""What an action-conditioned world asks of the other parts; what cannot work is refused when a run is configured."""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from reverie.agents.config import Config
from reverie.agents.parts import Parts
from reverie.errors import UserError

ACTION = "--dynamics.condition action"


def _encodes(parts: Parts, config: Config) -> None:
    if parts.chosen("posterior").walks:
        raise UserError(
            f"--posterior {parts.posterior} needs the past, which {ACTION} hides; choose --posterior encode"
        )


def _remembers(parts: Parts, config: Config) -> None:
    if not parts.chosen("backbone").remembers:
        raise UserError(
            f"--backbone {parts.backbone} has no memory: with {ACTION} it would lose its anchor after one step; "
            "choose another backbone"
        )


def _sees(parts: Parts, config: Config) -> None:
    reach = config.dynamics.reach
    window = getattr(config.backbone, "window", reach)
    if window < reach:
        raise UserError(
            f"--backbone.window {window} hides anchors that are up to --dynamics.reach {reach} steps away; "
            "raise the one or lower the other"
        )


def _trained(parts: Parts, config: Config) -> None:
    reach, length = config.dynamics.reach, config.train.length
    if reach >= length:
        raise UserError(
            f"--dynamics.reach {reach} is never trained in chunks of {length} steps; "
            f"lower it to {length - 1}, or raise --length to {reach + 1}"
        )


def _within_reach(parts: Parts, config: Config) -> None:
    reach = config.dynamics.reach
    for part in ("behaviour", "planner"):
        horizon = getattr(getattr(config, part), "horizon", 0)
        if horizon > reach:
            raise UserError(
                f"--{part}.horizon {horizon} is beyond --dynamics.reach {reach}: with {ACTION} a dream has one "
                "anchor; lower the one or raise the other"
            )


def _reads_latents(parts: Parts, config: Config) -> None:
    for name, reads in _readers(config.behaviour, "behaviour"):
        if reads != "z":
            raise UserError(
                f"--{name} must be z with {ACTION}, not {reads}: h is close to its anchor in acting, "
                "and far from it in dreams"
            )


def _readers(config: Any, prefix: str) -> Iterator[tuple[str, str]]:
    """Every option of a configuration that says what is read, however deep, and its value."""
    for option in fields(config):
        value, name = getattr(config, option.name), f"{prefix}.{option.name}"
        if is_dataclass(value):
            yield from _readers(value, name)
        elif option.name == "reads":
            yield name, value


CHECKS: dict[str, tuple[Callable[[Parts, Config], None], ...]] = {
    "history": (),
    "action": (_encodes, _remembers, _sees, _trained, _within_reach, _reads_latents),
}
"""What each condition asks."""


def check_condition(parts: Parts, config: Config) -> None:
    """Whether the parts and their values can work with what the dynamics is conditioned on.

    Raises:
        UserError: if not.
    """
    for check in CHECKS[config.dynamics.condition]:
        check(parts, config)
