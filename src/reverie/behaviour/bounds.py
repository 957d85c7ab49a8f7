"""What the numbers of a behaviour's configuration may be."""

from typing import Any

from reverie.errors import UserError


def check(
    config: Any, *, counts: tuple[str, ...] = (), weights: tuple[str, ...] = (), shares: tuple[str, ...] = ()
) -> None:
    """See that counts are at least 1, weights not negative and shares in [0, 1].

    Raises:
        UserError: that names the first one that is not.
    """
    for name in counts:
        if getattr(config, name) < 1:
            raise UserError(f"{_option(name)} must be at least 1, not {getattr(config, name)}")
    for name in weights:
        if not getattr(config, name) >= 0:  # what is no number is refused as well
            raise UserError(f"{_option(name)} must not be negative, not {getattr(config, name)}")
    for name in shares:
        if not 0 <= getattr(config, name) <= 1:
            raise UserError(f"{_option(name)} must be in [0, 1], not {getattr(config, name)}")


def _option(name: str) -> str:
    return f"behaviour.{name.rstrip('_').replace('_', '-')}"
