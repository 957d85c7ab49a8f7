"""What an environment shows, in one form: a Dict of float32 vectors and of uint8 images, height by width by channels.

Everything is done by Gymnasium's wrappers; the functions here choose them and give them what they need.
"""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium import Space, spaces
from gymnasium.wrappers import AddRenderObservation, FrameStackObservation, TransformObservation

from reverie.envs.rendering import close_at_exit, prepare_to_draw, told_in_one_line, uses_mujoco
from reverie.errors import MissingExtra, UserError

Convert = Callable[[Any], np.ndarray]

ANY_SIZE = "any_size"
"""In an environment's metadata: its own images are brought to the size that is asked for, as drawn ones are."""

SCREEN = "observes_screen"
"""In an environment's metadata: it observes its screen already, as its suite wants it seen."""

WHOLE = (0.0, 1.0)
"""A crop that keeps all rows."""


def is_image(space: Space) -> bool:
    """True for uint8 arrays of two or three dimensions: height, width and, where there are any, channels."""
    return isinstance(space, spaces.Box) and space.dtype == np.uint8 and len(space.shape) in (2, 3)


def as_dict(env: gymnasium.Env, name: str) -> gymnasium.Env:
    """The environment with a Dict observation, as `in_one_form` makes it of its own."""
    space, convert = in_one_form(env.observation_space, name)
    return TransformObservation(env, convert, space)


def in_one_form(own: Space, name: str) -> tuple[spaces.Dict, Callable[[Any], dict[str, np.ndarray]]]:
    """A Dict of a space's own keys, or of "image" for an image and "state" for the rest; and what makes it of a value.

    Images stay uint8, "height width channels"; all else becomes one float32 vector: scalars of shape (1,), Discrete
    one-hot, tuples joined. Entries without numbers are left out. Raises UserError, naming the space, where a vector
    cannot be made of it.
    """
    if isinstance(own, spaces.Dict):
        every = {key: _part(space, f"{name}: the observation '{key}'") for key, space in own.spaces.items()}
        # dm_control's locomotion lists sensors that a body does not have, of size 0.
        parts = {key: (space, convert) for key, (space, convert) in every.items() if np.prod(space.shape) > 0}
        if not parts:
            raise UserError(f"{name}: the observation space {own} is empty")
        return (
            spaces.Dict({key: space for key, (space, _) in parts.items()}),
            lambda seen: {key: convert(seen[key]) for key, (_, convert) in parts.items()},
        )
    key = "image" if is_image(own) else "state"
    space, convert = _part(own, f"{name}: the observation")
    return spaces.Dict({key: space}), lambda seen: {key: convert(seen)}


def alone(space: spaces.Dict) -> Space:
    """The inverse: the only entry of a Dict where `in_one_form` would name it so, and the Dict itself elsewhere."""
    only = next(iter(space.spaces.values()))
    bare = len(space.spaces) == 1 and in_one_form(only, "")[0] == space
    return only if bare else space


def rendered(env: gymnasium.Env, name: str) -> gymnasium.Env:
    """The environment seen through its own drawing alone: "image", uint8 "height width 3"; as it is where that is what
    it observes already.

    Raises UserError where it draws no colour images or the drawing fails, MissingExtra where a package is missing.
    """
    if env.metadata.get(SCREEN):
        return as_dict(env, name)
    if env.render_mode != "rgb_array":
        raise UserError(
            f"{name} cannot be observed as pixels: its render_mode is {env.render_mode!r}, not 'rgb_array'"
            f" (it knows {env.metadata.get('render_modes', [])})"
        )
    prepare_to_draw(env, name)
    with told_in_one_line(name, mujoco=uses_mujoco(env)):
        seen = AddRenderObservation(env)
    close_at_exit(env)
    shape = seen.observation_space.shape or ()
    if len(shape) != 3 or shape[2] != 3:
        raise UserError(
            f"{name} cannot be observed as pixels: it draws arrays of shape {shape}, not (height, width, 3)"
        )
    return as_dict(seen, name)


