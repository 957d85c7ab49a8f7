"""Kill training with SIGKILL at random moments, resume, and compare: `python benchmarks/kill.py --kills 20`.

Each kind of run is trained once without interruption, and again in as many pieces as it takes: a process of the
command line is killed after a random time, and `reverie resume` goes on. Weights, moments, generators, replay and
metrics must then be equal to the bit, wall clock apart. A run that ends before it was killed often enough is compared,
and another one is begun: the kills are as many as asked for.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

from safetensors.numpy import load_file

CLOCKS = ("seconds", "train_seconds")
SHORT = "--prefill 300 --steps 900 --pretrain 10 --eval-every 100 --eval-episodes 2 --device cpu --threads 1"
PENDULUM = f"--env gym:Pendulum-v1 {SHORT}"
KINDS = {
    "dreamer": f"dreamer {PENDULUM}",
    "dreamer, 3 environments": f"dreamer {PENDULUM} --num-envs 3",
    "dreamer, 2 processes": f"dreamer {PENDULUM} --num-envs 2 --vector async",
    "dreamer, pixels": f"dreamer {PENDULUM} --pixels --size 32 --steps 600",
    "dreamer, MuJoCo": f"dreamer --env dmc:cartpole-swingup --action-repeat 8 {SHORT} --steps 4000 --eval-every 800",
    "dreamer-reward": f"dreamer-reward {PENDULUM}",
    "dreamerv2, discrete": f"dreamerv2 --env gym:CartPole-v1 {SHORT}",
    "dreamerv2, pixels": f"dreamerv2 --env gym:CartPole-v1 {SHORT} --pixels --size 32 --steps 600",
    "dreamerv3": f"dreamerv3 {PENDULUM}",
    "rssm-continuous": f"rssm-continuous {PENDULUM}",
    "tssm": f"tssm {PENDULUM}",
    "transdreamer, discrete": f"transdreamer --env gym:CartPole-v1 {SHORT}",
    "awm, 3 environments": f"awm {PENDULUM} --num-envs 3",
    "s4wm": f"s4wm {PENDULUM}",
    "twm, discrete": f"twm --env gym:CartPole-v1 {SHORT}",
    "worldmodels": f"worldmodels {PENDULUM} --prefill 0 --objective.vision.updates 200 --objective.memory.updates 80 "
    "--objective.control.updates 8 --objective.control.evaluate-every 2 --behaviour.search.population 8",
    "planet": f"planet {PENDULUM}",
    "tdmpc2": f"tdmpc2 {PENDULUM}",
    "tcrl": f"tcrl {PENDULUM}",
    "dcwm": f"dcwm {PENDULUM}",
    "rssm-discrete, discrete": f"rssm-discrete --env gym:CartPole-v1 {SHORT}",
}


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "reverie", *arguments, "--no-pictures"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str], seconds: float | None = None) -> bool:
    """Whether it ended well in time; one that did not is killed."""
    try:
        _, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    if process.returncode:
        raise SystemExit(errors)
    return True


def lines(run: Path) -> list[dict[str, object]]:
    read = (json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines())
    return [{name: value for name, value in line.items() if name not in CLOCKS} for line in read]


def differences(one: Path, other: Path) -> list[str]:
    found = [] if lines(one) == lines(other) else ["metrics"]
    first, second = (load_file(run / "checkpoint" / "run.safetensors") for run in (one, other))
    found += [name for name in sorted({*first, *second}) if first[name].tobytes() != second[name].tobytes()]
    records = [{path.name: path.read_bytes() for path in (run / "replay").iterdir()} for run in (one, other)]
    return found if records[0] == records[1] else [*found, "replay"]


def compare(options: str, kills: int, folder: Path) -> tuple[int, int, list[str]]:
    """Kills before and after the first checkpoint, and what differs in the end."""
    whole = folder / "whole"
    began = time.monotonic()
    finish(start("train", *options.split(), "--run", str(whole)))
    length, early, late, found = time.monotonic() - began, 0, 0, []
    for attempt in count():
        if early + late == kills or found:
            return early, late, found
        cut = folder / f"cut-{attempt}"
        train = ("train", *options.split(), "--run", str(cut))
        process = start(*train)
        # Every piece must be able to end with a new checkpoint, or it would never get on.
        while early + late < kills and not finish(process, random.uniform(0.25, 0.9) * length):
            done = (cut / "checkpoint").exists()
            early, late = early + (not done), late + done
            process = start(*(("resume", str(cut)) if (cut / "config.json").exists() else train))
        finish(process)
        found = differences(whole, cut)
    raise AssertionError("count() has no end")


def main() -> None:
    """Compare every kind of run, until there were so many kills."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="in all kinds together")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    chosen = parser.parse_args()
    random.seed(chosen.seed)
    broken = False
    for number, (kind, options) in enumerate(KINDS.items()):
        share = (chosen.kills + number) // len(KINDS)
        with tempfile.TemporaryDirectory() as folder:
            early, late, found = compare(options, share, Path(folder))
        broken |= bool(found)
        result = "equal to the bit" if not found else f"DIFFERENT: {', '.join(found[:5])}"
        print(f"{kind:<26} {early} kills before a checkpoint, {late} after: {result}", flush=True)
    raise SystemExit(int(broken))


if __name__ == "__main__":
    main()
