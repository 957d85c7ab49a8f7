"""What a world believes an action does to a standing pole: `python benchmarks/pole_response.py RUN ...`.

For runs on `dmc:cartpole-swingup` or `dmc:cartpole-balance`, from state. The first run's policy plays an episode. At
moments at which its pole stands, the simulator is asked what a slightly larger first action changes, the later ones
being the same; and every run's world is asked it in a dream from there. With t_m the true change at moment m and d_m
the dreamed one:

    gain  = sum d_m t_m / sum t_m^2               1: as in reality; 0: an action is believed to do nothing
    miss  = sqrt(sum (d_m - t_m)^2 / sum t_m^2)

A policy that learns in a world whose gain is low has reason to correct too little.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch

from reverie.agents.agent import Agent
from reverie.envs.make import make_vector
from reverie.errors import UserError
from reverie.report.evaluate import Episode, follow, play
from reverie.report.open_loop import as_batch
from reverie.report.write import write_json
from reverie.train.folder import load
from reverie.world.imagine import along

STANDS = 0.9
"""The least cosine of the pole's angle."""
SEEN = 4
"""Real steps that a world has seen before it dreams."""
MOMENTS = 60
"""As many are asked about, at most."""
SHOWN = {"angle": ("position", 2), "speed": ("velocity", 1)}
"""The sine of the pole's angle and its angular velocity: a key of the observation, and a place in it."""


def played(agent: Agent, env: gymnasium.Env) -> tuple[Episode, list[np.ndarray]]:
    """An episode of the evaluation policy, and the simulator's state at each of its records but the last."""
    states: list[np.ndarray] = []
    (episode,) = play(
        make_vector([lambda: env]), follow(agent, 1), [0], lambda: states.append(physics(env).get_state().copy())
    )
    return episode, states


def physics(env: gymnasium.Env) -> Any:
    """MuJoCo, as dm_control has it.

    Raises:
        UserError: if it is another environment.
    """
    inner: Any = getattr(env.unwrapped, "_env", None)
    if not hasattr(inner, "physics"):
        raise UserError("the runs must be on dmc:cartpole-swingup or dmc:cartpole-balance")
    return inner.physics


def really(env: gymnasium.Env, state: np.ndarray, actions: np.ndarray) -> np.ndarray:
    """What is shown "K H" after each of the actions "H A", from a state of the simulator."""
    env.reset(seed=0)
    with physics(env).reset_context():
        physics(env).set_state(state)
    seen = [env.step(action)[0] for action in actions]
    return np.array([[float(x[key][place]) for x in seen] for key, place in SHOWN.values()])


@torch.inference_mode()
def dreamed(agent: Agent, episode: Episode, moment: int, actions: np.ndarray) -> np.ndarray:
    """The same "K H" in a dream from that moment; latents are modes."""
    world = agent.world
    start = world.observe(as_batch(agent, [episode], moment + 1 - SEEN, SEEN), world.initial(1)).last()
    taken = torch.from_numpy(agent.codec.encode(actions)).to(agent.device)
    seen = world.decode(along(world, taken[None], start))
    return np.stack([seen[key][0, 1:, place].cpu().numpy() for key, place in SHOWN.values()])


def response(ask: Any, actions: np.ndarray, nudge: float) -> np.ndarray:
    """The change "K H" for an action's first unit, by a central difference."""
    more, less = actions.copy(), actions.copy()
    more[0], less[0] = np.clip(actions[0] + nudge, -1, 1), np.clip(actions[0] - nudge, -1, 1)
    return (ask(more) - ask(less)) / float((more[0] - less[0]).sum())


def measure(runs: Sequence[Path], steps: Sequence[int], nudge: float) -> list[dict[str, Any]]:
    """Gain and miss of each run's world at each step.

    Raises:
        UserError: for runs that cannot be asked, or a pole that never stands.
    """
    player, resolved = load(runs[0], "cpu")
    env = resolved.config.env.make()
    episode, states = played(player.eval(), env)
    length = max(steps)
    stands = episode.observation["position"][:, 1] > STANDS
    moments = [m for m in range(SEEN, len(states) - length) if stands[m]]
    moments = moments[:: 1 + len(moments) // MOMENTS]
    if not moments:
        raise UserError(f"{runs[0]}: its pole never stands; name a run first that swings it up")
    plans = [episode.action[m + 1 : m + 1 + length] for m in moments]
    true = np.stack(
        [response(lambda x, m=m: really(env, states[m], x), p, nudge) for m, p in zip(moments, plans, strict=True)]
    )
    rows = []
    for run in runs:
        agent = load(run, "cpu")[0].eval()
        told = np.stack(
            [
                response(lambda x, m=m, a=agent: dreamed(a, episode, m, x), p, nudge)
                for m, p in zip(moments, plans, strict=True)
            ]
        )
        size = np.square(true).sum(0)
        gain, miss = (told * true).sum(0) / size, np.sqrt(np.square(told - true).sum(0) / size)
        for k, name in enumerate(SHOWN):
            for step in steps:
                row = {"run": run.name, "what": name, "step": step, "moments": len(moments)}
                rows.append(row | {"gain": float(gain[k, step - 1]), "miss": float(miss[k, step - 1])})
    env.close()
    return rows


def main() -> None:
    """Print a line for each run, thing and step, and write them all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--steps", type=int, nargs="+", default=[2, 4, 8, 12], help="after the action")
    parser.add_argument("--nudge", type=float, default=0.2, help="how much larger, and smaller, the action is")
    parser.add_argument("--output", type=Path, help="a JSON file")
    chosen = parser.parse_args()
    try:
        rows = measure(chosen.runs, chosen.steps, chosen.nudge)
    except UserError as error:
        parser.error(str(error))
    for row in rows:
        print(json.dumps(row), flush=True)
    if chosen.output:
        write_json(chosen.output, rows)


if __name__ == "__main__":
    main()
