"""What is the user's own: `py:package.module:name`, found on the Python path and in the working directory."""

import importlib
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from reverie.errors import UserError, raised_at, unknown

PREFIX = "py:"


def is_own(name: str) -> bool:
    """Whether a name is one of the user's, not one of Reverie's."""
    return name.startswith(PREFIX)


def name_of(thing: Any, what: str) -> str:
    """The name of a function or a class, by which any process finds it again.

    what: what it is of, such as "the environment's function", for the message.

    Raises:
        UserError: if it cannot be imported by a name.
    """
    module, name = getattr(thing, "__module__", ""), getattr(thing, "__qualname__", "")
    if not name:
        raise UserError(f"{what} should be a name, a function or a class itself, not {thing!r:.60}")
    if not name.isidentifier() or module == "__main__":
        raise UserError(
            f"{what} {name} cannot be imported by name; move it to the top of a module, so that a run can be rebuilt "
            "from its configuration"
        )
    return f"{PREFIX}{module}:{name}"


def find(name: str, what: str, kind: str, fits: Callable[[Any], bool] = callable) -> Any:
    """What `py:package.module:name` names.

    Args:
        name: with its `py:`.
        what: of what kind it should be, as it is written after the module: "factory", "Class".
        kind: the same in a sentence: "function", "class".
        fits: whether it is of that kind.

    Raises:
        UserError: if the module or the thing in it is not there, or the module fails.
    """
    module_name, colon, attribute = name.removeprefix(PREFIX).partition(":")
    if not (colon and module_name and attribute):
        raise UserError(f"'{name}' should read {PREFIX}package.module:{what}")
    module = import_own(module_name, name)
    found = getattr(module, attribute, None)
    if not fits(found):
        there = {key: value for key, value in vars(module).items() if fits(value) and not key.startswith("_")}
        made = [key for key, value in there.items() if getattr(value, "__module__", module_name) == module_name]
        raise unknown(f"{kind} of '{module_name}'", attribute, made or there)
    return found


def import_own(module: str, name: str) -> ModuleType:
    """A module of the user's.

    Raises:
        UserError: that begins with `name`, and says whether it or one that it needs is missing, or how it fails.
    """
    if not all(part.isidentifier() for part in module.split(".")):
        raise UserError(f"{name}: '{module}' is no module's name; it should read package.module")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # a console script does not look there, `python -m` does
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and (module + ".").startswith(error.name + "."):
            raise UserError(
                f"{name}: there is no module '{error.name}' on the Python path or in this folder"
            ) from error
        raise UserError(f"{name}: '{module}' needs the module '{error.name}', which is not installed") from error
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{name}: importing '{module}' failed ({raised_at(error)}): mend the module") from error
