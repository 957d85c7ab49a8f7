"""Strips show what they are given; videos read back as they were written."""

import importlib.util
import subprocess

import imageio.v3 as iio
import numpy as np
import pytest

from reverie.errors import MissingExtra
from reverie.report.video import (
    BORDER,
    DREAMED,
    GAP,
    GROUND,
    SEEN,
    magnification,
    open_loop_strip,
    write_gif,
    write_mp4,
)


def cells(strip, size, factor, columns):
    """The images of a strip without border and magnification: "rows columns T H W 3"."""
    pitch = size * factor + 2 * BORDER + GAP
    start = GAP + BORDER
    return np.stack(
        [
            [
                strip[:, y : y + size * factor : factor, x : x + size * factor : factor]
                for x in (start + pitch * i for i in range(columns))
            ]
            for y in (start + pitch * i for i in range(3))
        ]
    )


@pytest.fixture
def pair():
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (2, 2, 5, 16, 16, 3), np.uint8)


def test_rows_are_truth_dream_and_their_difference(pair):
    truth, dream = pair
    strip = open_loop_strip(truth, dream, 2)
    assert strip.dtype == np.uint8
    real, dreamed, error = cells(strip, 16, 8, columns=2)
    np.testing.assert_array_equal(real, truth)
    np.testing.assert_array_equal(dreamed, dream)
    np.testing.assert_array_equal(error, np.abs(truth.astype(int) - dream.astype(int)))


def test_small_images_are_magnified_without_smoothing(pair):
    strip = open_loop_strip(pair[0, 0], pair[1, 0], 2)
    side = 16 * 8 + 2 * BORDER + GAP
    assert strip.shape == (5, GAP + 3 * side, GAP + side, 3)
    start = GAP + BORDER
    first = strip[:, start : start + 128, start : start + 128]
    np.testing.assert_array_equal(first, pair[0, 0].repeat(8, 1).repeat(8, 2))
    assert [magnification(n, n) for n in (1, 16, 64, 84, 127, 128, 500)] == [128, 8, 2, 2, 2, 1, 1]
    assert magnification(10, 64) == 2


def test_the_border_changes_where_the_dream_starts(pair):
    strip = open_loop_strip(pair[0], pair[1], 2)
    side = 128 + 2 * BORDER
    for row in range(3):
        for column in range(2):
            y, x = GAP + row * (side + GAP), GAP + column * (side + GAP)
            tile = strip[:, y : y + side, x : x + side]
            frame = np.ones((side, side), bool)
            frame[BORDER:-BORDER, BORDER:-BORDER] = False
            assert (tile[:2, frame] == SEEN).all()
            assert (tile[2:, frame] == DREAMED).all()
    assert (strip[:, :GAP] == GROUND).all() and (strip[:, -GAP:] == GROUND).all()
    assert (strip[:, :, :GAP] == GROUND).all() and (strip[:, :, -GAP:] == GROUND).all()


@pytest.mark.parametrize("context", [0, 5])
def test_all_dreamed_or_all_seen(pair, context):
    strip = open_loop_strip(pair[0], pair[1], context)
    assert (strip[:, GAP, GAP] == (SEEN if context else DREAMED)).all()


def test_the_colours_differ_in_grey():
    grey = [0.299 * r + 0.587 * g + 0.114 * b for r, g, b in (SEEN, DREAMED, GROUND)]
    assert min(abs(grey[0] - grey[1]), abs(grey[0] - grey[2])) > 40


def test_floats_are_shares_of_white_and_are_clipped():
    truth = np.array([0.0, 0.5, 1.0, 1.5, -1.0, np.nan], np.float32)[:, None, None, None].repeat(3, -1)
    real, _, _ = cells(open_loop_strip(truth, truth.astype(np.float64), 0), 1, 128, columns=1)
    np.testing.assert_array_equal(real[0, :, 0, 0, 0], [0, 128, 255, 255, 0, 0])


def test_bytes_and_floats_may_be_mixed(pair):
    truth = pair[0, 0]
    _, _, error = cells(open_loop_strip(truth, truth.astype(np.float32) / 255, 2), 16, 8, columns=1)
    assert not error.any()


