"""Runs what is missing of a suite, so that an interrupted run goes on next time, and keeps what proves each run.

A run is made in WORK/SUITE/NAME, in a process of its own, and what proves it is kept under INTO/SUITE/NAME once it is
whole. Beside the work folder lie NAME.log, what the process said, and NAME.json, of which options and code the run is.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from reverie.errors import UserError
from reverie.report.write import write_json, write_text
from reverie.results.fingerprint import fingerprint
from reverie.results.recorded import Recorded
from reverie.results.suites import Suite, complete
from reverie.train import checkpoint
from reverie.train.folder import RunFolder

try:
    import fcntl
except ImportError:  # Windows has none: two processes there are told apart by nobody
    fcntl = None

PROOF = ("config.json", "versions.json", "metrics.jsonl")
REVERIE = (sys.executable, "-m", "reverie")
HELD_OUT = (sys.executable, "-m", "reverie.results.held_out")


@dataclass
class Workshop:
    """Where runs are made and kept, and the processes that make them.

    Attributes:
        into: where the proof of each run is kept.
        work: where runs are made.
        say: where a line about each run goes.
    """

    into: Path
    work: Path
    say: Callable[[str], None] = print
    _running: list[subprocess.Popen] = field(default_factory=list)
    _closed: bool = False

    def learn(self, suites: Mapping[str, Suite], jobs: int) -> None:
        """Run what is missing, so many at a time.

        Raises:
            UserError: at the end, if a run failed.
        """
        runs = [
            (suite, name, line, known.held_out) for suite, known in suites.items() for name, line in known.runs.items()
        ]
        failed = []
        with ThreadPoolExecutor(jobs) as pool:
            try:
                for (suite, name, *_), done in zip(runs, pool.map(lambda run: self.learn_one(*run), runs), strict=True):
                    if not done:
                        failed.append(f"{suite}/{name}")
            except BaseException:
                # Queued runs must not begin, and those that run write whole checkpoints only.
                self.stop()
                pool.shutdown(cancel_futures=True)
                raise
        if failed:
            logs = self.work / f"{failed[0]}.log"
            raise UserError(f"{len(failed)} of {len(runs)} runs failed: {', '.join(failed)}; see {logs}")

    def learn_one(self, suite: str, name: str, options: str, held_out: str = "") -> bool:
        """One run, from where it is, and its held-out episodes where there are options for them; whether it is kept."""
        kept, path = self.into / suite / name, self.work / suite / name
        if kept.exists():
            made = Recorded(kept)
            said = "is there already" if made.by(options) else f"is there by other options; to make it anew move {kept}"
            self.say(f"{suite}/{name} {said}")
            return True
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path.with_name(f"{name}.lock")) as lock:
            if lock is None:
                self.say(f"{suite}/{name} is being learned by another process")
                return True
            command = self._next(path, options)
            if command and not self._call(command, path, lock):
                if not self._closed:
                    self.say(f"{suite}/{name} failed: {_last_line(path.with_name(f'{name}.log'))}")
                return False
            if held_out and not self._call([*HELD_OUT, str(path), *held_out.split()], path, lock):
                self.say(f"{suite}/{name} learned, but failed at held-out episodes")
                return False
            _keep(path, kept, options)
        self.say(f"{suite}/{name} learned")
        return True

    def stop(self) -> None:
        """End all runs; each goes on from its last checkpoint next time."""
        self._closed = True
        for process in list(self._running):
            with suppress(ProcessLookupError):
                process.terminate()

    def _next(self, path: Path, options: str) -> Sequence[str]:
        """The command that brings a run to its end: resume it, begin it, or nothing where it is over."""
        marks = path.with_name(f"{path.name}.json")
        made_by = {"options": options, "fingerprint": fingerprint()}
        run = RunFolder(path)
        if path.exists():
            same = marks.exists() and json.loads(marks.read_text()) == made_by
            if same and _is_whole(run):
                return ()
            if same and run.checkpoint.exists():
                self.say(f"{path} goes on from its last checkpoint")
                return [*REVERIE, "resume", str(path)]
            # Half a run by older code proves nothing about either, and one without a checkpoint cannot go on.
            why = "it has no checkpoint yet" if same else "its options or the code changed since"
            self.say(f"{path} begins anew: {why}")
            shutil.rmtree(path)
        write_json(marks, made_by)
        return [*REVERIE, "train", *complete(options).split(), "--run", str(path)]

    def _call(self, command: Sequence[str], path: Path, lock: TextIO) -> bool:
        """Run a command with one thread, its output in NAME.log; whether it ended well."""
        if self._closed:
            return False
        # The child holds the lock as well: should this process be killed, nobody begins the same run beside it.
        held = (lock.fileno(),) if os.name == "posix" else ()
        with open(path.with_name(f"{path.name}.log"), "ab") as log:
            environment = os.environ | {"OMP_NUM_THREADS": "1"}
            process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=held
            )
            self._running.append(process)
            try:
                return process.wait() == 0
            finally:
                self._running.remove(process)


def _keep(path: Path, kept: Path, options: str) -> None:
    """Copy what proves a run; the folder takes its name when all is in it."""
    partial = kept.with_name(f".{kept.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name in PROOF:
        shutil.copy(path / name, partial / name)
    for file in (path / "open-loop.json", path / "pictures" / "held-out.gif"):
        if file.exists():
            shutil.copy(file, partial / file.name)
    write_text(partial / "command.txt", f"reverie train {complete(options)}\n")
    partial.rename(kept)


def _is_whole(run: RunFolder) -> bool:
    """Whether a run came to its end. Its log would not tell: a program may learn and evaluate long after its frames."""
    return run.checkpoint.exists() and bool(checkpoint.read(run.checkpoint)[1]["finished"])


@contextmanager
def _alone(path: Path) -> Iterator[TextIO | None]:
    """A lock that ends with the processes that hold it, None where another one does."""
    with open(path, "w") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
                return
        yield file


def _last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").split("\n") if path.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


def in_background(arguments: Sequence[str], log: Path) -> int:
    """Run `reverie results` with these arguments in a session of its own, which outlives the terminal.

    Returns:
        The process's number.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "ab") as output:
        process = subprocess.Popen(
            [*REVERIE, "results", *arguments],
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return process.pid
