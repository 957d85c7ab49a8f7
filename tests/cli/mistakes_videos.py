"""Mistakes about videos of runs."""

from mistake import Mistake, Place
from mistakes_packages import without


def run_without_ffmpeg(at: Place) -> None:
    """A run, and as if imageio-ffmpeg were not installed."""
    at.run()
    without("imageio_ffmpeg")(at)


VIDEOS = [
    Mistake(
        "an unknown kind of video",
        "video run --kind both",
        "unknown --kind 'both'; known: dreamed, pictures, real, side-by-side; all options: reverie video --help",
        Place.run,
    ),
    Mistake(
        "a video of another format",
        "video run --kind real --into episode.webm",
        "a video's name ends in .gif or .mp4, not in '.webm': episode.webm",
        Place.run,
    ),
    Mistake(
        "an MP4 without its package",
        "video run --kind real --into episode.mp4",
        "writing an mp4 needs the package 'imageio-ffmpeg', which is not installed: pip install 'reverie[video]'",
        run_without_ffmpeg,
    ),
    Mistake(
        "a video's file, and nothing of what",
        "video run --into all.gif",
        "--into all.gif is for one video: say of what, such as --kind side-by-side",
        Place.run,
    ),
    Mistake(
        "a dream of a world without pictures",
        "video run --kind dreamed",
        "the world of run decodes no picture; learn to draw what it knows: reverie probe run",
        Place.run,
    ),
    Mistake(
        "a video without a dreamed step",
        "video run --kind side-by-side --steps 1",
        "--steps must be at least 2, not 1",
        Place.run,
    ),
    Mistake("a video of no step", "video run --kind real --steps 0", "--steps must be at least 1, not 0", Place.run),
    Mistake("a video of no episodes", "video run --episodes 0", "--episodes must be at least 1, not 0", Place.run),
]