@pytest.mark.parametrize(("channels", "shown"), [(1, [0, 0, 0]), (3, [0, 1, 2]), (9, [6, 7, 8]), (4, [3, 3, 3])])
def test_grey_images_and_stacks_of_frames(channels, shown):
    truth = np.random.default_rng(0).integers(0, 256, (3, 8, 8, channels), np.uint8)
    real, _, _ = cells(open_loop_strip(truth, truth, 1), 8, 16, columns=1)
    np.testing.assert_array_equal(real[0], truth[..., shown])


@pytest.mark.parametrize("shapes", [((5, 8, 8, 3), (4, 8, 8, 3)), ((8, 8, 3), (8, 8, 3)), ((0, 8, 8, 3), (0, 8, 8, 3))])
def test_what_is_no_pair_of_videos_is_refused(shapes):
    with pytest.raises(ValueError, match="T H W C"):
        open_loop_strip(np.zeros(shapes[0]), np.zeros(shapes[1]), 1)


def still(steps=6, height=20, width=30):
    """Frames of few colours, each different, which a GIF holds exactly."""
    frames = np.zeros((steps, height, width, 3), np.uint8)
    for step in range(steps):
        frames[step, :, : 2 + step] = (250, 20 * step, 0)
    return frames


def test_a_gif_reads_back_as_it_was_written(tmp_path):
    frames = still()
    write_gif(frames, tmp_path / "a.gif", fps=20)
    np.testing.assert_array_equal(iio.imread(tmp_path / "a.gif"), frames)
    meta = iio.immeta(tmp_path / "a.gif", index=0)
    assert meta["duration"] == 50 and meta["loop"] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["a.gif"]


def test_the_border_of_a_strip_survives_the_gif(tmp_path, pair):
    truth, dream = pair // 64 * 64  # few enough colours for a palette
    strip = open_loop_strip(truth, dream, 2)
    write_gif(strip, tmp_path / "a.gif", fps=10)
    read = iio.imread(tmp_path / "a.gif")
    assert read.shape == strip.shape
    np.testing.assert_array_equal(read[:, GAP, GAP], [SEEN] * 2 + [DREAMED] * 3)


def test_an_mp4_reads_back_with_every_frame_and_even_sides(tmp_path):
    ffmpeg = pytest.importorskip("imageio_ffmpeg").get_ffmpeg_exe()
    frames = still(8, 51, 75)
    write_mp4(frames, tmp_path / "a.mp4", fps=10)
    # Read by ffmpeg itself: imageio's reader leaves its pipes open, which is a warning.
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run([ffmpeg, "-i", str(tmp_path / "a.mp4"), *raw], capture_output=True, check=True)
    read = np.frombuffer(done.stdout, np.uint8).reshape(8, 52, 76, 3)
    assert np.abs(read[:, 10:40, 30:70].astype(int) - frames[:, 10:40, 30:70]).mean() < 5
    assert b"h264" in done.stderr and b"yuv420p" in done.stderr and b" 10 fps" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_an_mp4_without_its_package_names_the_extra(tmp_path, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "imageio_ffmpeg" else found(name, *rest)
    )
    with pytest.raises(MissingExtra, match=r"reverie\[video\]"):
        write_mp4(still(), tmp_path / "a.mp4", fps=10)
    assert not list(tmp_path.iterdir())


def test_a_writer_that_fails_leaves_the_old_video(tmp_path, monkeypatch):
    write_gif(still(), tmp_path / "a.gif", fps=10)
    before = (tmp_path / "a.gif").read_bytes()

    def fail(path, *args, **kwargs):
        path.write_bytes(b"GIF89a")
        raise OSError("disk full")

    monkeypatch.setattr(iio, "imwrite", fail)
    with pytest.raises(OSError, match="disk full"):
        write_gif(still(3), tmp_path / "a.gif", fps=10)
    assert (tmp_path / "a.gif").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("write", [write_gif, write_mp4])
def test_frames_are_checked(tmp_path, write):
    if write is write_mp4:
        pytest.importorskip("imageio_ffmpeg")
    for frames in (np.zeros((2, 4, 4, 3)), np.zeros((4, 4, 3), np.uint8), np.zeros((0, 4, 4, 3), np.uint8)):
        with pytest.raises(ValueError, match="uint8"):
            write(frames, tmp_path / "a", fps=10)
    with pytest.raises(ValueError, match="fps"):
        write(still(), tmp_path / "a", fps=0)
