"""The check of shapes in annotations, as a type checker for jaxtyping's import hook.

It enforces the shapes and lets all other types pass: Protocols are no runtime types, and an int where a float is
written is no error in Python. Those are pyright's concern.
"""

import types
from collections.abc import Callable
from typing import Any, Union, get_args, get_origin

from beartype import beartype
from jaxtyping import AbstractArray

_OWN_CHECKS = ("reverie.report.",)
"""Floors whose functions refuse wrong shapes themselves, with messages that have their own tests."""


def _shaped(hint: Any) -> bool:
    """Whether a shape stands in a hint, at a place that `_keep` keeps."""
    if get_origin(hint) in (tuple, Union, types.UnionType):
        return any(_shaped(part) for part in get_args(hint))
    return isinstance(hint, type) and issubclass(hint, AbstractArray)


def _keep(hint: Any) -> Any:
    """The hint, with all that is no shape replaced by Any."""
    origin, parts = get_origin(hint), tuple(_keep(part) for part in get_args(hint))
    if origin is tuple:
        return tuple[parts]  # type: ignore[valid-type]
    if origin in (Union, types.UnionType):
        return Union[parts]  # noqa: UP007  # from a tuple
    return hint if hint is type(None) or _shaped(hint) else Any


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with the shapes in its annotations enforced at each call."""
    hints = {name: _keep(hint) for name, hint in function.__annotations__.items() if _shaped(hint)}
    if not hints or function.__module__.startswith(_OWN_CHECKS):
        return function
    function.__annotations__ = hints
    return beartype(function)
