"""Mistakes about runs: folders, configurations, checkpoints, and what goes wrong while one is trained."""

import json
import pickle
import shutil
import socket
from pathlib import Path

from mistake import Mistake, Place, refusing
from safetensors.torch import load_file, save_file

from reverie.train import checkpoint, folder

RUN = "train dreamer --env py:tiny:walk --run run"
CHECKPOINT = Path("run/checkpoint/run.safetensors")
UNREADABLE = "the checkpoint run/checkpoint/run.safetensors cannot be read: …; put back a copy of it, or train again"
NO_RUN = "nowhere holds no run: it has no config.json; name the folder that `reverie train` wrote"


def a_file(name: str):
    """A file of the user's."""
    return lambda at: Path(name).write_text("mine")


def config(change):
    """A run whose config.json was changed by hand."""

    def prepare(at: Place) -> None:
        file = at.run() / "config.json"
        plain = json.loads(file.read_text())
        text = change(plain)
        file.write_text(json.dumps(plain) if text is None else text)

    return prepare


def spoiled(write):
    """A run whose checkpoint was spoiled."""

    def prepare(at: Place) -> None:
        at.run()
        write()

    return prepare


def newer() -> None:
    """A checkpoint of a version to come."""
    save_file(load_file(CHECKPOINT), CHECKPOINT, {"format": "99", "progress": "{}"})


def unfinished() -> None:
    """A checkpoint from before the last evaluation."""
    tensors, progress = checkpoint.read(CHECKPOINT)
    checkpoint.save(CHECKPOINT, tensors, progress | {"finished": False})


def cut_log() -> None:
    """A log that is shorter than its checkpoint knows."""
    unfinished()
    Path("run/metrics.jsonl").write_text("")


def locked(at: Place) -> None:
    """As if another process trained the run."""
    held = folder.RunFolder(at.run()).locked()
    held.__enter__()
    at.held.append(held)


def no_checkpoint(at: Place) -> None:
    """A run that was killed before its first evaluation."""
    at.run()
    CHECKPOINT.unlink()


FOLDERS = [
    Mistake(
        "a folder that holds a run",
        RUN,
        "the run folder run exists already; choose another with --run, or go on with it: reverie resume run",
        Place.run,
        tiny=True,
    ),
    Mistake(
        "a folder with a space in its name that is in use",
        "train dreamer --env py:tiny:walk --run 'my run'",
        "the run folder my run exists already; choose another with --run, or go on with it: reverie resume 'my run'",
        lambda at: (Path("my run").mkdir(), a_file("my run/notes")(at)),
    ),
    Mistake(
        "a file in place of the folder",
        RUN,
        "the run folder run cannot be used: Not a directory; choose another with --run",
        a_file("run"),
    ),
    Mistake(
        "a folder below a file",
        "train dreamer --env py:tiny:walk --run notes/run",
        "the run folder notes/run cannot be …: Not a directory; choose another with --run",
        a_file("notes"),
    ),
    Mistake(
        "a folder that cannot be written",
        RUN,
        "the run folder run cannot be written: Permission denied; choose another with --run",
        refusing(Path, "mkdir", PermissionError(13, "Permission denied")),
    ),
    *[
        Mistake(f"`{command}` of what is no run", f"{command} nowhere", NO_RUN)
        for command in ("eval", "video", "resume")
    ],
    *[
        Mistake(
            f"`{command}` of a run without a checkpoint",
            f"{command} run",
            "no checkpoint run/checkpoint/run.safetensors; a run writes its first one at the end of its first stage",
            no_checkpoint,
        )
        for command in ("eval", "video")
    ],
    Mistake(
        "a word for episodes",
        "eval run --episodes all",
        "--episodes needs a whole number, not 'all'; all options: reverie eval --help",
        Place.run,
    ),
    Mistake("an evaluation of no episodes", "eval run --episodes 0", "--episodes must be at least 1, not 0", Place.run),
    Mistake(
        "an evaluation with a negative seed", "eval run --seed -1", "--seed must not be negative, not -1", Place.run
    ),
    Mistake(
        "a seed that no generator takes",
        "video run --seed 18446744073709551616",
        "--seed must be below 2**64 = 18446744073709551616, not 18446744073709551616",
        Place.run,
    ),
    Mistake("a film that stands still", "video run --fps 0", "--fps must be a positive number, not 0.0", Place.run),
    Mistake(
        "a run that another process trains",
        "resume run",
        "the run run is being trained by another process; stop that first",
        locked,
    ),
    Mistake(
        "a run that cannot be written",
        "resume run",
        "the run run cannot be written: Is a directory (run/.lock)",
        lambda at: ((at.run() / ".lock").unlink(), Path("run/.lock").mkdir()),
    ),
]

