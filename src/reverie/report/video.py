"""Videos of what a world model imagines, and of episodes."""

import importlib.util
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch.nn import functional as F

from reverie.errors import MissingExtra, UserError
from reverie.report.write import aside

SEEN, DREAMED, GROUND = (0, 158, 115), (230, 159, 0), (24, 24, 24)
"""Colours (red, green, blue) of the border while the model sees, of the border while it dreams, and between images.

Their luminance differs, so that they can be told apart in grey."""

SIDE = 256
"""The longer side of a real picture, at most."""

BORDER, GAP, LEGIBLE = 3, 3, 128
"""Width of the border and of the gap between images, and the longer side that an image is magnified to, in pixels."""


def fitted(picture: np.ndarray, side: int = SIDE) -> np.ndarray:
    """A picture "H W 3" with no side above `side`, its shape kept: each pixel is the mean of what it covers."""
    height, width, _ = picture.shape
    longer = max(height, width)
    if longer <= side:
        return picture
    image = torch.from_numpy(picture).permute(2, 0, 1).unsqueeze(0).float()
    sides = (max(1, round(height * side / longer)), max(1, round(width * side / longer)))
    return F.interpolate(image, sides, mode="area")[0].permute(1, 2, 0).round().clamp(0, 255).byte().numpy()


def open_loop_strip(truth: np.ndarray, dream: np.ndarray, context: int) -> UInt8[np.ndarray, "T H W 3"]:
    """Truth, dream and their absolute difference, stacked; rows of a batch side by side.

    Each image has a border: green while the model sees (dream holds reconstructions), orange from step `context` on,
    where it dreams. Images under 128 pixels are magnified by a whole factor, without smoothing.

    Args:
        truth: the real images "T H W C" or "B T H W C", floats in [0, 1] or uint8. C is 1 (grey), 3 (colour), a
            stack of colour images, or a stack of grey ones (C no multiple of 3), of which the last is shown.
        dream: the model's images, of the same shape; the type may differ. Floats beyond [0, 1] are clipped.
        context: how many steps the model saw.

    Raises:
        ValueError: the shapes differ, or are not those of images.
    """
    truth, dream = np.asarray(truth), np.asarray(dream)
    if truth.shape != dream.shape or truth.ndim not in (4, 5) or 0 in truth.shape:
        raise ValueError(f"truth and dream must both be 'T H W C' or 'B T H W C', not {truth.shape} and {dream.shape}")
    if truth.ndim == 4:
        truth, dream = truth[None], dream[None]
    real, dreamed = in_colour(truth), in_colour(dream)
    error = np.abs(real.astype(np.int16) - dreamed.astype(np.int16)).astype(np.uint8)
    factor = magnification(*real.shape[2:4])
    columns = [
        np.concatenate([_tile(images, context, factor) for images in rows], axis=1)
        for rows in zip(real, dreamed, error, strict=True)
    ]
    strip = np.concatenate(columns, axis=2)
    # Every tile brings the gap below and to the right of it.
    return _pad(strip, top=GAP, left=GAP)


@dataclass(frozen=True)
class Clip:
    """Pictures of one episode.

    Attributes:
        pictures: "T H W 3" of bytes.
        dreamed: the step from which they are dreamed; None where all are seen.
    """

    pictures: UInt8[np.ndarray, "T H W 3"]
    dreamed: int | None = None


def grid(cells: Sequence[Sequence[Clip]]) -> UInt8[np.ndarray, "T H W 3"]:
    """Clips of several episodes at once, in as many columns as make the whole about square.

    Borders and magnification are those of `open_loop_strip`. A clip that is over stands still, without a border, until
    the longest is over too.

    Args:
        cells: of each episode its clips, which stand side by side; as many of each, all of the same height and width.

    Raises:
        ValueError: there is none, or they differ.
    """
    sizes = {clip.pictures.shape[1:] for cell in cells for clip in cell}
    if len(sizes) != 1 or len({len(cell) for cell in cells}) != 1:
        raise ValueError(f"a grid needs as many clips of each episode, all of one size, not {sorted(sizes)}")
    factor = magnification(*sizes.pop()[:2])
    steps = max(len(clip.pictures) for cell in cells for clip in cell)
    apart = 2 * GAP * (len(cells[0]) > 1)  # so that one sees what belongs together
    tiles = [_pad(np.concatenate([_clip(clip, steps, factor) for clip in cell], 2), right=apart) for cell in cells]
    columns = math.ceil(math.sqrt(len(cells) / len(cells[0])))
    tiles += [np.full_like(tiles[0], GROUND[0])] * (-len(tiles) % columns)
    rows = [np.concatenate(tiles[at : at + columns], 2) for at in range(0, len(tiles), columns)]
    return _pad(np.concatenate(rows, 1)[:, :, : -apart or None], top=GAP, left=GAP)


