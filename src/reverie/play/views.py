"""What an agent in a dream sees: the world's features, or the observation that they stand for."""

from typing import Any, Literal, Protocol, get_args

import gymnasium
import numpy as np
from gymnasium import spaces

from reverie.envs.observation import is_image
from reverie.errors import UserError, unknown
from reverie.play.probe import Probe
from reverie.report.video import in_colour
from reverie.types import Features
from reverie.world.world import World

Observe = Literal["features", "decoded"]
"""features: h and z, side by side; decoded: the observation, in the environment's own space."""

PROBED = "probe"
"""The key of what a probe draws."""


class View(Protocol):
    """Features of N dreams to N observations of a space."""

    space: gymnasium.Space

    def __call__(self, features: Features) -> Any:
        """Arrays "N ..." of the space's kind; they share no memory with the world's."""
        ...


class AsFeatures:
    """h and z side by side, "N D+Z" of float32; the bounds are those of the type."""

    def __init__(self, world: World) -> None:
        most = float(np.finfo(np.float32).max)
        size = world.dynamics.deter_size + world.dynamics.stoch_size
        self.space: gymnasium.Space = spaces.Box(-most, most, (size,), np.float32)

    def __call__(self, features: Features) -> np.ndarray:
        """What actors, critics and heads read."""
        return features.read("hz").float().cpu().numpy()


class AsDecoded:
    """The decoder's mean, clipped into the environment's own space: a Dict, or the one Box that it was made of.

    Where the environment's own space is neither a Dict nor a Box, such as a tuple, its vector is a Box.
    """

    def __init__(self, world: World, env: gymnasium.Env) -> None:
        """See what the environment shows.

        Raises:
            UserError: if the world has no decoder.
        """
        if world.decoder is None:
            raise UserError("observe='decoded' cannot be had: the run's world has no decoder; use observe='features'")
        parts = env.observation_space
        assert isinstance(parts, spaces.Dict), parts
        self._world = world
        self._parts: dict[str, spaces.Box] = dict(parts.spaces)  # type: ignore[arg-type]  # Boxes, as `as_dict` makes them
        self._images = {key for key, space in parts.spaces.items() if is_image(space)}
        own = _own(env)
        self.space: gymnasium.Space = parts
        self._only: str | None = None
        if not isinstance(own, spaces.Dict):
            ((self._only, box),) = self._parts.items()
            if isinstance(own, spaces.Box) and np.prod(own.shape) == np.prod(box.shape):
                box = own
            self.space = self._parts[self._only] = box

    def __call__(self, features: Features) -> Any:
        """What the features stand for, in the environment's own units, shapes and types."""
        decoded = {key: x.float().cpu().numpy() for key, x in self._world.decode(features).items()}
        seen = {key: _into(space, self._bytes(key, decoded[key])) for key, space in self._parts.items()}
        return seen if self._only is None else seen[self._only]

    def _bytes(self, key: str, x: np.ndarray) -> np.ndarray:
        return x * 255 if key in self._images else x


class Pictures:
    """The first image of the observation, as others draw it: "N H W 3" of bytes, the latest of stacked frames.

    Where the world decodes no image, what a probe draws, if there is one.
    """

    def __init__(self, world: World, space: spaces.Dict, probe: Probe | None = None) -> None:
        self._world, self.probe = world, probe
        self.keys = [key for key, part in space.spaces.items() if is_image(part)] if world.decoder else []
        if not self.keys and probe is not None:
            self.keys = [PROBED]

    def __call__(self, features: Features) -> np.ndarray:
        """Decode and convert."""
        if self.probe is not None and self.keys == [PROBED]:
            drawn = self.probe(features)
        else:
            drawn = self._world.decode(features)[self.keys[0]]
        return in_colour(drawn.float().cpu().numpy()).copy()


def view(observe: Observe, world: World, env: gymnasium.Env) -> View:
    """The view of that name, for a world and the environment that it was learned from.

    Raises:
        UserError: if the name is not known, or the world has no decoder for it.
    """
    if observe not in get_args(Observe):
        raise unknown("observe", observe, get_args(Observe))
    return AsFeatures(world) if observe == "features" else AsDecoded(world, env)


def _own(env: gymnasium.Env) -> gymnasium.Space:
    """The observation space before it was made a Dict, or the Dict itself."""
    inner: Any = env
    while isinstance(inner, gymnasium.Wrapper):
        if isinstance(inner.observation_space, spaces.Dict) and not isinstance(
            inner.env.observation_space, spaces.Dict
        ):
            return inner.env.observation_space
        inner = inner.env
    return env.observation_space


def _into(space: spaces.Box, x: np.ndarray) -> np.ndarray:
    """Values "N ..." as members of a space, "N *shape"."""
    values = x.reshape(len(x), *space.shape).astype(np.float64)
    if np.issubdtype(space.dtype, np.integer):
        values = np.rint(values)
    # Clipped after the cast as well: the nearest float32 may lie outside.
    values = np.clip(values, space.low, space.high).astype(space.dtype)
    return np.clip(values, space.low, space.high)
