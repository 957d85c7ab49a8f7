"""Whether a dream stays as dangerous as reality: `python benchmarks/hazard.py RUN --episodes 60`.

For a finished run of `worldmodels`: the chance that an episode ends in each of the steps after a moment, for moments
early and late in it. Real episodes are the agent's own, and nobody has learned from them; dreams begin at every
`--stride`-th moment of the same episodes, and the agent acts in them as well, at the run's temperature. A game that
grows harder with time has more ends from late moments. A world that forgets how late it is dreams of an easy game
after a few steps, whatever it began with, and what evolves in it is made for that.
"""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from recall import episodes_of, watch

from reverie.agents.agent import Agent
from reverie.report.evaluate import Episode, follow
from reverie.report.write import write_json
from reverie.train.device import choose_threads
from reverie.train.folder import load

AGES = ((0, 25), (25, 60), (60, 120), (120, 250))
"""Steps since the episode began, of the moments from which one looks ahead; the second one is not among them."""
AHEAD = ((0, 3), (3, 10), (10, 20), (20, 40), (40, 60))
"""Steps after a moment: the second one is among them, the first one not."""


def happened(left: Sequence[int], terminal: Sequence[bool]) -> list[float]:
    """Ends per step in each range of `AHEAD`, from the steps left at some moments, and whether an end came."""
    steps, over, found = np.array(left, int), np.array(terminal, bool), []
    for begin, end in AHEAD:
        lived = np.clip(steps - begin, 0, end - begin).sum()
        found.append(float((over & (steps > begin) & (steps <= end)).sum() / max(lived, 1)))
    return found


@torch.inference_mode()
def dreamed(
    agent: Agent, episode: Episode, moments: np.ndarray, temperature: float, generator: torch.Generator
) -> np.ndarray:
    """Expected ends, and those who lived to see them, at each of the steps ahead: "2 S"."""
    world, rows = agent.world, len(moments)
    state = world.dynamics.start(watch(agent, episode), torch.zeros(rows, dtype=torch.long), torch.from_numpy(moments))
    alive, first, found = torch.ones(rows), torch.zeros(rows), []
    for _ in range(AHEAD[-1][1]):
        action, _ = agent.behaviour.act(world, state, agent.behaviour.initial(rows), first, "evaluate", generator)
        state = world.imagine(action, state, generator, temperature)
        goes_on = world.continue_(state.features)
        found.append([float((alive * (1 - goes_on)).sum()), float(alive.sum())])
        alive = alive * goes_on
    return np.array(found).T


def measure(
    agent: Agent, episodes: Sequence[Episode], age: tuple[int, int], stride: int, temperature: float
) -> dict[str, object]:
    """Real and dreamed ends per step from all moments of that age."""
    generator = torch.Generator().manual_seed(0)
    left: list[int] = []
    terminal: list[bool] = []
    sums = np.zeros((2, AHEAD[-1][1]))
    for episode in episodes:
        last = len(episode.reward) - 1
        moments = np.arange(age[0], min(age[1], last), stride)
        if len(moments):
            left += (last - moments).tolist()
            terminal += [episode.terminal] * len(moments)
            sums += dreamed(agent, episode, moments, temperature, generator)
    ends = [float(sums[0, a:b].sum() / max(sums[1, a:b].sum(), 1e-9)) for a, b in AHEAD]
    return {"age": age, "moments": len(left), "real": happened(left, terminal), "dreamed": ends}


def main() -> None:
    """Play, dream, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--episodes", type=int, default=60, help="of the agent")
    parser.add_argument("--side", type=int, default=20, help="of them side by side")
    parser.add_argument("--stride", type=int, default=5, help="steps between two moments")
    parser.add_argument("--seed", type=int, default=0, help="of the episodes")
    parser.add_argument("--output", type=Path, help="a JSON file for the figures; RUN/hazard.json by default")
    chosen = parser.parse_args()
    choose_threads(1)
    agent, resolved = load(chosen.run, "cpu")
    agent.eval()
    played = episodes_of(resolved.config.env, chosen.seed, partial(follow, agent), chosen.episodes, chosen.side)
    print("| moments | ends per step | " + " | ".join(f"{a + 1} to {b} steps ahead" for a, b in AHEAD) + " |")
    print("|---" * (len(AHEAD) + 2) + "|")
    tau = resolved.config.behaviour.temperature
    rows = [measure(agent, played, age, chosen.stride, tau) for age in AGES]
    for row in rows:
        for name in ("real", "dreamed"):
            shown = " | ".join(f"{x:.4f}" for x in row[name])  # type: ignore[attr-defined]
            print(f"| {row['moments']} of age {row['age'][0]} to {row['age'][1]} | {name} | {shown} |")  # type: ignore[index]
    options = {name: x for name, x in vars(chosen).items() if name not in ("run", "output")}
    write_json(chosen.output or chosen.run / "hazard.json", {"options": options, "ahead": AHEAD, "rows": rows})


if __name__ == "__main__":
    main()
