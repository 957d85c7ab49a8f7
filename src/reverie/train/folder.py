"""The folder of a run: it holds everything."""

import json
import platform
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import gymnasium
import torch

from reverie.agents.agent import Agent
from reverie.agents.build import build, build_replay
from reverie.agents.resolve import Resolved, from_plain
from reverie.data.replay import Replay
from reverie.envs.codec import ActionCodec
from reverie.errors import UserError, about
from reverie.report.write import write_json
from reverie.train import checkpoint
from reverie.train.device import choose_device, choose_threads
from reverie.version import __version__

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

PACKAGES = ("torch", "numpy", "gymnasium", "mujoco", "dm_control", "shimmy")
KINDS = {"cpu family": "family", "model": "model"}
"""What Linux says of a processor beside its name, and what it is called here."""


class RunFolder:
    """Paths of a run.

    In its folder:

        config.json       the resolved configuration; it rebuilds the agent
        versions.json     of the packages and the machine
        metrics.jsonl     a line per log and per evaluation; tensorboard/ holds the same
        checkpoint/       weights, optimisers, progress
        replay/           the experience that the checkpoint knows of
        pictures/         learning curve, real and dreamed episodes
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.json"
        self.metrics = path / "metrics.jsonl"
        self.checkpoint = path / "checkpoint" / "run.safetensors"
        self.replay = path / "replay"
        self.pictures = path / "pictures"

    @property
    def again(self) -> str:
        """What to type to go on with the run."""
        return f"reverie resume {shlex.quote(str(self.path))}"

    def check(self) -> None:
        """See that the folder is free.

        Raises:
            UserError: if it exists and is not empty, or is no folder.
        """
        try:
            str(self.path).encode()
        except UnicodeEncodeError as error:
            raise UserError(f"the run folder {self.path} is no name in UTF-8; choose another with --run") from error
        try:
            used = self.path.exists() and any(self.path.iterdir())
        except OSError as error:
            raise UserError(
                f"the run folder {self.path} cannot be used: {error.strerror}; choose another with --run"
            ) from error
        if used:
            raise UserError(
                f"the run folder {self.path} exists already; choose another with --run, or go on with it: {self.again}"
            )

    def create(self, resolved: Resolved) -> None:
        """Make the folder and write what is known before the first step.

        Raises:
            UserError: if the folder exists and is not empty, or cannot be made.
        """
        self.check()
        try:
            self.pictures.mkdir(parents=True, exist_ok=True)
            write_json(self.config, resolved.plain())
            write_json(self.path / "versions.json", versions())
        except OSError as error:
            raise UserError(
                f"the run folder {self.path} cannot be written: {error.strerror}; choose another with --run"
            ) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing into the same run.

        Raises:
            UserError: if one does already.
        """
        if fcntl is None:  # not on this system
            yield
            return
        try:
            file = open(self.path / ".lock", "w")  # noqa: SIM115 (closed below)
        except OSError as error:
            raise UserError(f"the run {self.path} cannot be written: {error.strerror} ({error.filename})") from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise UserError(f"the run {self.path} is being trained by another process; stop that first") from error
            yield

    def resolved(self) -> Resolved:
        """The configuration of the run.

        Raises:
            UserError: if there is no run, or its configuration cannot be read.
        """
        if not self.config.exists():
            raise UserError(
                f"{self.path} holds no run: it has no config.json; name the folder that `reverie train` wrote"
            )
        cure = "put back the file that `reverie train` wrote"
        try:
            plain = json.loads(self.config.read_text())
        except OSError as error:
            raise UserError(f"{self.config} cannot be read: {error.strerror}; {cure}") from error
        except (ValueError, RecursionError) as error:
            raise UserError(f"{self.config} is no JSON: {error}; {cure}") from error
        with about(str(self.config)):
            return from_plain(plain)

    def experience(self, resolved: Resolved, space: gymnasium.Space, codec: ActionCodec) -> Replay:
        """The replay that the run's checkpoint knows of, for observations of that space.

        Raises:
            UserError: if it is not there.
        """
        if not self.replay.is_dir():
            raise UserError(
                f"{self.path} has no replay, which holds its steps: put back its folder {self.replay.name}/"
            )
        replay = build_replay(resolved.config, space, codec)
        _, progress = checkpoint.read(self.checkpoint)
        try:
            replay.load(self.replay, progress["replay"])
        except (KeyError, TypeError) as error:
            raise UserError(f"the checkpoint {self.checkpoint} knows of no replay; put back a copy of it") from error
        return replay


def versions() -> dict[str, str]:
    """What ran: Reverie, Python, the packages that matter, the machine."""
    found = {"reverie": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    commit = _commit()
    if commit:
        found["commit"] = commit
    # Sums are rounded in another order where other instructions add them up.
    instructions = torch.backends.cpu.get_cpu_capability()
    machine = {"machine": platform.machine(), "system": platform.system()}
    gpu = {"gpu": torch.cuda.get_device_name()} if torch.cuda.is_available() else {}
    return found | machine | {"cpu": processor(), "instructions": instructions} | gpu


def _commit() -> str:
    """The commit of the checkout that the package runs from, "+" where it was changed since; empty elsewhere."""
    git = ["git", "-C", str(Path(__file__).parent)]
    try:
        commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        # a package installed below someone else's checkout is not what that checkout's commit describes
        subprocess.run([*git, "ls-files", "--error-unmatch", __file__], capture_output=True, check=True)
        changed = subprocess.run([*git, "status", "--porcelain", "--", "."], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return commit + ("+" if changed.stdout.strip() else "")


def processor(about: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name, and its family and model where the system tells: one name may stand for several kinds."""
    try:
        lines = about.read_text().splitlines()
    except OSError:
        return platform.processor()
    said: dict[str, str] = {}
    for name, _, value in (line.partition(":") for line in lines):
        said.setdefault(name.strip(), value.strip())
    kind = ", ".join(f"{key} {said[field]}" for field, key in KINDS.items() if field in said)
    name = said.get("model name", platform.processor())
    return f"{name} ({kind})" if kind else name


def load(run: str | Path, device: str = "auto") -> tuple[Agent, Resolved]:
    """The trained agent of a run, ready to act, and its configuration.

    torch gets the run's number of threads: with another, sums are rounded in another order, and the agent need not act
    as it did.

    Raises:
        UserError: if there is no run, no checkpoint, or they do not fit.
    """
    folder = RunFolder(Path(run))
    resolved = folder.resolved()
    choose_threads(resolved.config.train.threads)
    env = resolved.config.env.make()
    try:
        agent = build(resolved.config, resolved.parts, env.observation_space, env.action_space).to(
            choose_device(device)
        )
    finally:
        env.close()
    tensors, _ = checkpoint.read(folder.checkpoint)
    checkpoint.load_agent(agent, tensors, folder.checkpoint)
    return agent.eval(), resolved


def default_path(preset: str, env: str, seed: int) -> Path:
    """runs/PRESET-TASK-sSEED, numbered where it exists already."""
    base = Path("runs") / f"{preset.split(':')[-1]}-{env.split(':')[-1].replace('/', '-')}-s{seed}"
    path, number = base, 2
    while path.exists():
        path, number = base.with_name(f"{base.name}-{number}"), number + 1
    return path