PAGE = [
    Mistake("a page of what is no run", "dream nowhere --port 0", NO_RUN),
    Mistake(
        "a page of a run without a checkpoint",
        "dream run --port 0",
        "no checkpoint run/checkpoint/run.safetensors; a run writes its first one at the end of its first stage",
        no_checkpoint,
    ),
    Mistake(
        "a page of a run without a replay",
        "dream run --port 0",
        "run has no replay, which holds its steps: put back its folder replay/",
        lambda at: shutil.rmtree(at.run() / "replay"),
    ),
    Mistake(
        "a port that is taken",
        "dream run --port 8764",
        "the page cannot listen on port 8764 of 127.0.0.1: Address already in use; choose others with --port or --host "
        "(--port 0 takes any that is free)",
        refusing(socket, "create_server", OSError(98, "Address already in use")),
    ),
    Mistake(
        "a port that cannot be",
        "dream run --port 70000",
        "--port must be in [0, 65535], not 70000; 0 takes any that is free",
    ),
    Mistake(
        "a host that does not exist",
        "dream run --host no.such.host.invalid",
        "the page cannot listen on port 8765 of no.such.host.invalid: …; choose others with --port or --host (--port 0 "
        "takes any that is free)",
    ),
    Mistake(
        "a host that cannot be",
        "dream run --host a..b",
        "the page cannot listen on port 8765 of a..b: …; choose others with --port or --host (--port 0 takes any that "
        "is free)",
    ),
    Mistake(
        "a page without a temperature",
        "dream run --temperature 0",
        "--temperature must be above 0 and at most 1000, not 0.0",
    ),
    Mistake("a page that stands still", "dream run --fps 0", "--fps must be above 0 and at most 1000, not 0.0"),
    Mistake("a page with a negative seed", "dream run --seed -1", "--seed must not be negative, not -1"),
]

CONFIGURATIONS = [
    Mistake(
        "a configuration that is no JSON",
        "eval run",
        "run/config.json is no JSON: …; put back the file that `reverie train` wrote",
        config(lambda plain: "{"),
    ),
    Mistake(
        "a configuration that is no object",
        "resume run",
        "run/config.json: the configuration cannot be read: …",
        config(lambda plain: "[]"),
    ),
    Mistake(
        "a configuration without a key",
        "eval run",
        "run/config.json: the configuration cannot be read: it lacks 'parts'",
        config(lambda plain: plain.pop("parts") and None),
    ),
    Mistake(
        "a configuration with an unknown key",
        "eval run",
        "run/config.json: unknown key of config.train 'batchh'; did you mean 'batch'?",
        config(lambda plain: plain["config"]["train"].update(batchh=16)),
    ),
    Mistake(
        "a configuration with an unknown preset",
        "resume run",
        "run/config.json: unknown preset 'dreamr'; did you mean 'dreamer'?",
        config(lambda plain: plain.update(preset="dreamr")),
    ),
    Mistake(
        "a configuration with an unknown part",
        "video run",
        "run/config.json: unknown backbone 'gruu'; did you mean 'gru'?",
        config(lambda plain: plain["parts"].update(backbone="gruu")),
    ),
    Mistake(
        "a configuration with a value of another kind",
        "resume run",
        "run/config.json: config.train.steps cannot be 'many'; it should be a whole number",
        config(lambda plain: plain["config"]["train"].update(steps="many")),
    ),
    Mistake(
        "a configuration with a value out of range",
        "resume run",
        "run/config.json: --batch must be at least 1, not 0",
        config(lambda plain: plain["config"]["train"].update(batch=0)),
    ),
    Mistake(
        "a configuration whose environment is gone",
        "eval run",
        "py:gone:make: there is no module 'gone' on the Python path or in this folder",
        config(lambda plain: plain["config"]["env"].update(env="py:gone:make")),
    ),
]

CHECKPOINTS = [
    *[
        Mistake(
            f"`{command}` of a checkpoint that was cut short",
            f"{command} run",
            UNREADABLE,
            spoiled(lambda: CHECKPOINT.write_bytes(CHECKPOINT.read_bytes()[:1000])),
        )
        for command in ("eval", "resume")
    ],
    Mistake(
        "a pickle in disguise, which is never opened",
        "eval run",
        UNREADABLE,
        spoiled(lambda: CHECKPOINT.write_bytes(pickle.dumps({"weights": [1.0]}))),
    ),
    Mistake(
        "a checkpoint of a newer version",
        "resume run",
        "the checkpoint run/checkpoint/run.safetensors has format 99, and this version of Reverie reads 2: "
        "load it with the version in the run's versions.json",
        spoiled(newer),
    ),
    Mistake(
        "a checkpoint of another shape",
        "resume run",
        "the checkpoint run/checkpoint/run.safetensors does not fit its configuration: size mismatch for …; "
        "put back the config.json that it was written with",
        config(lambda plain: plain["config"]["backbone"].update(units=64)),
    ),
    Mistake(
        "a replay that is missing",
        "resume run",
        "the replay's run/replay/0-000000.records has 0 bytes, fewer than the … that its checkpoint expects: "
        "the run cannot be resumed, but its agent can still be loaded",
        spoiled(Path("run/replay/0-000000.records").unlink),
    ),
    Mistake(
        "a replay of fewer environments",
        "resume run",
        "the checkpoint knows 1 environments, its configuration 2; put back the config.json that it was written with",
        config(lambda plain: plain["config"]["env"].update(num_envs=2)),
    ),
    Mistake(
        "a log that was cut short",
        "resume run",
        "cannot resume the log run/metrics.jsonl: it has 0 bytes and its checkpoint expects …; put back a copy of it",
        spoiled(cut_log),
    ),
]
