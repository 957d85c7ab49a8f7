"""VizDoom's scenarios by name, of which the screen alone is observed."""

import contextlib
import difflib
import os
import shutil
import signal
import tempfile
import weakref
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from jaxtyping import UInt8

from reverie.envs.observation import ANY_SIZE, SCREEN
from reverie.envs.rendering import prepare_pygame
from reverie.errors import MissingExtra, UserError, in_one_line

_VIZDOOM = "Vizdoom"


def from_vizdoom(task: str, size: int | None) -> gymnasium.Env:
    """A scenario, "Basic" or "TakeCover", in its newest registered version, seen as `Screen`.

    size: not read; a screen is brought to its size by whoever sees it.

    Raises:
        MissingExtra: if vizdoom, or pygame, which it imports, is not installed.
        UserError: for an unknown scenario, or one that does not open.
    """
    prepare_pygame()
    try:
        import vizdoom.gymnasium_wrapper.gymnasium_env_defns  # noqa: F401  (registers the scenarios)
    except ModuleNotFoundError as error:
        missing = ("pygame", "pixels") if error.name == "pygame" else ("vizdoom", "vizdoom")
        raise MissingExtra(*missing, f"vizdoom:{task}") from error
    known = _newest()
    if task not in known:
        near = difflib.get_close_matches(task, known, n=1, cutoff=0.5)
        cure = f"did you mean '{near[0]}'?" if near else "they are named like Basic and TakeCover"
        raise UserError(f"unknown scenario of VizDoom '{task}'; {cure}")
    folder = tempfile.mkdtemp(prefix="reverie-vizdoom-")
    try:
        # Else the engine keeps its settings in the working folder, and begins with those that it finds there.
        settings = os.path.join(folder, "engine.ini")
        env = Screen(gymnasium.make(known[task], render_mode="rgb_array", doom_config_path=settings), folder)
        env.reset()  # begins the engine: what it lacks would be told when a run has begun
    except Exception as error:  # VizDoom's own descend from nothing else; doom.wad, for one, is not free
        shutil.rmtree(folder, ignore_errors=True)
        raise UserError(
            f"vizdoom:{task} could not be opened ({in_one_line(error)}): mend that, or name another scenario"
        ) from error
    return env


class Screen(gymnasium.Wrapper[Any, Any, Any, Any]):
    """A scenario of which only the screen is seen, uint8 "height width 3", drawn as well as observed.

    When an episode is over VizDoom shows zeros, a picture that the game never drew; here its last screen is shown
    again. A time limit of VizDoom's arrives as both ends at once, here as `truncated` alone. The engine is a process of
    its own: it begins with the first reset, and what is sent to stop this process does not reach it.

    folder: where the engine keeps its settings; removed in the end.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], folder: str) -> None:
        super().__init__(env)
        screens = env.observation_space
        assert isinstance(screens, spaces.Dict)
        self.observation_space = screens["screen"]
        self.metadata = {**env.metadata, ANY_SIZE: True, SCREEN: True}
        self._screen: UInt8[np.ndarray, "height width 3"] = np.zeros(self.observation_space.shape or (), np.uint8)
        game: Any = self.unwrapped
        self._end = weakref.finalize(self, _end, game.game, folder)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode, and the engine before the first one."""
        game: Any = self.unwrapped
        if game.game.is_running():
            seen, info = self.env.reset(seed=seed, options=options)
        else:
            with _deaf():
                seen, info = self.env.reset(seed=seed, options=options)
            # The engine makes a folder for skins in the working folder, and puts nothing into it.
            with contextlib.suppress(OSError):
                os.rmdir("_vizdoom")
        self._screen = seen["screen"]
        return self._screen, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step; at an episode's end the screen is the one before it."""
        seen, reward, terminated, truncated, info = self.env.step(action)
        game: Any = self.unwrapped
        if game.state is not None:
            self._screen = seen["screen"]
        return self._screen, reward, terminated and not truncated, truncated, info

    def render(self) -> Any:
        """The screen, a copy."""
        return self._screen.copy()

    def close(self) -> None:
        """End the engine, and remove its settings."""
        super().close()
        self._end()


def _end(game: Any, folder: str) -> None:
    # In this order: the engine saves its settings when it ends, and complains where it cannot.
    game.close()
    shutil.rmtree(folder, ignore_errors=True)


def _newest() -> dict[str, str]:
    """The id of each scenario's newest version."""
    specs = [spec for spec in gymnasium.registry.values() if spec.name.startswith(_VIZDOOM)]
    specs.sort(key=lambda spec: spec.version or 0)
    return {spec.name.removeprefix(_VIZDOOM): spec.id for spec in specs}


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """A process that begins within the block hears neither SIGINT nor SIGTERM.

    A terminal sends them to all its processes, and an engine that is gone cannot be stepped to where a run stops. What
    arrives here meanwhile is told after the block.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
