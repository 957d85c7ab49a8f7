"""How exact a dream of a falling pole must be, in pixels: `python benchmarks/pole_foresight.py`.

The simulator itself foresees episodes of random actions on `dmc:cartpole-balance`, but from a first state that is
slightly wrong: the pole's angle by some degrees, and its angular velocity by 3.8 times as much a second, as a falling
pole of 1 m would make of it. What it then shows is compared with what happened as `reverie.results.held_out` compares
a world's dream: mean squared error of pixels in [0, 1] over that of the mean frame.
"""

import argparse
import json
from pathlib import Path

import gymnasium
import numpy as np
from pole_response import physics

from reverie.envs.make import EnvConfig
from reverie.report.write import write_json

FALLS = 3.8
"""1/s: by this an upright pole of 1 m falls away, sqrt(3 g / 2 l)."""


def shown(env: gymnasium.Env, seed: int, actions: np.ndarray, start: int, wrong: float) -> np.ndarray:
    """The frames "T H W C" after each action from `start` on, where the pole's angle (rad) was wrong by so much."""
    env.reset(seed=seed)
    frames = []
    for step, action in enumerate(actions):
        if step == start:
            physics(env).data.qpos[1] += wrong
            physics(env).data.qvel[1] += FALLS * wrong
        observation, *_ = env.step(action)
        frames.append(observation["image"])
    return np.stack(frames[start:]).astype(np.float32) / 255


def measure(chosen: argparse.Namespace) -> list[dict[str, float]]:
    """A row for each number of degrees."""
    env = EnvConfig(env="dmc:cartpole-balance", pixels=True, action_repeat=2, look="fast").make()
    rng = np.random.default_rng(0)
    plans = rng.uniform(-1, 1, (chosen.episodes, chosen.start + chosen.steps, 1)).astype(np.float32)
    signs = rng.choice([-1, 1], chosen.episodes)
    true = [shown(env, seed, plan, chosen.start, 0.0) for seed, plan in enumerate(plans)]
    mean = np.concatenate(true).mean(0)
    guess = np.mean([np.square(frames - mean).mean() for frames in true])
    rows = []
    for degrees in chosen.degrees:
        wrong = np.deg2rad(degrees) * signs
        told = [shown(env, seed, plan, chosen.start, wrong[seed]) for seed, plan in enumerate(plans)]
        error = np.mean([np.square(a - b).mean() for a, b in zip(told, true, strict=True)])
        last = np.mean([np.square(a[-1] - b[-1]).mean() for a, b in zip(told, true, strict=True)])
        rows.append({"degrees": degrees, "share": float(error / guess), "share of the last step": float(last / guess)})
        print(json.dumps(rows[-1]), flush=True)
    env.close()
    return rows


def main() -> None:
    """Print a line for each number of degrees, and write them all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--degrees", type=float, nargs="+", default=[0.25, 0.5, 1, 2, 4], help="of the first angle")
    parser.add_argument("--start", type=int, default=25, help="agent steps before the first dreamed one")
    parser.add_argument("--steps", type=int, default=40, help="dreamed ones")
    parser.add_argument("--episodes", type=int, default=20)
    parser.add_argument("--output", type=Path, help="a JSON file")
    chosen = parser.parse_args()
    rows = measure(chosen)
    if chosen.output:
        write_json(chosen.output, rows)


if __name__ == "__main__":
    main()
