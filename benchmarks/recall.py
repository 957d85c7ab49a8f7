"""What a world sees and foresees of what is rare: `python benchmarks/recall.py RUN --episodes 40`.

For a finished run, on real episodes that nobody has learned from, by its agent and by actions at random, held as in the
run's own collection:

- **Ends.** The chance that the world gives an end at each step, beside where episodes ended (a cut is no end). In
  dreams z is drawn from the prior: that is "foreseen", the mean over some draws. "seen" knows the observation as well.
  AUC is the chance that an end has a higher one than a step without an end; expected / real is the sum of all chances
  over the number of ends, 1 where dreams end as often as reality.
- **Bright things.** Pixels whose mean colour is above `--bright`, by the size of the blob that they are in (neighbours
  touch at a side or a corner): the share of these pixels that are bright in what is decoded from z, and of the blobs of
  which half is. "invented" are the bright pixels of decoded images that are dark in truth, as a share.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from reverie.agents.agent import Agent
from reverie.data.collect import Act, RandomAct
from reverie.envs.make import EnvConfig, make_vector
from reverie.envs.seeds import episode_seed
from reverie.latent.latent import draw
from reverie.report.evaluate import Episode, follow, play
from reverie.report.open_loop import as_batch
from reverie.report.write import write_json
from reverie.train.device import choose_threads
from reverie.train.folder import load
from reverie.types import Features, Trace

FRESH = 5_000_000
"""Environments are numbered from here on: nobody has learned from these episodes, nor were they evaluated before."""

THRESHOLDS = (0.1, 0.3, 0.5)
BEFORE = 3
"""Steps before an end that are told apart; "elsewhere" is further away from it."""

SIZES = ((1, 3), (4, 11), (12, 39), (40, 10**9))
"""Of blobs, in pixels."""

Ends = dict[str, float | int | list[float]]


def episodes_of(env: EnvConfig, seed: int, make: Callable[[int], Act], number: int, side: int) -> list[Episode]:
    """Whole episodes, as many side by side as wanted."""
    envs = make_vector([env.make] * side)
    played: list[Episode] = []
    try:
        for part in range(-(-number // side)):
            played += play(envs, make(side), [episode_seed(seed, FRESH + row, part) for row in range(side)])
    finally:
        envs.close()
    return played[:number]


@torch.inference_mode()
def watch(agent: Agent, episode: Episode) -> Trace:
    """What the world makes of an episode, "1 T ..", latents being modes."""
    return agent.world.observe(as_batch(agent, [episode], 0, len(episode.reward)), agent.world.initial(1))


@torch.inference_mode()
def chances(agent: Agent, trace: Trace, draws: int, generator: torch.Generator) -> dict[str, Float[np.ndarray, "T-1"]]:
    """The chance of an end on arriving at each step but the first, where no episode ends."""
    prior = agent.world.dynamics.latent.prior(trace.prior.float())

    def end(stoch: Tensor) -> np.ndarray:
        return 1 - agent.world.continue_(Features(trace.deter, stoch))[0, 1:].double().numpy()

    foreseen = [end(draw(prior, generator).to(trace.stoch.dtype)) for _ in range(draws)]
    return {"foreseen": np.mean(foreseen, 0), "seen": end(trace.stoch)}


def auc(ends: Sequence[float], others: Sequence[float]) -> float:
    """The chance that one of the first is above one of the second; equal ones count half."""
    known = np.sort(others)
    below, up_to = (np.searchsorted(known, ends, side=side) for side in ("left", "right"))
    return float((below + up_to).mean() / 2 / len(known))


def ends_of(each: Sequence[np.ndarray], terminal: Sequence[bool]) -> Ends:
    """Figures of the chances "T-1" of some episodes; where none has ended the counts alone."""
    pairs = list(zip(each, terminal, strict=True))
    ended = [chance for chance, over in pairs if over]
    others, far = (
        np.concatenate([chance[:-steps] if over else chance for chance, over in pairs]) for steps in (1, BEFORE + 1)
    )
    figures: Ends = {"ends": len(ended), "steps": int(sum(map(len, each)))}
    if not ended or not len(far):
        return figures
    ends = np.array([chance[-1] for chance in ended])
    figures |= {f"recall {threshold:g}": float((ends > threshold).mean()) for threshold in THRESHOLDS}
    figures |= {f"false {threshold:g}": float((others > threshold).mean()) for threshold in THRESHOLDS}
    before = [[float(chance[-1 - steps]) for chance in ended if len(chance) > steps] for steps in range(BEFORE, -1, -1)]
    figures["before"] = [float(np.mean(values)) for values in before if values]
    figures["elsewhere"] = float(far.mean())
    figures["expected / real"] = float(sum(chance.sum() for chance in each)) / len(ended)
    return figures | {"auc": auc(ends.tolist(), others.tolist())}


class Bright:
    """Counts of bright pixels and of the blobs that they form, by their size."""

    def __init__(self, level: float) -> None:
        self._level = level
        self._counts = {size: np.zeros(4, np.int64) for size in SIZES}  # blobs, found, pixels, kept
        self._decoded = self._invented = 0

    def add(self, true: Float[np.ndarray, "N H W C"], decoded: Float[np.ndarray, "N H W C"]) -> None:
        """Images in [0, 1] and what was decoded of them."""
        for real, shown in zip(true.mean(-1) > self._level, decoded.mean(-1) > self._level, strict=True):
            self._decoded += int(shown.sum())
            self._invented += int((shown & ~real).sum())
            for pixels, kept in blobs(real, shown):
                size = next(size for size in SIZES if pixels <= size[1])
                self._counts[size] += (1, 2 * kept >= pixels, pixels, kept)

    def figures(self) -> dict[str, float | dict[str, float]]:
        """Of each size that there was: blobs, and the shares that were kept and found; what was invented."""
        found: dict[str, float | dict[str, float]] = {}
        for (least, most), (number, seen, pixels, kept) in self._counts.items():
            if number:
                name = f"{least}-{most}" if most < SIZES[-1][1] else f"{least}+"
                found[name] = {"blobs": int(number), "kept": kept / pixels, "found": seen / number}
        return found | ({"invented": self._invented / self._decoded} if self._decoded else {})


def blobs(real: Bool[np.ndarray, "H W"], shown: Bool[np.ndarray, "H W"]) -> list[tuple[int, int]]:
    """The pixels of each blob, and how many of them are shown."""
    import cv2  # of the extra by which images are resized

    number, labels = cv2.connectedComponents(real.astype(np.uint8), connectivity=8)
    pixels, kept = (np.bincount(labels[mask], minlength=number) for mask in (real, real & shown))
    return list(zip(pixels[1:].tolist(), kept[1:].tolist(), strict=True))  # 0 is what is dark


@torch.inference_mode()
def measure(agent: Agent, episodes: Sequence[Episode], draws: int, level: float) -> dict[str, object]:
    """All figures of a policy's episodes."""
    generator, bright = torch.Generator().manual_seed(0), Bright(level)
    each: dict[str, list[np.ndarray]] = {"foreseen": [], "seen": []}
    for episode in episodes:
        trace = watch(agent, episode)
        for name, chance in chances(agent, trace, draws, generator).items():
            each[name].append(chance)
        for key, image in agent.world.decode(trace.features).items():
            if image.dim() == 5:
                bright.add(episode.observation[key] / 255, image[0].numpy())
    terminal = [episode.terminal for episode in episodes]
    returns = [episode.total for episode in episodes]
    return {
        "episodes": len(episodes),
        "return": float(np.mean(returns)),
        "ends": {name: ends_of(values, terminal) for name, values in each.items()},
        "bright": bright.figures(),
    }


