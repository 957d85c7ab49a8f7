"""Mistakes about suites of results, their tables, and measurements."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from mistake import Mistake

import reverie.results.commit as of_commit

TABLE = "results pendulum --table"
COLUMNS = "task,observation,method,source,env_frames,seeds,mean,std"


def written(name: str, content: str | bytes):
    """A file of the user's."""
    data = content.encode() if isinstance(content, str) else content
    return lambda at: Path(name).write_bytes(data)


def verified(at) -> None:
    """A note of what was verified that somebody spoiled."""
    Path("results").mkdir()
    Path("results/verified.json").write_text("[]")


def no_git(at) -> None:
    """A machine without git."""
    at.patch.setenv("PATH", "")


def no_checkout(at) -> None:
    """Reverie as it is installed from a wheel."""
    _needs_git()
    Path("site-packages/reverie").mkdir(parents=True)
    at.patch.setattr(of_commit, "PACKAGE", Path("site-packages/reverie").absolute())


def checkout(at) -> None:
    """A checkout with one commit, whose code says nothing."""
    _needs_git()
    package = Path("clone/src/reverie")
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    git = ["git", "-C", "clone", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    for words in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message", "all")):
        subprocess.run([*git, *words], check=True, capture_output=True)
    at.patch.setattr(of_commit, "PACKAGE", package.absolute())


def verified_by_others(at) -> None:
    """A recorded run that other code than that of the checkout was seen to make."""
    checkout(at)
    shutil.copytree(at.trained, "results/pendulum/dreamer-s0")
    note = {"fingerprint": "0123456789abcdef", "run": "pendulum/dreamer-s0", "lines": 1, "frames": 40}
    Path("results/verified.json").write_text(json.dumps({"dreamer": note}))


def _needs_git() -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")


def young(at) -> None:
    """A run that has not been evaluated yet."""
    (at.run() / "metrics.jsonl").write_text('{"frames": 1, "updates": 0, "seconds": 1, "train_seconds": 1}\n')


REPORTS = [
    Mistake(
        "published methods of no file",
        "report run --methods sac",
        "--methods chooses among published curves: name their file by --published",
        lambda at: at.run(),
    ),
    Mistake("no run", "report", "name a run, as in: reverie report runs/dreamer-cartpole-swingup-s0"),
    Mistake(
        "a report on what is no run",
        "report nowhere",
        "nowhere holds no run: it has no config.json; name the folder that `reverie train` wrote",
    ),
    Mistake(
        "a report on a run that has not been evaluated",
        "report run",
        "run has no evaluation in its log yet; wait for its first, or train for longer",
        young,
    ),
    Mistake(
        "fewer episodes than none",
        "report run --episodes -1",
        "--episodes must not be negative, not -1",
        lambda at: at.run(),
    ),
    Mistake(
        "curves to put beside a report that are not there",
        "report run --published curves.csv",
        "the published curves curves.csv cannot be read: No such file or directory; name a CSV file in UTF-8",
        lambda at: at.run(),
    ),
]
PROBES = [
    Mistake(
        "a probe for no run",
        "probe",
        "reverie probe needs the run's folder; the probe is written into it, and in the place of an earlier one; "
        "all options: reverie probe --help",
    ),
    Mistake(
        "a side that cannot be halved",
        "probe run --side 20",
        "--side must be divisible by 16, not 20; all options: reverie probe --help",
        lambda at: at.run(),
    ),
    Mistake("no share of the steps", "probe run --share 0", "--share must be in (0, 1], not 0.0", lambda at: at.run()),
    Mistake(
        "one episode for two kinds",
        "probe run --episodes 1",
        "--episodes must be at least 2, not 1",
        lambda at: at.run(),
    ),
]
RESULTS = [
    Mistake(
        "no suite",
        "results",
        "name a suite, as in: reverie results pendulum (all of them: all; what there is: --list)",
    ),
    Mistake("an unknown suite", "results pendulumm", "unknown suite 'pendulumm'; did you mean 'pendulum'?"),
    Mistake("no jobs", "results pendulum --jobs 0", "--jobs must be at least 1, not 0"),
    Mistake("no time", "results --verify --seconds nan", "--seconds must be at least 1, not nan"),
    Mistake("negative frames", "results --verify --frames -1", "--frames must not be negative, not -1"),
    Mistake(
        "an unknown preset to verify",
        "results --verify dreamr",
        "unknown preset 'dreamr'; did you mean 'dreamer'?",
    ),
    Mistake(
        "nothing to verify",
        "results --verify",
        "results holds no learning run of any preset; learn one: see --list",
    ),
    Mistake(
        "a note of what was verified that is spoiled",
        "list",
        "results/verified.json cannot be read: no object of objects; remove it and repeat: reverie results --verify",
        verified,
    ),
    Mistake(
        "a commit to compare with, and nothing to verify",
        "results pendulum --by v1",
        "--by v1 names the code that --verify compares with: add --verify",
    ),
    Mistake(
        "a commit to compare with, without git",
        "results --verify --by v1",
        "--by needs git, which cannot be run: No such file or directory; install it",
        no_git,
    ),
    Mistake(
        "a commit to compare with, and Reverie is no checkout",
        "results --verify --by v1",
        "--by needs a git checkout of Reverie, and …reverie is none (…); clone it, and there: pip install -e .",
        no_checkout,
    ),
    Mistake(
        "an unknown commit to compare with",
        "results --verify --by v1",
        "--by v1 is no commit, tag or branch of …src; fetch it, or see: git log",
        checkout,
    ),
    Mistake(
        "a commit to compare with whose code was not verified",
        "results --verify dreamer --by HEAD",
        "the code of HEAD (fingerprint …) is not what results/verified.json holds as verified for dreamer; verify HEAD "
        "where its runs were recorded first: reverie results --verify dreamer",
        verified_by_others,
    ),
    Mistake(
        "published curves that are not there",
        f"{TABLE} --published curves.csv",
        "the published curves curves.csv cannot be read: No such file or directory; name a CSV file in UTF-8",
    ),
    Mistake(
        "published curves that are no text",
        f"{TABLE} --published curves.csv",
        "the published curves curves.csv cannot be read: …; name a CSV file in UTF-8",
        written("curves.csv", b"\x89PNG\r\n\x1a\n\x00\xff"),
    ),
    Mistake(
        "published curves without a column",
        f"{TABLE} --published curves.csv",
        f"curves.csv lacks the column std; it needs {COLUMNS}",
        written("curves.csv", COLUMNS.removesuffix(",std")),
    ),
    Mistake(
        "published curves with a word for a number",
        f"{TABLE} --published curves.csv",
        "line 2 of curves.csv: env_frames and mean must be numbers, not 'many', '3'",
        written("curves.csv", f"{COLUMNS}\npendulum,proprio,SAC,paper,many,5,3,1\n"),
    ),
    Mistake(
        "published curves without an end",
        f"{TABLE} --published curves.csv",
        "line 2 of curves.csv: env_frames and mean must be numbers, not 'inf', '3'",
        written("curves.csv", f"{COLUMNS}\npendulum,proprio,SAC,paper,inf,5,3,1\n"),
    ),
    Mistake(
        "a page for what is only printed",
        "results --presets --write README.md",
        "--write is for suites' tables, and --presets only prints",
    ),
    Mistake(
        "a published method that is not in the table",
        f"{TABLE} --published curves.csv --methods PPO",
        "curves.csv holds no method 'PPO'; it holds SAC",
        written("curves.csv", f"{COLUMNS}\npendulum,proprio,SAC,paper,1e5,5,3,1\n"),
    ),
    Mistake(
        "a work folder below a file",
        "results pendulum --work notes",
        "notes/pendulum: Not a directory; make room, or name another place",
        written("notes", "mine"),
    ),
]

FACEOFF = [
    Mistake(
        "a backbone that does not exist",
        "faceoff --env gym:Pendulum-v1 --backbones gru s4",
        "unknown backbone 's4'; did you mean 's5'?",
    ),
    Mistake(
        "errors after no step",
        "faceoff --env gym:Pendulum-v1 --steps 0 5",
        "--steps needs numbers of at least 1, not [0, 5]",
    ),
    Mistake(
        "a face-off that is none",
        "faceoff --env gym:Pendulum-v1 --into .",
        "faceoff.json is no face-off (…); name another folder by --into",
        written("faceoff.json", "[]"),
    ),
    Mistake(
        "data that are none",
        "faceoff --env gym:Pendulum-v1 --data nowhere",
        "--data nowhere holds no run: name the folder that `reverie train` wrote, or minari:NAME",
    ),
    Mistake("no updates", "faceoff --env gym:Pendulum-v1 --updates 0", "--updates must be at least 1, not 0"),
]

BENCH = [
    Mistake("a preset that does not exist", "bench dremer", "unknown preset 'dremer'; did you mean 'dreamer'?"),
    Mistake("a median of nothing", "bench --repeats 0", "--repeats must be at least 1, not 0"),
    Mistake("negative threads", "bench --threads -1", "--threads must be in [0, 1024], not -1; 0 chooses"),
    Mistake(
        "a device that does not exist",
        "bench --device gpu0",
        "device 'gpu0' cannot be used here: Invalid device string: 'gpu0'; try --device cpu",
    ),
]
