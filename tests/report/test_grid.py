"""A grid shows every clip whole, in its place, in the border that says what it is."""

import numpy as np
import pytest

from reverie.errors import MissingExtra, UserError
from reverie.report.video import BORDER, DREAMED, GAP, GROUND, SEEN, Clip, grid, write_gif, write_mp4, writer

SIDE = 128 + 2 * BORDER


def clip(steps, shade, dreamed=None):
    return Clip(
        np.full((steps, 16, 16, 3), shade, np.uint8) + np.arange(steps, dtype=np.uint8)[:, None, None, None], dreamed
    )


def tile(frames, row, column, apart=0):
    """A tile with its border; `apart` pixels lie between pairs."""
    y, x = GAP + row * (SIDE + GAP), GAP + column * (SIDE + GAP) + column // 2 * apart
    return frames[:, y : y + SIDE, x : x + SIDE]


def inside(tile):
    return tile[:, BORDER:-BORDER, BORDER:-BORDER]


def test_four_clips_are_two_by_two_in_reading_order():
    frames = grid([[clip(3, shade)] for shade in (10, 50, 90, 130)])
    assert frames.shape == (3, GAP + 2 * (SIDE + GAP), GAP + 2 * (SIDE + GAP), 3)
    for index, shade in enumerate((10, 50, 90, 130)):
        shown = inside(tile(frames, index // 2, index % 2))
        assert [set(np.unique(x)) for x in shown] == [{shade}, {shade + 1}, {shade + 2}]


def test_pairs_stand_side_by_side_and_apart_from_other_pairs():
    frames = grid([[clip(2, 10 * i), clip(2, 10 * i + 5, 1)] for i in range(3)])
    apart = 2 * GAP
    assert frames.shape[1:3] == (GAP + 2 * (SIDE + GAP), GAP + 4 * (SIDE + GAP) + apart)
    for index, (row, column) in enumerate([(0, 0), (0, 2), (1, 0)]):
        assert (inside(tile(frames, row, column, apart))[0] == 10 * index).all()
        assert (inside(tile(frames, row, column + 1, apart))[0] == 10 * index + 5).all()
    assert (tile(frames, 1, 2, apart) == GROUND).all() and (tile(frames, 1, 3, apart) == GROUND).all()


def test_borders_say_what_is_dreamed_and_when_a_clip_is_over():
    frames = grid([[clip(5, 10), clip(3, 20, 2)]])
    real, dream = tile(frames, 0, 0), tile(frames, 0, 1)
    assert (real[:, 0, 0] == SEEN).all()
    np.testing.assert_array_equal(dream[:, 0, 0], [SEEN, SEEN, DREAMED, GROUND, GROUND])
    assert [int(x[0, 0, 0]) for x in inside(dream)] == [20, 21, 22, 22, 22]


def test_pictures_keep_their_shape():
    frames = grid([[Clip(np.zeros((1, 64, 128, 3), np.uint8))]])
    assert frames.shape == (1, 64 + 2 * BORDER + 2 * GAP, 128 + 2 * BORDER + 2 * GAP, 3)


@pytest.mark.parametrize(
    "cells", [[], [[clip(1, 0)], [clip(1, 0)] * 2], [[clip(1, 0)], [Clip(np.zeros((1, 8, 8, 3), np.uint8))]]]
)
def test_cells_that_differ_are_no_grid(cells):
    with pytest.raises(ValueError, match="a grid needs"):
        grid(cells)


def test_the_suffix_chooses_the_writer(monkeypatch):
    pytest.importorskip("imageio_ffmpeg")
    assert writer("a.gif") is writer("A.GIF") is write_gif
    assert writer("a.mp4") is write_mp4
    with pytest.raises(UserError, match=r"ends in \.gif or \.mp4, not in '': folder/video"):
        writer("folder/video")


def test_a_missing_package_is_told_before_anything_is_played(monkeypatch):
    monkeypatch.setattr("reverie.report.video.importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"reverie\[video\]"):
        writer("a.mp4")
