"""Memory over a long run with a small replay: `python benchmarks/memory.py --output results/bench/memory`.

Trains on images that cost nothing to draw, with few updates, and notes the process's resident memory every second. The
replay's cap is reached after a few thousand frames; from there on the line should be flat.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import gymnasium
import matplotlib
import numpy as np
from gymnasium import spaces

from reverie.report.log import read_metrics
from reverie.report.write import aside, write_json

matplotlib.use("Agg")
from matplotlib import pyplot as plt

SIZE = 64


class Dot(gymnasium.Env):
    """A dot on a line, pushed by the action; it pays for staying in the middle. Episodes of 200 steps."""

    def __init__(self) -> None:
        self.observation_space = spaces.Box(0, 255, (SIZE, SIZE, 3), np.uint8)
        self.action_space = spaces.Box(-1, 1, (1,), np.float32)
        self.place, self.now = 0.5, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.place, self.now = float(self.np_random.uniform()), 0
        return self.seen(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        self.now += 1
        self.place = float(np.clip(self.place + 0.05 * action[0], 0, 0.999))
        return self.seen(), 1 - 2 * abs(self.place - 0.5), False, self.now >= 200, {}

    def seen(self) -> np.ndarray:
        image = np.zeros((SIZE, SIZE, 3), np.uint8)
        image[:, int(self.place * SIZE)] = 255
        return image


def resident(pid: int) -> float | None:
    """MiB, None once the process is gone (Linux)."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    found = [line.split()[1] for line in text.splitlines() if line.startswith("VmRSS")]
    return int(found[0]) / 1024 if found else None


def watch(frames: int, cap: float, run: Path) -> list[tuple[float, float]]:
    """Train, and note (seconds, MiB)."""
    options = (
        f"--env py:memory:Dot --steps {frames} --prefill 2000 --train-every 500 --replay-mib {cap:g} --log-every 1"
    )
    command = [sys.executable, "-m", "reverie", "train", "dreamer", *options.split(), "--eval-every", "20000"]
    command += ["--eval-episodes", "1", "--device", "cpu", "--threads", "1", "--no-pictures", "--run", str(run)]
    process = subprocess.Popen(command, cwd=Path(__file__).parent, stdout=subprocess.DEVNULL)
    began, seen = time.monotonic(), []
    while process.poll() is None:
        now = resident(process.pid)
        if now is not None:
            seen.append((time.monotonic() - began, now))
        time.sleep(1)
    if process.returncode:
        raise SystemExit(process.returncode)
    return seen


def draw(frames: list[float], memory: list[float], replay: list[float], path: Path) -> None:
    """Resident memory and the replay's own bytes against frames."""
    figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
    axes.plot(frames, memory, label="process, resident")
    axes.plot(frames, replay, label="replay")
    axes.set(xlabel="environment frames", ylabel="MiB", ylim=(0, None))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    with aside(path) as partial:
        figure.savefig(partial, dpi=120)


def main() -> None:
    """Run, and write the figures and the plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=300_000)
    parser.add_argument("--replay-mib", type=float, default=64.0)
    parser.add_argument("--output", type=Path, default=Path("runs/memory"), help="names .json and .png")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        seen = watch(chosen.frames, chosen.replay_mib, run)
        lines = [line for line in read_metrics(run / "metrics.jsonl") if "replay/mib" in line]
        files = sum(path.stat().st_size for path in (run / "replay").iterdir()) / 2**20
    times, at = [line["seconds"] for line in lines], [line["frames"] for line in lines]
    offset = seen[-1][0] - times[-1]  # the process starts before its clock does
    frames = [float(np.interp(second - offset, times, at)) for second, _ in seen]
    memory = [mib for _, mib in seen]
    replay = [float(np.interp(frame, at, [line["replay/mib"] for line in lines])) for frame in frames]
    half = [mib for frame, mib in zip(frames, memory, strict=True) if frame > chosen.frames / 2]
    rows = [
        {"frames": round(f), "mib": round(m, 1), "replay": round(r, 1)}
        for f, m, r in zip(frames, memory, replay, strict=True)
    ]
    summary = {"second_half_least": min(half), "second_half_most": max(half), "replay_on_disk": files}
    print(json.dumps(summary))
    write_json(chosen.output.with_suffix(".json"), summary | {"rows": rows[:: max(1, len(rows) // 200)]})
    draw(frames, memory, replay, chosen.output.with_suffix(".png"))


if __name__ == "__main__":
    main()
