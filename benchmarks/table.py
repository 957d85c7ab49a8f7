"""Tables of the runs in results/: `python benchmarks/table.py [SUITE ...]`, as Markdown."""

import json
import sys
from pathlib import Path

RESULTS = Path(__file__).parents[1] / "results"
SOLVED = {"swingup": 750.0, "pendulum": -200.0, "ablations": 750.0}


def evaluations(run: Path) -> list[dict]:
    """The lines of a run that hold an evaluation."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if "eval/return" in line]


def row(run: Path, solved: float) -> str:
    """When a run was first solved, how it ended, and what it dreamed of."""
    lines = evaluations(run)
    first = next((line for line in lines if line["eval/return"] >= solved), None)
    last = lines[-3:]
    mean = sum(line["eval/return"] for line in last) / len(last)
    dreamed = sum(line["eval/dreamed"] for line in last) / len(last)
    when = (
        f"{first['frames']:,} | {first['train_seconds'] / 60:.1f} | {first['eval/return']:.0f}"
        if first
        else "- | - | -"
    )
    return (
        f"| {run.name} | {when} | {lines[-1]['frames']:,} | {mean:.0f} | {dreamed:.0f} | "
        f"{lines[-1]['train_seconds'] / 60:.1f} |"
    )


def table(suite: Path) -> str:
    """One suite as a table."""
    solved = next(value for name, value in SOLVED.items() if suite.name.startswith(name))
    head = (
        f"| run | frames to {solved:.0f} | minutes | evaluation | frames | last three | dreamed | minutes |\n"
        "|---|---|---|---|---|---|---|---|"
    )
    runs = sorted(run for run in suite.iterdir() if (run / "metrics.jsonl").exists())
    return "\n".join([head, *[row(run, solved) for run in runs]])


if __name__ == "__main__":
    for suite in [RESULTS / name for name in sys.argv[1:]] or sorted(
        p for p in RESULTS.iterdir() if p.is_dir() and p.name != "bench"
    ):
        print(f"### {suite.name}\n\n{table(suite)}\n")