def magnification(height: int, width: int) -> int:
    """The whole factor which brings the longer side to 128 pixels or more; 1 if it is there already."""
    return -(-LEGIBLE // max(height, width))


def writer(path: str | os.PathLike[str]) -> Callable[[np.ndarray, str | os.PathLike[str], float], None]:
    """What writes a video of that name: `write_gif` or `write_mp4`.

    Raises:
        UserError: the name ends neither in .gif nor in .mp4.
        MissingExtra: it ends in .mp4, and imageio-ffmpeg is not installed.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".gif", ".mp4"):
        raise UserError(f"a video's name ends in .gif or .mp4, not in '{suffix}': {os.fspath(path)}")
    if suffix == ".gif":
        return write_gif
    _check_ffmpeg()
    return write_mp4


def write_gif(frames: UInt8[np.ndarray, "T H W 3"], path: str | os.PathLike[str], fps: float) -> None:
    """Write an endless GIF, whole or not at all; equal frames in a row become one, which is shown for longer.

    Args:
        frames: what to show.
        path: the file.
        fps: frames per second; the format counts in hundredths of a second and viewers rarely show more than 50.

    Raises:
        ValueError: the frames are not "T H W 3" of uint8, or fps is not positive.
    """
    import imageio.v3 as iio

    frames = _checked(frames, fps)
    with aside(path) as partial:
        iio.imwrite(partial, frames, extension=".gif", plugin="pillow", duration=1000 / fps, loop=0)


def write_mp4(frames: UInt8[np.ndarray, "T H W 3"], path: str | os.PathLike[str], fps: float) -> None:
    """Write an H.264 video which browsers play, whole or not at all.

    Args:
        frames: what to show; an odd height or width gets one more line of pixels, since the format has none.
        path: the file.
        fps: frames per second.

    Raises:
        MissingExtra: imageio-ffmpeg is not installed.
        ValueError: the frames are not "T H W 3" of uint8, or fps is not positive.
    """
    _check_ffmpeg()
    import imageio.v3 as iio

    frames = _checked(frames, fps)
    frames = _pad(frames, bottom=frames.shape[1] % 2, right=frames.shape[2] % 2)
    # A block size other than 1 would have imageio resize the images, which blurs them.
    options: dict[str, Any] = {"codec": "libx264", "quality": 8, "macro_block_size": 1, "pixelformat": "yuv420p"}
    with aside(path) as partial:
        iio.imwrite(partial, frames, extension=".mp4", plugin="FFMPEG", fps=fps, **options)


def in_colour(images: np.ndarray) -> UInt8[np.ndarray, "*B H W 3"]:
    """Colour images of bytes, of any "*B H W C" that `open_loop_strip` takes: the latest of stacked frames."""
    channels = images.shape[-1]
    images = images[..., -3:] if channels % 3 == 0 else images[..., -1:]
    if images.dtype != np.uint8:
        # nan, of a model that diverged, is shown as black: it has no other place in a byte.
        images = np.nan_to_num(images.astype(np.float32), nan=0.0)
        images = (images.clip(0.0, 1.0) * 255).round().astype(np.uint8)
    return np.broadcast_to(images, (*images.shape[:-1], 3))


def _check_ffmpeg() -> None:
    if importlib.util.find_spec("imageio_ffmpeg") is None:
        raise MissingExtra("imageio-ffmpeg", "video", "writing an mp4")


def _clip(clip: Clip, steps: int, factor: int) -> UInt8[np.ndarray, "T h w 3"]:
    """The tile of a clip, which stands still once it is over, in a border of the ground's colour."""
    long = len(clip.pictures)
    tile = _tile(clip.pictures, long if clip.dreamed is None else clip.dreamed, factor)
    still = tile[-1:].copy()
    border = np.ones(still.shape[1:3], bool)
    border[BORDER : -BORDER - GAP, BORDER : -BORDER - GAP] = False
    still[:, border] = GROUND
    return np.concatenate([tile, still.repeat(steps - long, 0)])


def _tile(images: UInt8[np.ndarray, "T H W 3"], context: int, factor: int) -> UInt8[np.ndarray, "T h w 3"]:
    """The images magnified, with their border, and the gap below and to the right of it."""
    large = images.repeat(factor, axis=1).repeat(factor, axis=2)
    steps, height, width, _ = large.shape
    tile = np.empty((steps, height + 2 * BORDER + GAP, width + 2 * BORDER + GAP, 3), np.uint8)
    tile[:] = GROUND
    tile[:context, :-GAP, :-GAP] = SEEN
    tile[context:, :-GAP, :-GAP] = DREAMED
    tile[:, BORDER : BORDER + height, BORDER : BORDER + width] = large
    return tile


def _pad(
    frames: UInt8[np.ndarray, "T H W 3"], top: int = 0, left: int = 0, bottom: int = 0, right: int = 0
) -> UInt8[np.ndarray, "T h w 3"]:
    """The frames with some of the ground colour around them."""
    steps, height, width, _ = frames.shape
    padded = np.empty((steps, height + top + bottom, width + left + right, 3), np.uint8)
    padded[:] = GROUND
    padded[:, top : top + height, left : left + width] = frames
    return padded


def _checked(frames: np.ndarray, fps: float) -> UInt8[np.ndarray, "T H W 3"]:
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or not len(frames):
        raise ValueError(f"frames must be 'T H W 3' of uint8, not {frames.shape} of {frames.dtype}")
    if fps <= 0:
        raise ValueError(f"fps must be positive, not {fps}")
    return frames
