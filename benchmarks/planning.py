"""What a planned action costs: `python benchmarks/planning.py --threads 1 2 --output results/bench/planning.json`.

One environment at a time, from state, at the laptop scale: `tdmpc2` with its own search and with the published one (512
candidates, 3 steps, 6 iterations), `planet` likewise (1,000 candidates, 12 steps, 10 iterations), and `dreamer` with no
search and with each. With --compile, what torch.compile brings; with --precision, what half precision does.
"""

import argparse
import itertools
from dataclasses import replace
from pathlib import Path
from typing import get_args

import gymnasium
import numpy as np
import torch

from reverie.agents.build import build
from reverie.agents.resolve import resolve
from reverie.behaviour.cem import CEMConfig
from reverie.behaviour.mppi import MPPIConfig
from reverie.behaviour.planner import Precision
from reverie.report.write import write_json
from reverie.train.bench import act_ms
from reverie.train.compiled import compile_hot
from reverie.train.device import choose_threads
from reverie.train.folder import versions

SPACE = gymnasium.spaces.Dict({"state": gymnasium.spaces.Box(-9, 9, (24,), np.float32)})
ACTION = gymnasium.spaces.Box(-1, 1, (6,), np.float32)
PUBLISHED = {"cem": CEMConfig(), "mppi": MPPIConfig()}
"""The searches; of five critics the published `tdmpc2` asks two for the ends of plans."""
ROWS = [
    ("tdmpc2", "mppi", False),
    ("tdmpc2", "mppi", True),
    ("planet", "cem", False),
    ("planet", "cem", True),
    ("dreamer", "none", False),
    ("dreamer", "mppi", True),
]
"""Preset, planner, and whether its search is the published one or the preset's own."""


def measured(
    preset: str, planner: str, published: bool, precision: Precision, compiled: bool, repeats: int
) -> dict[str, object]:
    """The median milliseconds of a choice."""
    resolved = resolve(preset, "none", parts={"planner": planner})
    config = replace(resolved.config, planner=PUBLISHED[planner]) if published else resolved.config
    if published and preset == "tdmpc2":
        config = replace(config, behaviour=replace(config.behaviour, asked=2))
    if planner != "none":
        config = replace(config, planner=replace(config.planner, precision=precision))
    torch.manual_seed(0)
    agent = build(config, resolved.parts, SPACE, ACTION)
    if compiled:
        compile_hot(agent)
    act = act_ms(agent, SPACE, torch.device("cpu"), repeats=repeats)
    search = {name: getattr(config.planner, name, None) for name in ("candidates", "horizon", "iterations")}
    return {"preset": preset, "planner": planner, **search, "precision": precision, "compiled": compiled, "act_ms": act}


def main() -> None:
    """Print a line for each row, and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--threads", type=int, nargs="+", default=[2], help="each number in turn")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--precision", choices=get_args(Precision), nargs="+", default=["float32"], help="each in turn")
    parser.add_argument("--presets", choices=sorted({row[0] for row in ROWS}), nargs="+", help="all by default")
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    rows = []
    asked = [row for row in ROWS if row[0] in (chosen.presets or [row[0]])]
    for number, precision, (preset, planner, published) in itertools.product(chosen.threads, chosen.precision, asked):
        threads = choose_threads(number)
        found = measured(preset, planner, published, precision, chosen.compile, chosen.repeats)
        row = {"threads": threads, **found}
        search = f"{row['candidates']} x {row['horizon']}, {row['iterations']} times" if planner != "none" else ""
        line = f"{threads} threads  {preset:<8} {planner:<5} {search:<22} {precision:<8} {row['act_ms']:8.2f} ms"
        print(line, flush=True)
        rows.append(row)
    if chosen.output:
        write_json(chosen.output, {"versions": versions(), "rows": rows})


if __name__ == "__main__":
    main()
