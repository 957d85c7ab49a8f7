"""Where environments come from: a Gymnasium id, a dm_control task (through Shimmy), or a function of the user's.

Each opens with render_mode="rgb_array" where it can: it costs nothing until a frame is asked for, and every
environment can then be filmed.
"""

import contextlib
import difflib
import importlib
import inspect
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import gymnasium
from gymnasium.envs.registration import load_env_creator

from reverie.envs.atari import from_atari
from reverie.envs.doom import from_vizdoom
from reverie.envs.memory import Corridor, DoorsAndKeys
from reverie.envs.rendering import (
    CURE,
    backend,
    missing_package,
    prepare_mujoco,
    prepare_pygame,
    told_in_one_line,
)
from reverie.errors import MissingExtra, UserError, in_one_line, raised_at, unknown
from reverie.own import find, import_own

_DMC = "dm_control/"


def open_env(name: str, size: int | None) -> gymnasium.Env:
    """The environment "suite:task", as its suite makes it.

    size: the side in pixels of the images it shall draw, where the suite lets one choose; None: the suite's own.
    Raises UserError where the suite, the task or the function is not known or does not open.
    """
    prefix, colon, task = name.partition(":")
    if not colon:
        prefix, task = "gym", name
    if prefix not in SUITES:
        raise unknown("suite", prefix, SUITES)
    if not task:
        raise UserError(f"'{name}' names no task: it should read {prefix}:TASK")
    return SUITES[prefix](task, size)


def from_gymnasium(task: str, size: int | None) -> gymnasium.Env:
    """A registered Gymnasium id, "module:id" included (the module is imported first)."""
    if task.startswith(_DMC):  # registered by Shimmy, which only the dmc suite imports
        return from_dm_control(task.removeprefix(_DMC).removesuffix("-v0"), size)
    module, colon, task = task.rpartition(":")
    if colon:
        import_own(module, f"gym:{module}:{task}")
    try:
        spec = gymnasium.spec(task)
    except gymnasium.error.Error as error:
        raise _unknown_id(task) from error
    if "mujoco" in str(spec.entry_point):
        prepare_mujoco()
    prepare_pygame()
    try:
        creator: Any = _creator(spec.entry_point) if isinstance(spec.entry_point, str) else spec.entry_point
        kwargs = _drawing(creator, size)
        with _quiet_absl():
            return gymnasium.make(task, **kwargs)
    except gymnasium.error.DependencyNotInstalled as error:
        raise missing_package(error, f"gym:{task}") from error
    except Exception as error:  # MuJoCo's import raises all kinds where OpenGL is missing
        if os.environ.get("MUJOCO_GL") and "mujoco" in str(spec.entry_point) and "mujoco" not in sys.modules:
            raise _not_imported("mujoco", error) from error
        told = isinstance(error, gymnasium.error.Error | ImportError | TypeError)
        reason = in_one_line(error) if told else f"{raised_at(error)}): mend the environment"
        raise UserError(f"gym:{task} could not be made ({reason}" + ")" * told) from error


def from_dm_control(task: str, size: int | None) -> gymnasium.Env:
    """A task of dm_control, "cartpole-swingup", through Shimmy."""
    prepare_mujoco()
    _import_dm_control(task)
    known = {key.removeprefix(_DMC).removesuffix("-v0") for key in gymnasium.registry if key.startswith(_DMC)}
    known.discard("compatibility-env")
    if task not in known:
        raise unknown("dm_control task", task, known)
    # The cameras of the published pixel benchmarks (Dreamer, DrQ): the first one, the quadruped's third.
    drawing = {"camera_id": 2 if task.startswith("quadruped-") else 0}
    if size is not None:
        drawing |= {"height": size, "width": size}
    # lqr draws its springs when it is built, from nowhere: a reset's seed would come too late for them.
    own: dict[str, Any] = {"task_kwargs": {"random": 0}} if task.startswith("lqr-") else {}
    with _quiet_absl():
        env = gymnasium.make(
            f"{_DMC}{task}-v0", disable_env_checker=True, render_mode="rgb_array", render_kwargs=drawing, **own
        )
    with told_in_one_line(f"dmc:{task}", mujoco=True):
        env.reset()  # a few tasks draw to observe (quadruped-escape), and would fail later and less clearly
    inner: Any = env.unwrapped
    # Shimmy writes 1000 times the period, in seconds, into a dictionary that all its environments share.
    inner.metadata = {**inner.metadata, "render_fps": round(1 / inner.dt)}
    return env


