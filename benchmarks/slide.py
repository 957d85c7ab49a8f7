"""What a dreamed step of one query saves: `python benchmarks/slide.py --output results/bench/slide.json`.

Updates of `tssm` and `awm` at the laptop scale, on random experience, with the window that slides by a gradient of its
own (dynamics/attend.py, `slide`) and with attention for any number of queries in its place, by turns.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import gymnasium
import numpy as np
import torch
from torch import Tensor

from reverie.agents.build import build
from reverie.agents.presets import PRESETS
from reverie.agents.resolve import resolve
from reverie.dynamics.attend import Pair, Seen
from reverie.dynamics.cache import Cache
from reverie.dynamics.positions import Positions
from reverie.report.write import write_json
from reverie.train.folder import versions
from reverie.train.learner import Learner
from reverie.types import Batch

SPACE = gymnasium.spaces.Dict({"state": gymnasium.spaces.Box(-9, 9, (5,), np.float32)})
ACTION = gymnasium.spaces.Box(-1, 1, (1,), np.float32)


def general(self: Cache, layer: int, query: Tensor, new: Pair, seen: Seen, positions: Positions) -> tuple[Tensor, Pair]:
    """A step by `attend`, as those of several tokens are."""
    mixed, whole = self.scan(layer, query, new, seen, positions)
    return mixed, Pair(*[x[:, query.shape[1] :] for x in whole])


def updates(preset: str) -> Callable[[], None]:
    """One update of a preset on random experience."""
    resolved = resolve(preset, "none")
    torch.manual_seed(0)
    agent = build(resolved.config, resolved.parts, SPACE, ACTION)
    program, rows, length = PRESETS[preset].program(resolved.config), 16, 16
    learner = Learner(agent, program, torch.Generator().manual_seed(0), "float32")
    zero = torch.zeros(rows, length)
    batch = Batch({"state": torch.randn(rows, length, 5)}, torch.rand(rows, length, 1), zero, zero, zero)
    return lambda: (learner.update(program[-1], batch), None)[1]


def main() -> None:
    """Print the ratio of each preset, and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for preset in ("tssm", "awm"):
        update, ways = updates(preset), {"slide": Cache.step, "attend": general}
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(chosen.repeats):
            for name, step in ways.items():
                Cache.step = step
                began = time.process_time()
                update()
                taken[name].append(1e3 * (time.process_time() - began))
            Cache.step = ways["slide"]
        ms = {name: statistics.median(times) for name, times in taken.items()}
        rows.append({"preset": preset, "update_ms": ms})
        ratio = ms["slide"] / ms["attend"]
        print(f"{preset}: {ms['attend']:.0f} ms by attend, {ms['slide']:.0f} by slide: {ratio:.2f}")
    if chosen.output:
        write_json(chosen.output, {"versions": versions(), "rows": rows})


if __name__ == "__main__":
    main()
