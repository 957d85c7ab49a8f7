"""`reverie video --kind`: where it writes, in which format, and what else it takes."""

import shutil
from pathlib import Path

import imageio.v3 as iio
import pytest
from command import call


@pytest.fixture
def run(trained):
    return Path(shutil.copytree(trained.path, "run"))


def test_a_video_goes_into_the_runs_pictures_and_is_named(capsys, run):
    outcome = call(capsys, "video", "run", "--kind", "real", "--episodes", "2")
    assert (outcome.code, outcome.out, outcome.err) == (0, "run/pictures/real.gif\n", "")
    assert iio.imread("run/pictures/real.gif").shape[-1] == 3


def test_the_suffix_chooses_the_format(capsys, run):
    pytest.importorskip("imageio_ffmpeg")
    assert call(capsys, "video", "run", "--kind", "real", "--into", "new/a.mp4", "--steps", "3").code == 0
    assert Path("new/a.mp4").read_bytes()[4:8] == b"ftyp"


def test_fps_is_that_of_the_video(capsys, run):
    call(capsys, "video", "run", "--kind", "real", "--into", "a.gif", "--fps", "5")
    assert iio.immeta("a.gif", index=0)["duration"] == 200


def test_a_world_from_state_is_filmed_by_its_probe(capsys, run):
    few = ["--episodes", "2", "--share", "1", "--updates", "2", "--batch", "4", "--side", "16", "--held-out", "2"]
    assert call(capsys, "probe", "run", *few).code == 0
    for kind in ("dreamed", "side-by-side"):
        outcome = call(capsys, "video", "run", "--kind", kind, "--episodes", "1")
        assert (outcome.code, outcome.out) == (0, f"run/pictures/{kind}.gif\n"), outcome.err
