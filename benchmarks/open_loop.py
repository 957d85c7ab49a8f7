"""How well a run's world dreams of what it has not seen: `python benchmarks/open_loop.py RUN [--steps 20]`.

Held-out episodes of random actions, seen for some steps; then the dream along the real actions against repeating the
last frame and against the mean frame, as mean squared errors.
"""

import argparse
from pathlib import Path

import numpy as np

import reverie
from reverie.data.collect import random_act
from reverie.envs.make import make_vector
from reverie.envs.seeds import episode_seed
from reverie.report.evaluate import play
from reverie.report.video import open_loop_strip, write_gif
from reverie.report.write import write_json

HELD_OUT = 2_000_000  # environments are numbered from here on: neither training nor evaluation has these seeds


def main() -> None:
    """Print and write the errors, and draw four of the dreams."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--episodes", type=int, default=20)
    parser.add_argument("--steps", type=int, default=20, help="dreamed steps")
    parser.add_argument("--context", type=int, default=5, help="steps seen before the dream")
    parser.add_argument("--start", type=int, default=20, help="where in the episode the model begins to see")
    chosen = parser.parse_args()
    agent, resolved = reverie.load(chosen.run)
    envs = make_vector([resolved.config.env.make] * chosen.episodes)
    seeds = [episode_seed(resolved.config.train.seed, HELD_OUT + row, 0) for row in range(chosen.episodes)]
    episodes = play(envs, random_act(agent.codec, np.random.default_rng(0)), seeds)
    envs.close()
    loop = reverie.open_loop(agent, episodes, context=chosen.context, steps=chosen.steps, start=chosen.start)
    figures = {}
    for key, truth in loop.truth.items():
        scale = 255.0 if truth.ndim == 5 else 1.0
        mean = np.stack([episode.observation[key].mean(0) for episode in episodes]).mean(0) / scale
        errors = {name: float(np.square(e).mean()) for name, e in loop.error(key, mean).items()}
        least = min(errors["repeat"], errors["mean"])
        figures[key] = errors | {"share of the better guess": errors["dream"] / least, "context": chosen.context}
        print(key, {name: round(value, 5) for name, value in figures[key].items()})
        if truth.ndim == 5:
            strip = open_loop_strip(truth[:4], loop.dream[key][:4], loop.context)
            write_gif(strip, Path(chosen.run) / "pictures" / "held-out.gif", 10)
    write_json(Path(chosen.run) / "open-loop.json", figures)


if __name__ == "__main__":
    main()
