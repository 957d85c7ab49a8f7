"""Recorded runs with figures that were thought up."""

import json
from pathlib import Path

from tiny import tiny


def write_run(folder: Path, evaluations, preset="dreamer", env="py:tiny:walk", **versions):
    """A recorded run. evaluations: (frames, return) each; a minute of training for each, and half as much dreamed."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(tiny(preset, env).plain()))
    (folder / "versions.json").write_text(json.dumps({"cpu": "Abacus", "commit": "0123456789abcdef", **versions}))
    (folder / "command.txt").write_text(f"reverie train {preset} --env {env}\n")
    lines = [{"frames": 1, "updates": 0, "seconds": 1.0, "train_seconds": 1.0, "loss/world": 3.0}]
    for number, (frames, value) in enumerate(evaluations, start=1):
        stamp = {"frames": frames, "updates": 0, "seconds": 100.0 * number, "train_seconds": 60.0 * number}
        lines.append(stamp | {"eval/return": value, "eval/returns": [value], "eval/dreamed": value / 2})
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