def framed(env: gymnasium.Env, sides: tuple[int, int], crop: tuple[float, float], name: str) -> gymnasium.Env:
    """A Dict observation with the rows of each image cropped, and then each image resized by areas.

    sides: height and width of the images, in pixels.
    crop: from where to where rows are kept, as shares of the height.

    Raises UserError where there is no image or no row is left, MissingExtra where OpenCV is missing.
    """
    own = env.observation_space
    assert isinstance(own, spaces.Dict)
    images = {key: space for key, space in own.spaces.items() if isinstance(space, spaces.Box) and is_image(space)}
    if not images:
        raise UserError(
            f"{name} observes no image, so --crop and --height are not for it; leave them out or add --pixels"
        )
    rows = {key: _rows(space.shape[0], crop, name) for key, space in images.items()}
    if crop == WHOLE and all(space.shape[:2] == sides for space in images.values()):
        return env
    try:
        import cv2
    except ImportError as error:
        raise MissingExtra("opencv-python-headless", "pixels", f"resizing the image of {name}") from error
    height, width = sides

    def bring(key: str, image: np.ndarray) -> np.ndarray:
        resized = cv2.resize(image[rows[key]], (width, height), interpolation=cv2.INTER_AREA)
        return resized.reshape(height, width, -1)  # OpenCV drops a single channel

    framed_space = {key: spaces.Box(0, 255, (*sides, space.shape[2]), np.uint8) for key, space in images.items()}
    return TransformObservation(
        env,
        lambda seen: {key: bring(key, value) if key in images else value for key, value in seen.items()},
        spaces.Dict({**own.spaces, **framed_space}),
    )


def stacked(env: gymnasium.Env, frames: int) -> gymnasium.Env:
    """A Dict observation's last `frames` values side by side, the oldest first; before an episode's first, its copies.

    Images "height width channels" become "height width frames*channels"; vectors "size" become "frames*size".
    """
    own = env.observation_space
    if not isinstance(own, spaces.Dict):
        raise TypeError(f"a Dict observation space is needed, got {own}")
    images = {key for key, space in own.spaces.items() if is_image(space)}

    def fold(key: str, stack: np.ndarray) -> np.ndarray:
        return np.concatenate(list(stack), axis=-1) if key in images else stack.reshape(-1)

    folded = spaces.Dict(
        {
            key: _box(fold(key, np.stack([space.low] * frames)), fold(key, np.stack([space.high] * frames)))
            for key, space in own.spaces.items()
            if isinstance(space, spaces.Box)
        }
    )
    return TransformObservation(
        FrameStackObservation(env, frames),
        lambda seen: {key: fold(key, stack) for key, stack in seen.items()},
        folded,
    )


def _rows(height: int, crop: tuple[float, float], name: str) -> slice:
    """The rows that are kept of an image of that height."""
    top, bottom = (round(share * height) for share in crop)
    if top == bottom:
        raise UserError(f"--crop {crop[0]} {crop[1]} leaves no row of an image of {name}, which has {height}: widen it")
    return slice(top, bottom)


def _part(space: Space, what: str) -> tuple[spaces.Box, Convert]:
    """The space of one entry and the function that brings a value into it; both copy, so that nothing is aliased."""
    if is_image(space) and isinstance(space, spaces.Box):
        shape = space.shape if len(space.shape) == 3 else (*space.shape, 1)
        return (
            _box(space.low.reshape(shape), space.high.reshape(shape)),
            lambda seen: np.array(seen, dtype=np.uint8, order="C").reshape(shape),
        )
    if not space.is_np_flattenable or isinstance(space, spaces.Text):
        raise UserError(
            f"{what} has the space {space}, which is not supported: arrays and their tuples are; wrap it, "
            "for instance with gymnasium.wrappers.TransformObservation"
        )
    flat = spaces.flatten_space(space)
    if not isinstance(flat, spaces.Box):
        raise UserError(f"{what} has the space {space}, of which no vector can be made")
    with np.errstate(over="ignore"):  # float64's widest bounds are infinite in float32, rightly
        box = _box(flat.low.astype(np.float32), flat.high.astype(np.float32))
    return box, lambda seen: np.array(spaces.flatten(space, seen), dtype=np.float32)


def _box(low: np.ndarray, high: np.ndarray) -> spaces.Box:
    return spaces.Box(low, high, dtype=low.dtype.type)
