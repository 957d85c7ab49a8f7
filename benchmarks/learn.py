"""The learning runs behind results/: `python benchmarks/learn.py SUITE ... --into FOLDER`, two at a time.

Each run keeps its configuration, versions (with the commit) and metrics under FOLDER/SUITE/NAME; a run that is there
already is not repeated. The recorded ones are in results/.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ALONE = "--device cpu --threads 1"
SWINGUP = "--env dmc:cartpole-swingup"
PENDULUM = "--env gym:Pendulum-v1 --prefill 1000 --eval-every 1000 --eval-episodes 20"
PIXELS = "--env gym:Pendulum-v1 --pixels --prefill 1000 --eval-every 1000 --eval-episodes 10"


def seeds(name: str, options: str, numbers: range) -> dict[str, str]:
    """One run for each seed."""
    return {f"{name}-s{number}": f"{options} --seed {number}" for number in numbers}


REPEAT_4 = f"dreamer {SWINGUP} --action-repeat 4 --steps 60000"
HELD_OUT = f"dreamer {SWINGUP} --action-repeat 4 --steps 30000"
SHORT = f"dreamer {SWINGUP} --action-repeat 4 --steps 25000"
NO_NORM = (
    "--backbone.norm none --encoder.mlp.norm none --decoder.mlp.norm none --dynamics.entry.norm none "
    "--dynamics.prior.norm none --posterior.mlp.norm none --reward.mlp.norm none --continue.mlp.norm none "
    "--behaviour.actor.mlp.norm none --behaviour.critic.mlp.norm none"
)
SUITES: dict[str, dict[str, str]] = {
    "swingup-repeat4": seeds("dreamer", REPEAT_4, range(5)),
    "swingup-repeat4-held-out": seeds("dreamer", HELD_OUT, range(5, 10)),
    "swingup-repeat2": seeds("dreamer", f"dreamer {SWINGUP} --action-repeat 2 --steps 80000 --train-every 4", range(5)),
    "pendulum": seeds("dreamer", f"dreamer {PENDULUM} --steps 4000", range(5))
    | seeds("dreamer-reward", f"dreamer-reward {PENDULUM} --steps 10000", range(2))
    | seeds(
        "dreamer-reward-horizon-15",
        f"dreamer-reward {PENDULUM} --steps 10000 --behaviour.horizon 15 --behaviour.starts 64",
        range(2),
    ),
    "pendulum-parts": seeds("categorical", f"dreamer {PENDULUM} --latent categorical --steps 6000", range(1))
    | seeds("encode", f"dreamer {PENDULUM} --posterior encode --steps 6000", range(1)),
    "pendulum-pixels": seeds("dreamer", f"dreamer {PIXELS} --steps 8000", range(2)),
    "ablations": {
        "no-layer-norm": f"{SHORT} {NO_NORM}",
        "no-return-scale": f"{SHORT} --behaviour.no-return-scale",
        "starts-16": f"{SHORT} --behaviour.starts 16",
        "behaviour-lr-8e-5": f"{SHORT} --behaviour.actor-optimiser.lr 8e-5 --behaviour.critic-optimiser.lr 8e-5",
        "world-lr-6e-4": f"{SHORT} --objective.optimiser.lr 6e-4",
    },
}


def learn(into: Path, suite: str, name: str, options: str) -> str:
    """Run once, in a folder of its own, and keep what proves it."""
    kept, options = into / suite / name, f"{options} {ALONE}"
    if kept.exists():
        return f"{suite}/{name} is there already"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / name
        command = [sys.executable, "-m", "reverie", "train", *options.split(), "--run", str(run)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            return f"{suite}/{name} failed: {done.stderr.strip()}"
        kept.mkdir(parents=True)
        for file in ("config.json", "versions.json", "metrics.jsonl"):
            shutil.copy(run / file, kept / file)
        (kept / "command.txt").write_text(f"reverie train {options}\n")
        if suite == "pendulum-pixels":
            # its world is asked again, by benchmarks/open_loop.py
            shutil.copytree(run / "checkpoint", kept / "checkpoint")
    return f"{suite}/{name} learned"


def main() -> None:
    """Learn the named suites, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suites", nargs="*", help=f"of {', '.join(SUITES)}; all by default")
    parser.add_argument("--into", type=Path, default=Path("runs/learn"), help="where the runs are kept")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    chosen = parser.parse_args()
    unknown = set(chosen.suites) - set(SUITES)
    if unknown:
        parser.error(f"unknown suite {', '.join(sorted(unknown))}; known: {', '.join(SUITES)}")
    runs = [(suite, name, line) for suite in chosen.suites or SUITES for name, line in SUITES[suite].items()]
    with ThreadPoolExecutor(chosen.jobs) as pool:
        for message in pool.map(lambda run: learn(chosen.into, *run), runs):
            print(message, flush=True)


if __name__ == "__main__":
    main()