def ends_rows(policy: str, ends: Mapping[str, Ends]) -> list[str]:
    """Lines of the table of ends."""
    rows = []
    for name, figures in ends.items():
        numbers = [figures.get(key) for key in ("auc", *(f"recall {x:g}" for x in THRESHOLDS))]
        numbers += [figures.get(f"false {THRESHOLDS[0]:g}"), figures.get("expected / real")]
        shown = ["-" if number is None else f"{number:.2f}" for number in numbers]
        before = " ".join(f"{x:.2f}" for x in figures.get("before", []))  # type: ignore[union-attr]
        rows.append(f"| {policy}, {name} | {figures['ends']} | {' | '.join(shown)} | {before or '-'} |")
    return rows


def table(found: Mapping[str, dict]) -> str:
    """Both tables in Markdown."""
    recalls = " | ".join(f"recall at {x:g}" for x in THRESHOLDS)
    head = f"| policy, z | ends | AUC | {recalls} | false at {THRESHOLDS[0]:g} | expected / real | 3, 2, 1, 0 before |"
    lines = [head, "|---" * 9 + "|"]
    for policy, figures in found.items():
        lines += ends_rows(policy, figures["ends"])
    lines += ["", "| policy, pixels of a blob | blobs | pixels kept | blobs found |", "|---" * 4 + "|"]
    for policy, figures in found.items():
        sizes = {name: row for name, row in figures["bright"].items() if isinstance(row, dict)}
        lines += [f"| {policy}, {n} | {r['blobs']} | {r['kept']:.2f} | {r['found']:.2f} |" for n, r in sizes.items()]
        if "invented" in figures["bright"]:
            lines.append(f"| {policy}, invented | - | {figures['bright']['invented']:.2f} | - |")
    return "\n".join(lines)


def main() -> None:
    """Play, watch, and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--episodes", type=int, default=40, help="of each policy")
    parser.add_argument("--side", type=int, default=20, help="of them side by side")
    parser.add_argument("--draws", type=int, default=8, help="of z, for what is foreseen")
    parser.add_argument("--bright", type=float, default=0.5, help="mean colour of a bright pixel, white being 1")
    parser.add_argument("--seed", type=int, default=0, help="of the episodes")
    parser.add_argument("--output", type=Path, help="a JSON file for the figures; RUN/recall.json by default")
    chosen = parser.parse_args()
    choose_threads(1)
    agent, resolved = load(chosen.run, "cpu")
    agent.eval()
    config = resolved.config
    makers: dict[str, Callable[[int], Act]] = {
        "agent": partial(follow, agent),
        "random": lambda rows: RandomAct(agent.codec, np.random.default_rng(1), config.train.hold),
    }
    found = {}
    for name, make in makers.items():
        episodes = episodes_of(config.env, chosen.seed, make, chosen.episodes, chosen.side)
        found[name] = measure(agent, episodes, chosen.draws, chosen.bright)
    print(table(found))
    options = {name: x for name, x in vars(chosen).items() if name not in ("run", "output")}
    write_json(chosen.output or chosen.run / "recall.json", {"options": options, "policies": found})


if __name__ == "__main__":
    main()
