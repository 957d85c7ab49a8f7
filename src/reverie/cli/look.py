"""`reverie eval`, `reverie video` and `reverie list`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro

from reverie.agents.parts import PARTS
from reverie.agents.presets import PRESETS
from reverie.cli.reading import check_seed, read
from reverie.envs.make import make_vector
from reverie.errors import UserError
from reverie.play.filming import film_run
from reverie.report.evaluate import Evaluator
from reverie.report.pictures import draw_open_loop, film
from reverie.report.write import write_json
from reverie.results.atari_scores import human_normalised
from reverie.results.verify import learned_by
from reverie.train.folder import load

Run = Annotated[str, tyro.conf.Positional]


def _check(episodes: int | None, seed: int | None) -> None:
    if episodes is not None and episodes < 1:
        raise UserError(f"--episodes must be at least 1, not {episodes}")
    if seed is not None:
        check_seed(seed)


@dataclass(frozen=True)
class Evaluate:
    """Evaluate the agent of a run, with the policy's mode."""

    run: Run
    """the run's folder"""
    episodes: int | None = None
    """how many episodes; the run's --eval-episodes by default, or one where that is 0"""
    seed: int | None = None
    """seed of the episodes; the run's own by default, which repeats its last evaluation, if any was made"""
    side: int | None = None
    """how many of them side by side, each in an environment of its own; all by default. A planner draws for all of
    them at once, so that with another number its episodes are others"""
    device: str = "cpu"
    """where to compute"""


def evaluate(arguments: Sequence[str]) -> None:
    """Print the returns and write them to the run's evaluation.json."""
    chosen = read(Evaluate, arguments, "reverie eval")
    _check(chosen.episodes, chosen.seed)
    if chosen.side is not None and chosen.side < 1:
        raise UserError(f"--side must be at least 1, not {chosen.side}")
    agent, resolved = load(chosen.run, chosen.device)
    config = resolved.config
    seed = config.train.seed if chosen.seed is None else chosen.seed
    episodes = max(1, config.train.eval_episodes) if chosen.episodes is None else chosen.episodes
    side = min(chosen.side or episodes, episodes)
    evaluator = Evaluator(make_vector([config.env.make] * side), seed, kept=0)
    try:
        parts = [evaluator(agent, part) for part in range(-(-episodes // side))]
        returns = [episode.total for part in parts for episode in part][:episodes]
    finally:
        evaluator.close()
    score = human_normalised(config.env.env, float(np.mean(returns)))
    told = "" if score is None else f", human-normalised {score:.2f}"
    print(f"{config.env.env}: mean {np.mean(returns):.1f}, standard deviation {np.std(returns):.1f}{told}")
    print("returns " + " ".join(f"{value:.1f}" for value in returns))
    write_json(Path(chosen.run) / "evaluation.json", {"seed": seed, "eval/returns": returns})


@dataclass(frozen=True)
class Video:
    """Film a run: the pictures that it ended with, drawn anew, or one video of several episodes in a grid."""

    run: Run
    """the run's folder"""
    kind: Literal["pictures", "real", "dreamed", "side-by-side"] = "pictures"
    """pictures: one real episode, and open-loop dreams. One video: real, episodes of the agent; dreamed, the agent acts
    in its dream; side-by-side, episodes, and beside each what the world dreams along its actions"""
    into: str | None = None
    """the video's file, a .gif or a .mp4 (extra `video`); RUN/pictures/KIND.gif by default"""
    episodes: int = 4
    """how many: those of the video's grid, or of the open-loop strip, which has room for 4"""
    steps: int | None = None
    """steps of each episode in the video, at most; by default 250 of real ones, and 50 where something is dreamed"""
    seed: int | None = None
    """seed of the episodes; the run's own by default, whose first are those of its evaluations"""
    fps: float = 15.0
    """steps per second; the real episode of --kind pictures has the environment's own"""
    device: str = "cpu"
    """where to compute"""


def video(arguments: Sequence[str]) -> None:
    """Write the pictures or the video, into the run's folder unless told otherwise, and print their names."""
    chosen = read(Video, arguments, "reverie video")
    _check(chosen.episodes, chosen.seed)
    if not 0 < chosen.fps < math.inf:
        raise UserError(f"--fps must be a positive number, not {chosen.fps}")
    if chosen.kind == "pictures":
        for name in ("into", "steps"):
            if (value := getattr(chosen, name)) is not None:
                raise UserError(f"--{name} {value} is for one video: say of what, such as --kind side-by-side")
        _pictures(chosen)
        return
    path = Path(chosen.run) / "pictures" / f"{chosen.kind}.gif" if chosen.into is None else Path(chosen.into)
    options = {name: getattr(chosen, name) for name in ("episodes", "steps", "seed", "fps", "device")}
    print(film_run(chosen.run, chosen.kind, path, **options))


def _pictures(chosen: Video) -> None:
    """What a run ends with."""
    agent, resolved = load(chosen.run, chosen.device)
    config, folder = resolved.config, Path(chosen.run) / "pictures"
    seed = config.train.seed if chosen.seed is None else chosen.seed
    evaluator = Evaluator(make_vector([config.env.make] * chosen.episodes), seed)
    try:
        episodes = evaluator(agent)
    finally:
        evaluator.close()
    agent.eval()
    for path in draw_open_loop(agent, episodes, folder, chosen.fps):
        print(path)
    film(agent, config.env, seed, folder / "episode.gif")
    print(folder / "episode.gif")


@dataclass(frozen=True)
class List:
    """List presets and parts."""

    results: str = "results"
    """where learning runs are recorded; a preset is experimental unless one was made by its current code"""


def list_all(arguments: Sequence[str]) -> None:
    """Print presets with their scales, and the parts that can be exchanged."""
    chosen = read(List, arguments, "reverie list")
    learned = learned_by(Path(chosen.results))
    print("presets")
    for preset in PRESETS.values():
        print(f"  {preset.name:<16}{preset.summary}")
        print(f"  {'':<16}{preset.paper}; --scale {', '.join(preset.scales)}")
        run = learned.get(preset.name)
        print(f"  {'':<16}{f'made {run} as it is now' if run else 'experimental'}")
    print("parts")
    for kind, names in PARTS.items():
        print(f"  --{kind:<14}{', '.join(names)}")
    print(f"  {'':<16}or one of your own: py:module:Class")
