"""How exact a dream of a falling pole must be, in pixels: `python benchmarks/pole_foresight.py`.

The simulator itself foresees held-out episodes of random actions on `dmc:cartpole-balance`, but from a first state that
is slightly wrong: the pole's angle by some degrees, and its angular velocity by 3.8 times as much a second, as a
falling pole of 1 m would make of it. What it then shows is compared with what happened as `reverie.results.held_out`
compares a world's dream: the mean squared error of pixels in [0, 1] as a share of the better guess's, which repeats the
last frame or shows the mean frame of whole episodes.
"""

import argparse
import json
from pathlib import Path

import gymnasium
import numpy as np
from pole_response import physics

from reverie.envs.codec import codec
from reverie.envs.make import EnvConfig
from reverie.envs.seeds import episode_seed
from reverie.report.evaluate import HELD_OUT, Episode, held_out_episodes
from reverie.report.write import write_json

FALLS = 3.8
"""1/s: by this an upright pole of 1 m falls away, sqrt(3 g / 2 l)."""


def shown(env: gymnasium.Env, seed: int, episode: Episode, start: int, steps: int, wrong: float) -> np.ndarray:
    """The frames "T H W C" after each of an episode's actions from `start` on, the pole's angle being wrong (rad)."""
    env.reset(seed=seed)
    frames = []
    for step in range(1, start + steps):
        if step == start:
            physics(env).data.qpos[1] += wrong
            physics(env).data.qvel[1] += FALLS * wrong
        observation, *_ = env.step(episode.action[step])
        frames.append(observation["image"])
    return np.stack(frames[start - 1 :])


def error(told: np.ndarray, came: np.ndarray) -> np.ndarray:
    """The mean squared error of each step, "T", of frames in [0, 255]."""
    return np.square(told / 255.0 - came / 255.0).mean((1, 2, 3))


def measure(chosen: argparse.Namespace) -> list[dict[str, float]]:
    """A row for each number of degrees."""
    config = EnvConfig(env="dmc:cartpole-balance", pixels=True, action_repeat=2, look=chosen.look)
    env, after = config.make(), slice(chosen.start, chosen.start + chosen.steps)
    episodes = held_out_episodes(config, codec(env.action_space), 1, chosen.episodes)
    signs = np.random.default_rng(0).choice([-1, 1], chosen.episodes)
    came = [episode.observation["image"][after] for episode in episodes]
    mean = np.stack([episode.observation["image"].mean(0) for episode in episodes]).mean(0)
    last = [episode.observation["image"][chosen.start - 1] for episode in episodes]
    guess = min(
        np.mean([error(mean[None], frames) for frames in came]),
        np.mean([error(seen[None], frames) for seen, frames in zip(last, came, strict=True)]),
    )
    rows = []
    for degrees in chosen.degrees:
        errors = []
        for row, episode in enumerate(episodes):
            wrong = np.deg2rad(degrees) * signs[row]
            told = shown(env, episode_seed(1, HELD_OUT + row, 0), episode, chosen.start, chosen.steps, wrong)
            errors.append(error(told, came[row]))
        steps = np.mean(errors, 0) / guess
        rows.append({"degrees": degrees, "share": float(steps.mean()), "share of the last step": float(steps[-1])})
        print(json.dumps(rows[-1]), flush=True)
    env.close()
    return rows


def main() -> None:
    """Print a line for each number of degrees, and write them all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--degrees", type=float, nargs="+", default=[0.25, 0.5, 1, 2, 4], help="of the first angle")
    parser.add_argument("--look", choices=("standard", "fast"), default="standard", help="how it is drawn")
    parser.add_argument("--start", type=int, default=25, help="the record that is foreseen first")
    parser.add_argument("--steps", type=int, default=40, help="dreamed ones")
    parser.add_argument("--episodes", type=int, default=20)
    parser.add_argument("--output", type=Path, help="a JSON file")
    chosen = parser.parse_args()
    rows = measure(chosen)
    if chosen.output:
        write_json(chosen.output, rows)


if __name__ == "__main__":
    main()
