"""What the code of another commit makes here: to compare with, on a processor on which no run is recorded."""

import os
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from reverie.errors import UserError
from reverie.results.fingerprint import PACKAGE, fingerprint
from reverie.results.recorded import Recorded
from reverie.results.verify import VERIFIED, Outcome, compare, lines_of, read_verified, rerun
from reverie.train.folder import RunFolder

BEGINNING = """
import sys
from pathlib import Path
import reverie
from reverie.results.recorded import Recorded
from reverie.results.verify import rerun
source, run, folder, frames, seconds = sys.argv[1:]
if Path(source).resolve() not in Path(reverie.__file__).resolve().parents:
    raise ImportError(f"{reverie.__file__} is imported instead of the package in {source}")
rerun(Recorded(Path(run)), Path(folder), int(frames), float(seconds))
"""
"""What a commit's own code is asked. Were another Reverie imported in its place, being equal would prove nothing."""


@dataclass(frozen=True)
class Commit:
    """A commit whose code is laid out in a folder."""

    revision: str
    """what the user calls it"""
    name: str
    """its full name, 40 hexadecimal digits"""
    source: Path
    """the folder that holds its package"""

    @property
    def fingerprint(self) -> str:
        """Of its code.

        Raises:
            UserError: if that is no Python.
        """
        try:
            return fingerprint(self.source / PACKAGE.name)
        except SyntaxError as error:
            raise UserError(f"--by {self.revision}: its code is no Python here ({error}); name another") from error


@contextmanager
def laid_out(revision: str) -> Iterator[Commit]:
    """Within the block the code of a commit stands in a temporary folder; the checkout is left as it is.

    Args:
        revision: a commit, a tag or a branch.

    Raises:
        UserError: if there is no git, no checkout, no such commit, or no package in it.
    """
    name = _name_of(revision)
    archive = _git("archive", "--format=tar", name, PACKAGE.name)
    if archive.returncode:
        why = _said(archive.stderr, first=True)
        raise UserError(f"--by {revision} holds no package where {PACKAGE} is ({why}); name a later commit")
    with TemporaryDirectory() as folder:
        with tarfile.open(fileobj=BytesIO(archive.stdout)) as packed:
            packed.extraction_filter = getattr(tarfile, "data_filter", None)  # the first Pythons 3.11 have none
            packed.extractall(folder)
        yield Commit(revision, name, Path(folder))


def _name_of(revision: str) -> str:
    tracked = _git("ls-files", "--error-unmatch", str(PACKAGE / "__init__.py"))
    if tracked.returncode:
        raise UserError(
            f"--by needs a git checkout of Reverie, and {PACKAGE} is none ({_said(tracked.stderr, first=True)}); "
            "clone it, and there: pip install -e ."
        )
    found = _git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if found.returncode or revision.startswith("-"):
        raise UserError(f"--by {revision} is no commit, tag or branch of {PACKAGE.parent}; fetch it, or see: git log")
    return found.stdout.decode().strip()


def _git(*words: str) -> subprocess.CompletedProcess[bytes]:
    """What git says, asked where the package lies."""
    command = ["git", "-C", str(PACKAGE.parent), *words]
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError as error:
        raise UserError(f"--by needs git, which cannot be run: {error.strerror}; install it") from error


def _said(output: bytes, first: bool = False) -> str:
    """The last line of a process's standard error, or its first."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    return lines[0 if first else -1] if lines else "it said nothing"


def runs_verified(into: Path, presets: Iterable[str], commit: Commit) -> dict[str, Recorded]:
    """For each preset the recorded run that the code of a commit was seen to make.

    INTO/verified.json says so by the fingerprint of that code, or by the commit's name where later code was compared
    with it already.

    Raises:
        UserError: if it does not say so for a preset, or the run is not there.
    """
    known, of_commit = read_verified(into), commit.fingerprint
    entries = {preset: known.get(preset, {}) for preset in presets}
    others = [
        preset
        for preset, entry in entries.items()
        if entry.get("fingerprint") != of_commit and entry.get("by") != commit.name
    ]
    if others:
        raise UserError(
            f"the code of {commit.revision} (fingerprint {of_commit}) is not what {into / VERIFIED} holds as verified "
            f"for {', '.join(others)}; verify {commit.revision} where its runs were recorded first: "
            f"reverie results --verify {' '.join(others)}"
        )
    runs = {preset: Recorded(into / str(entry.get("run"))) for preset, entry in entries.items()}
    for preset, run in runs.items():
        if not (run.path / "config.json").exists():
            raise UserError(f"{into / VERIFIED} names {run.path} for {preset}, which is not there; put it back")
    return runs


def verify_by(run: Recorded, commit: Commit, frames: int, seconds: float) -> Outcome:
    """Make the beginning of a run by a commit's code and by the code as it is, and compare the two.

    Args:
        run: its configuration is repeated; its log is not read.
        commit: whose code makes what is compared with.
        frames: environment frames to stop after; 0 for the first evaluation.
        seconds: wall clock to stop each of the two after in any case.

    Raises:
        UserError: if either logged no line in that time, or cannot make the run.
    """
    with TemporaryDirectory() as folder:
        before = made_by(commit, run, Path(folder) / "before", frames, seconds)
        now = rerun(run, Path(folder) / "now", frames, seconds)
    return replace(compare(run, before, now, frames, seconds), by=commit.name)


def made_by(commit: Commit, run: Recorded, folder: Path, frames: int, seconds: float) -> list[dict[str, Any]]:
    """The first lines that the run's configuration logs with the code of a commit, in a process of its own.

    Raises:
        UserError: if that code fails.
    """
    words = [str(commit.source), str(run.path.absolute()), str(folder), str(frames), str(seconds)]
    # Whatever this process can import that one can too, but for Reverie itself. Without -P a package in the working
    # directory would go before all of these.
    path = [str(commit.source), *(place or os.getcwd() for place in sys.path)]
    ended = subprocess.run(
        [sys.executable, "-P", "-c", BEGINNING, *words],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if ended.returncode:
        raise UserError(
            f"the code of {commit.revision} cannot make {run.name}: {_said(ended.stderr)} "
            f"(exit status {ended.returncode}); name a commit whose code can"
        )
    return lines_of(RunFolder(folder).metrics)