def from_function(task: str, size: int | None) -> gymnasium.Env:
    """A function or class of the user's, "package.module:factory", found from the working directory as well."""
    factory = find(f"py:{task}", "factory", "function")
    kwargs = _drawing(factory, size)
    try:
        inspect.signature(factory).bind(**kwargs)
    except TypeError as error:
        how = f"with {', '.join(kwargs)} alone" if kwargs else "without arguments"
        raise UserError(f"py:{task} cannot be called {how}: {error}; give its arguments defaults") from error
    return opened(factory, f"py:{task}", **kwargs)


def opened(factory: Callable[..., Any], name: str, **kwargs: Any) -> gymnasium.Env:
    """What the factory makes; UserError where it is no gymnasium.Env."""
    prepare_pygame()
    try:
        env = factory(**kwargs)
    except UserError:
        raise
    except gymnasium.error.DependencyNotInstalled as error:
        raise missing_package(error, name) from error
    except Exception as error:
        raise UserError(f"{name} could not be made ({raised_at(error)}): mend the function") from error
    if not isinstance(env, gymnasium.Env):
        made = f"{type(env).__module__}.{type(env).__qualname__}"
        raise UserError(f"{name} made a {made}, not a gymnasium.Env (Shimmy wraps gym's and dm_env's)")
    return env


def from_memory(task: str, size: int | None) -> gymnasium.Env:
    """One of Reverie's own: "corridor" of 100 steps or "corridor-400", "doors-and-keys" of 3 colours or of another."""
    name, dash, number = task.rpartition("-")
    if not (dash and number.isdigit()):
        name, number = task, ""
    if name not in MEMORY:
        raise unknown("memory task", name, MEMORY)
    try:
        return MEMORY[name](*([int(number)] if number else []), render_mode="rgb_array")
    except ValueError as error:
        raise UserError(f"memory:{task}: {error}") from error


MEMORY: dict[str, Callable[..., gymnasium.Env]] = {"corridor": Corridor, "doors-and-keys": DoorsAndKeys}

SUITES: dict[str, Callable[[str, int | None], gymnasium.Env]] = {
    "ale": from_atari,
    "dmc": from_dm_control,
    "gym": from_gymnasium,
    "memory": from_memory,
    "py": from_function,
    "vizdoom": from_vizdoom,
}


def _creator(entry_point: str) -> Any:
    """What an entry point names."""
    with warnings.catch_warnings():
        # Box2D's are raised in the midst of C code, which dies of those that someone has turned into errors.
        warnings.filterwarnings("ignore", "builtin type", DeprecationWarning)
        return load_env_creator(entry_point)


def _drawing(creator: Callable[..., Any], size: int | None) -> dict[str, Any]:
    """The keywords with which a creator draws images, of the wanted size where it names width and height itself."""
    metadata = getattr(creator, "metadata", None)
    modes = metadata.get("render_modes", []) if isinstance(metadata, dict) else ["rgb_array"]
    if "rgb_array" not in modes or not _takes(creator, "render_mode"):
        return {}
    sides = ("width", "height")
    sized = size is not None and all(_takes(creator, side) and _names(creator, side) for side in sides)
    return {"render_mode": "rgb_array"} | (dict.fromkeys(sides, size) if sized else {})


def _takes(creator: Callable[..., Any], keyword: str) -> bool:
    parameters = inspect.signature(creator).parameters
    return keyword in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _names(creator: Callable[..., Any], keyword: str) -> bool:
    """True where the creator, or a class it descends from, has a parameter of that name, as MujocoEnv does."""
    makers = [cls.__init__ for cls in creator.__mro__] if inspect.isclass(creator) else [creator]
    return any(keyword in inspect.signature(maker).parameters for maker in makers)


def _unknown_id(task: str) -> UserError:
    near = difflib.get_close_matches(task, gymnasium.registry, n=1, cutoff=0.5)
    if near:
        return unknown("Gymnasium environment", task, near)
    return UserError(
        f"unknown Gymnasium environment '{task}': gymnasium.pprint_registry() lists those that are registered, "
        "and gym:MODULE:ID imports the module that registers one"
    )


def _import_dm_control(task: str) -> None:
    try:
        for module in ("dm_control.suite", "shimmy"):
            importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = (error.name or "dm_control").partition(".")[0]
        raise MissingExtra(package, "dmc", f"dmc:{task}") from error
    except Exception as error:  # PyOpenGL's are of many kinds
        raise _not_imported("dm_control", error) from error


def _not_imported(package: str, error: Exception) -> UserError:
    return UserError(
        f"{package} could not be imported with MUJOCO_GL={backend()} ({in_one_line(error)}): {CURE} "
        "(MUJOCO_GL=disabled)"
    )


@contextlib.contextmanager
def _quiet_absl() -> Iterator[None]:
    """MuJoCo warns, through absl, about attributes of the suites' own models (the cheetah's settotalmass)."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
