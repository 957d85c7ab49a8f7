"""What dreams of a transformer cost: `python benchmarks/attention.py --output results/bench/attention.json`.

4 layers of attention, 256 wide, 4 heads, that see 64 steps; chunks of 16 x 64. Measured for dreams that start from
gathered windows and for those that share the chunk's keys: the milliseconds of each dreamed step, without gradients,
and what dreams of 15 steps from all 1,024 states add to the process's memory, with the graph that the gradient of their
rewards needs and with that gradient. Each way to start is measured in a process of its own.
"""

import argparse
import gc
import statistics
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch

from reverie.agents.build import build_world
from reverie.agents.presets import PRESETS
from reverie.dynamics.attention import AttentionConfig
from reverie.envs.make import EnvConfig
from reverie.nets.frozen import frozen
from reverie.report.write import write_json
from reverie.train.bench import alone
from reverie.train.folder import versions
from reverie.train.matched import SCALES, matched
from reverie.types import Batch, State
from reverie.world.imagine import unroll
from reverie.world.world import World

ROWS, LENGTH, HORIZON, STEPS, ACTION = 16, 64, 15, 48, 6
Starts = Literal["gathered", "shared"]


def make(starts: Starts) -> World:
    """A world of the matched size, for 24 numbers and 6 actions."""
    parts = SCALES["matched-attention"]
    config = matched(PRESETS["tssm"].config(EnvConfig(env="none"), parts=parts), parts)
    assert isinstance(config.backbone, AttentionConfig)
    torch.manual_seed(0)
    return build_world(
        replace(config, backbone=replace(config.backbone, starts=starts)), parts, {"state": (24,)}, ACTION
    )


def begin(world: World) -> State:
    """All states of a random chunk, as dreams start from them."""
    zero = torch.zeros(ROWS, LENGTH)
    batch = Batch({"state": torch.randn(ROWS, LENGTH, 24)}, torch.rand(ROWS, LENGTH, ACTION), zero, zero, zero)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        trace = world.observe(batch, world.initial(ROWS), generator)
    index = torch.arange(ROWS * LENGTH)
    return world.dynamics.start(trace, index // LENGTH, index % LENGTH)


def resident() -> float:
    """MiB of this process (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


class Watch:
    """The most memory that is resident while it is entered, in MiB above what was at first."""

    def __enter__(self) -> "Watch":
        gc.collect()
        self._before = self._most = resident()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(0.002):
            self._most = max(self._most, resident())

    @property
    def mib(self) -> float:
        """So far."""
        return self._most - self._before


def measure(starts: Starts, repeats: int) -> dict[str, Any]:
    """The memory of dreams with their graph, and the time of each step of longer ones without."""
    torch.set_num_threads(1)
    world = make(starts)
    with Watch() as memory, frozen(world):
        actions = torch.zeros(ROWS * LENGTH, HORIZON, ACTION, requires_grad=True)
        dream = unroll(world, actions, begin(world), torch.Generator().manual_seed(0))
        dream.reward.sum().backward()
    del dream, actions
    times: list[list[float]] = []
    with torch.no_grad():
        start, action = begin(world), torch.zeros(ROWS * LENGTH, ACTION)
        for _ in range(repeats):
            state, taken = start, []
            for _ in range(STEPS):
                began = time.perf_counter()
                state = world.imagine(action, state, None)
                taken.append(1e3 * (time.perf_counter() - began))
            times.append(taken)
    steps = [statistics.median(each) for each in zip(*times, strict=True)]
    return {"starts": starts, "dream_mib": memory.mib, "step_ms": steps}


def main() -> None:
    """Print the figures, and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    rows = []
    ways: tuple[Starts, ...] = ("gathered", "shared")
    for starts in ways:
        row = alone(measure, starts, chosen.repeats)
        rows.append(row)
        first, later = (statistics.median(row["step_ms"][at : at + 3]) for at in (0, 39))
        print(
            f"{starts}: dreams of {HORIZON} steps take {row['dream_mib']:,.0f} MiB; a step {first:.1f} ms at 1, "
            f"{later:.1f} ms at 40 ({later / first:.2f})",
            flush=True,
        )
    print(f"shared / gathered: {rows[1]['dream_mib'] / rows[0]['dream_mib']:.2f} of the memory")
    if chosen.output:
        write_json(chosen.output, {"versions": versions(), "rows": rows})


if __name__ == "__main__":
    main()
