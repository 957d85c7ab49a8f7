"""What worlds remember: rewards dreamed at the end of a corridor whose cue was at its beginning (after S4WM).

    python benchmarks/corridor.py --lengths 100 200 400 --into results/corridor

Worlds of each kind learn the same random episodes of `memory:corridor` by the library's own objective, equally long and
with the same values. On held-out episodes each sees the first half, dreams the rest along the actions that were really
taken, and tells the reward at the end. Shown is how often it is on the right side of 1/2; a coin would be in half of
the cases. What is done already is read from the folder, and not done again.

Every `--look` updates a world is asked about episodes that it learns from. It is done when it was right about all of
them twice in a row, or after `--updates`.

Kinds: whole: chunks are episodes; cut: chunks of 32 steps, each from the memory that the one before left, without its
graph; short: attention that sees 32 steps.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reverie.agents.build import build_world
from reverie.agents.resolve import Resolved, resolve
from reverie.dynamics.attention import AttentionConfig
from reverie.dynamics.dynamics import DynamicsConfig
from reverie.dynamics.gru import GRUConfig
from reverie.dynamics.posterior import EncodeConfig
from reverie.dynamics.s5 import S5Config
from reverie.dynamics.transformer_xl import TransformerXLConfig
from reverie.envs.memory import Corridor
from reverie.nets.mlp import MLPConfig
from reverie.nets.optimiser import Optimiser
from reverie.ops import tree
from reverie.report.write import write_json
from reverie.representation.decoder import DecoderConfig
from reverie.representation.encoder import EncoderConfig
from reverie.representation.preprocess import PreprocessConfig
from reverie.train.folder import versions
from reverie.types import Batch, State, total
from reverie.world.heads import ContinueConfig, HeadConfig
from reverie.world.imagine import unroll
from reverie.world.objective import FilteringConfig
from reverie.world.world import World

CUT = 32
"""Steps of a chunk that is cut, and that short attention sees."""
COIN = 0.5
WHOLE = 2**20
SURE = 2
"""Looks in a row at which a world that is done was right about all."""
LEFT = 0.9
"""Of the episodes to learn from, the share that end on the left. With as many of both, neither cue nor action would
tell anything of the reward alone, and worlds would begin with a long search for the two together; at 0.75 one of two
state spaces, with larger networks around them, found nothing in 3,000 updates at 200 steps, at 0.9 the same one was
right about all after 1,800."""


@dataclass(frozen=True)
class Kind:
    """A backbone, and how it is trained.

    Attributes:
        name: of the backbone.
        backbone: its configuration; a window of `WHOLE` stands for the whole episode.
        cut: whether chunks are cut.
    """

    name: str
    backbone: Any
    cut: bool = False

    def sized(self, length: int) -> Any:
        """The configuration for episodes of that length."""
        whole = getattr(self.backbone, "window", 0) == WHOLE
        return replace(self.backbone, window=length + 1) if whole else self.backbone


KINDS = {
    "gru, whole": Kind("gru", GRUConfig()),
    "gru, cut": Kind("gru", GRUConfig(), cut=True),
    "attention, whole": Kind("attention", AttentionConfig(window=WHOLE)),
    "attention, short": Kind("attention", AttentionConfig(window=CUT)),
    "transformer-xl, cut": Kind("transformer-xl", TransformerXLConfig(window=2 * CUT), cut=True),
    "s5, whole": Kind("s5", S5Config(initial="hippo")),
}


def collect(length: int, number: int, seed: int, left: float = 0.5) -> Batch:
    """Whole episodes of random actions, "B length + 1"; the last one is to the left in that share of them."""
    env, draw = Corridor(length), torch.Generator().manual_seed(seed)
    actions = torch.randint(2, (number, length), generator=draw)
    actions[:, -1] = torch.rand(number, generator=draw) >= left
    seen, reward = torch.zeros(number, length + 1, 6), torch.zeros(number, length + 1)
    for row in range(number):
        seen[row, 0] = torch.from_numpy(env.reset(seed=int(1e6 * seed) + row)[0])
        for step, action in enumerate(actions[row].tolist(), 1):
            observation, paid, *_ = env.step(action)
            seen[row, step], reward[row, step] = torch.from_numpy(observation), paid
    taken = torch.nn.functional.one_hot(actions, 2).float()
    action = torch.cat([torch.zeros(number, 1, 2), taken], 1)
    first, terminal = torch.zeros_like(reward), torch.zeros_like(reward)
    first[:, 0], terminal[:, -1] = 1, 1
    return Batch({"state": seen}, action, reward, first, terminal)


def part(batch: Batch, rows: Any, steps: slice) -> Batch:
    """Some rows and steps of a batch."""
    action, reward, first, terminal = (
        x[rows][:, steps] for x in (batch.action, batch.reward, batch.first, batch.terminal)
    )
    return Batch({"state": batch.observation["state"][rows][:, steps]}, action, reward, first, terminal)


def configured(kind: Kind, length: int, rows: int) -> Resolved:
    """The same for all but for the backbone; the one reward that is paid in an episode weighs like all its steps."""
    mlp = MLPConfig(layers=1, units=48)
    return resolve(
        "dreamer",
        f"memory:corridor-{length}",
        parts={"backbone": kind.name, "posterior": "encode"},
        batch=rows,
        length=length + 1,
        backbone=kind.sized(length),
        preprocess=PreprocessConfig(vectors="none", reward_unit=1.0),
        encoder=EncoderConfig(mlp=mlp),
        decoder=DecoderConfig(mlp=mlp),
        dynamics=DynamicsConfig(entry=mlp, prior=mlp),
        posterior=EncodeConfig(mlp=mlp),
        reward=HeadConfig(mlp=mlp),
        continue_=ContinueConfig(mlp=mlp),
        objective=FilteringConfig(reward=float(length)),
    )


def chunks(batch: Batch, kind: Kind) -> Iterator[Batch]:
    """An episode whole, or in pieces that follow each other."""
    steps = batch.first.shape[1]
    size = CUT if kind.cut else steps
    for start in range(0, steps, size):
        yield part(batch, slice(None), slice(start, start + size))


def learn(kind: Kind, resolved: Resolved, data: Batch, chosen: argparse.Namespace, seed: int) -> tuple[World, int]:
    """A world that has learned the episodes, and in how many updates: one for a batch of whole ones, however cut."""
    config = resolved.config
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    world = build_world(config, resolved.parts, {"state": (6,)}, 2)
    objective = resolved.parts.chosen("objective")(config.objective, world)
    optimiser = Optimiser(config.objective.optimiser, [world])
    asked, sure = part(data, slice(0, chosen.held_out), slice(None)), 0
    for update in range(chosen.updates):
        if update % chosen.look == 0:
            sure = sure + 1 if bool(right(world, asked).all()) else 0
            if sure == SURE:
                return world, update
        rows = torch.randint(len(data.first), (config.train.batch,), generator=generator)
        state, loss = world.initial(len(rows)), torch.zeros(())
        for chunk in chunks(part(data, rows, slice(None)), kind):
            experience, losses = objective(world, chunk, state, generator)
            loss = loss + total(losses) * chunk.first.shape[1] / data.first.shape[1]
            state = tree.detach(experience.trace.last())
        optimiser.step(loss)
    return world, chosen.updates


@torch.no_grad()
def right(world: World, data: Batch) -> Tensor:
    """Whether each dream from the middle of an episode tells the reward at its end, "B"."""
    rows, steps = data.first.shape
    middle = steps // 2
    trace = world.observe(part(data, slice(None), slice(0, middle)), world.initial(rows))
    start: State = trace.last()
    dream = unroll(world, data.action[:, middle:], start)
    return (dream.reward[:, -1] > COIN) == (data.reward[:, -1] > COIN)


def measure(kind: Kind, length: int, seed: int, chosen: argparse.Namespace) -> dict[str, Any]:
    """Train one world and ask it."""
    data = collect(length, chosen.episodes, 1, LEFT)
    resolved = configured(kind, length, chosen.rows)
    began = time.monotonic()
    world, updates = learn(kind, resolved, data, chosen, seed)
    spent = time.monotonic() - began
    found = right(world, collect(length, chosen.held_out, 2)).float().mean().item()
    parameters = sum(p.numel() for p in world.parameters())
    return {"accuracy": found, "seconds": round(spent, 1), "parameters": parameters, "updates": updates}


def table(rows: dict[str, dict[str, Any]], lengths: list[int]) -> str:
    """A row for each kind: the accuracies of its seeds at each length, as Markdown."""
    lines = [
        "| world | " + " | ".join(f"{length} steps" for length in lengths) + " |",
        "|---" * (len(lengths) + 1) + "|",
    ]
    for kind in KINDS:
        cells = []
        for length in lengths:
            found = [row["accuracy"] for key, row in rows.items() if key.startswith(f"{kind}, {length}, ")]
            cells.append(", ".join(f"{100 * x:.0f}" for x in found) + " %" if found else "-")
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure what the folder lacks, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lengths", nargs="+", type=int, default=[100, 200, 400])
    parser.add_argument("--kinds", nargs="+", choices=sorted(KINDS), default=list(KINDS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--updates", type=int, default=3000, help="at most")
    parser.add_argument("--look", type=int, default=100, help="updates between two looks")
    parser.add_argument("--rows", type=int, default=16, help="episodes of an update")
    parser.add_argument("--episodes", type=int, default=1000, help="random ones to learn from")
    parser.add_argument("--held-out", type=int, default=200, help="episodes to ask about")
    parser.add_argument("--into", type=Path, default=Path("results/corridor"), help="a folder")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    path = chosen.into / "corridor.json"
    rows: dict[str, dict[str, Any]] = json.loads(path.read_text())["rows"] if path.exists() else {}
    chosen.into.mkdir(parents=True, exist_ok=True)
    for length in chosen.lengths:
        for kind in chosen.kinds:
            for seed in chosen.seeds:
                key = f"{kind}, {length}, {seed}"
                if key not in rows:
                    rows[key] = measure(KINDS[kind], length, seed, chosen)
                    write_json(path, {"versions": versions(), "rows": rows})
                    accuracy, seconds, _, updates = rows[key].values()
                    print(f"{key}: {accuracy:.2f} in {seconds:.0f} s, {updates} updates", flush=True)
    print(table(rows, chosen.lengths))


if __name__ == "__main__":
    main()
