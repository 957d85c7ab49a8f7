"""`reverie doctor`: what this machine has for training, and what is in its way."""

import os
import platform
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import torch
from packaging.requirements import Requirement

from reverie.cli.reading import read
from reverie.envs.rendering import draws
from reverie.errors import Finding, UserError, violations
from reverie.train.device import choose_device, cores, free_memory_mib
from reverie.version import __version__

LEAST_DISK_MIB, LEAST_MEMORY_MIB = 512, 2048
"""Below these, a note: a run's folder is some MiB and its replay 1,024 at most by default."""


@dataclass(frozen=True)
class Doctor:
    """Look at this machine: packages, devices, rendering, memory, disk."""

    folder: str = "."
    """where runs would be written"""


def torch_build() -> list[Finding]:
    """PyTorch's version and what it was built for."""
    also = f" and CUDA {torch.version.cuda}" if torch.version.cuda else ""
    also += " and MPS" if torch.backends.mps.is_built() else ""
    return [
        Finding("fine", "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        Finding("fine", "torch", f"{torch.__version__}, built for the CPU{also}"),
    ]


def devices() -> list[Finding]:
    """Whether each device that torch can see computes."""
    names = ["cpu"] + [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    names += ["mps"] if torch.backends.mps.is_available() else []
    found = [_computes(name) for name in names]
    if len(names) == 1 and shutil.which("nvidia-smi"):
        message = "nvidia-smi is there, but torch sees no CUDA device"
        found.append(Finding("note", "cuda", message, "install PyTorch's CUDA build: https://pytorch.org/get-started"))
    return found


def _computes(name: str) -> Finding:
    try:
        device = choose_device(name)
        ones = torch.ones(64, 64, device=device)
        right = float((ones @ ones).sum()) == 64**3
    except (UserError, RuntimeError) as error:
        cure = "update its driver, or choose another with --device"
        return Finding("violation", "device", f"{name} does not compute ({str(error).splitlines()[0]})", cure)
    if not right:
        return Finding("violation", "device", f"{name} computes wrongly", "choose another with --device")
    about = f" ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else ""
    return Finding("fine", "device", f"{name} computes{about}")


def rendering() -> list[Finding]:
    """Whether MuJoCo can draw, and with what."""
    try:
        return [Finding("fine", "rendering", f"MuJoCo draws with MUJOCO_GL={draws()}")]
    except UserError as error:
        return [Finding("note", "rendering", str(error))]


def extras() -> list[Finding]:
    """Which extras are installed."""
    found = []
    for extra, requirements in _extras().items():
        missing = [r.name for r in requirements if _version(r.name) is None]
        if missing:
            message, cure = f"{extra}: {', '.join(missing)} not installed", f"pip install 'reverie[{extra}]'"
            found.append(Finding("note", "extra", message, cure))
        else:
            found.append(Finding("fine", "extra", f"{extra}: installed"))
    return found


def versions() -> list[Finding]:
    """Installed versions against the bounds that Reverie declares."""
    found = []
    wanted = _requirements()
    if not wanted:
        message = f"reverie {__version__} runs from its source, so the bounds of its packages are not known"
        return [Finding("note", "versions", message, "pip install -e .")]
    for requirement in wanted:
        version = _version(requirement.name)
        extra = _extra(requirement)
        if version is None and not extra:
            message = f"{requirement.name} is not installed"
            found.append(Finding("violation", "versions", message, _install(requirement)))
        elif version is not None and not requirement.specifier.contains(version, prereleases=True):
            message = f"{requirement.name} is {version}, which is not {requirement.specifier}"
            # Training goes without an extra, as long as nothing asks for it.
            found.append(Finding("note" if extra else "violation", "versions", message, _install(requirement)))
    return found or [Finding("fine", "versions", f"reverie {__version__}: all packages are within its bounds")]


def threads() -> list[Finding]:
    """Cores, and threads that would stand in each other's way."""
    here, asked = cores(), os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    found = [Finding("fine", "cores", f"{here}; {asked or 'as many as fit, at most 4,'} threads by default")]
    if asked.isdigit() and int(asked) > here:
        message = f"OMP_NUM_THREADS={asked}, on {here} cores: an update becomes many times slower"
        found.append(Finding("violation", "threads", message, f"set OMP_NUM_THREADS={here} or less, or --threads"))
    return found


def memory() -> list[Finding]:
    """Memory that is free, in MiB."""
    free = free_memory_mib()
    if free is None:
        return [Finding("fine", "memory", "this system does not say how much is free")]
    if free < LEAST_MEMORY_MIB:
        return [Finding("note", "memory", f"{free:,.0f} MiB free", "lower --replay-mib, or close other programs")]
    return [Finding("fine", "memory", f"{free:,.0f} MiB free")]


def disk(folder: Path) -> list[Finding]:
    """Whether runs can be written there, and how much room there is."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free / 2**20
    except OSError as error:
        message = f"{folder.absolute()} cannot be written: {error.strerror}"
        return [Finding("violation", "folder", message, "change to another folder, or name one with --run")]
    if free < LEAST_DISK_MIB:
        message = f"{folder.absolute()} has {free:,.0f} MiB free"
        return [Finding("note", "folder", message, "make room, or name another folder with --run")]
    return [Finding("fine", "folder", f"{folder.absolute()} can be written, {free:,.0f} MiB free")]


CHECKS: tuple[Callable[[], list[Finding]], ...] = (
    torch_build,
    devices,
    threads,
    memory,
    versions,
    extras,
    rendering,
)


def doctor(arguments: Sequence[str]) -> None:
    """Print what was found.

    Raises:
        UserError: if something is in the way of training.
    """
    chosen = read(Doctor, arguments, "reverie doctor")
    findings = [finding for check in CHECKS for finding in check()] + disk(Path(chosen.folder))
    for finding in findings:
        print(finding)
    bad = violations(findings)
    if bad:
        raise UserError(f"this machine is not ready: {', '.join(dict.fromkeys(finding.name for finding in bad))}")
    print("ready")


def _requirements() -> list[Requirement]:
    """What the installed Reverie declares, those of its extras with a marker."""
    try:
        return [Requirement(text) for text in metadata.requires("reverie") or []]
    except metadata.PackageNotFoundError:
        return []


def _extra(requirement: Requirement) -> str:
    """The extra that a requirement belongs to; empty for one that is always needed."""
    named = re.search(r"extra == ['\"]([\w-]+)['\"]", str(requirement.marker or ""))
    return named[1] if named else ""


def _extras() -> dict[str, list[Requirement]]:
    """The requirements of each extra for users."""
    found: dict[str, list[Requirement]] = {}
    for requirement in _requirements():
        extra = _extra(requirement)
        if extra not in ("", "dev"):
            found.setdefault(extra, []).append(requirement)
    return found


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _install(requirement: Requirement) -> str:
    return f"pip install '{requirement.name}{requirement.specifier}'"
