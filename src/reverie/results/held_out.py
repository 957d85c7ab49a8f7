"""How well a run's world dreams of what it has not seen: `python -m reverie.results.held_out RUN`.

Held-out episodes of random actions, seen for some steps; then the dream along the real actions, and the mean of dreams
whose latents are drawn, against repeating the last frame and against the mean frame, as mean squared errors.
"""

import argparse
import math
from pathlib import Path

import numpy as np

from reverie.errors import UserError
from reverie.report.evaluate import held_out_episodes
from reverie.report.open_loop import expected, open_loop
from reverie.report.video import open_loop_strip, write_gif
from reverie.report.write import write_json
from reverie.train.folder import load


def held_out(run: Path, episodes: int, context: int, steps: int, start: int) -> dict[str, dict[str, float]]:
    """Write the errors to the run's open-loop.json, and draw four of the dreams of each image.

    Args:
        run: the run's folder, with a checkpoint.
        episodes: how many.
        context: agent steps seen before the dream.
        steps: dreamed agent steps.
        start: agent steps of an episode before the model begins to see.

    Returns:
        For each observation the mean squared errors (images in [0, 1]) of dream and guesses.

    Raises:
        UserError: if there is no run, or no checkpoint, the world decodes nothing, or there is no step to see.
    """
    if context < 1:
        raise UserError(f"--context must be at least 1, not {context}")
    agent, resolved = load(run, "cpu")
    if agent.world.decoder is None:
        raise UserError(f"the world of {run} decodes no observation, so that its dreams cannot be compared with any")
    config = resolved.config
    played = held_out_episodes(config.env, agent.codec, config.train.seed, episodes)
    loop = open_loop(agent, played, context, steps, start)
    drawn = expected(agent, played, context, steps, start)
    figures = {}
    for key, truth in loop.truth.items():
        scale = 255.0 if truth.ndim == 5 else 1.0
        mean = np.stack([episode.observation[key].mean(0) for episode in played]).mean(0) / scale
        errors = {name: float(np.square(e).mean()) for name, e in loop.error(key, mean).items()}
        errors["expected"] = float(np.square(drawn.error(key, mean)["dream"]).mean())
        guess = min(errors["repeat"], errors["mean"]) or math.nan  # of what never changes
        figures[key] = errors | {
            "share of the better guess": errors["dream"] / guess,
            "expected share": errors["expected"] / guess,
            "episodes": episodes,
            "context": context,
            "steps": steps,
        }
        if truth.ndim == 5:
            strip = open_loop_strip(truth[:4], loop.dream[key][:4], loop.context)
            write_gif(strip, run / "pictures" / "held-out.gif", 10)
    write_json(run / "open-loop.json", figures)
    return figures


def main() -> None:
    """Print the errors of the run named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--episodes", type=int, default=20)
    parser.add_argument("--steps", type=int, default=20, help="dreamed steps")
    parser.add_argument("--context", type=int, default=5, help="steps seen before the dream")
    parser.add_argument("--start", type=int, default=20, help="where in the episode the model begins to see")
    chosen = parser.parse_args()
    try:
        figures = held_out(chosen.run, chosen.episodes, chosen.context, chosen.steps, chosen.start)
    except UserError as error:
        parser.error(str(error))
    for key, errors in figures.items():
        print(key, {name: round(value, 5) for name, value in errors.items()})


if __name__ == "__main__":
    main()
