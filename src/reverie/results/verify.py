"""Whether the code as it is still makes a recorded run: its beginning again, compared line by line, to the bit."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from reverie.agents.presets import PRESETS
from reverie.errors import UserError, unknown
from reverie.report.progress import Progress
from reverie.report.write import write_json
from reverie.results.fingerprint import fingerprint
from reverie.results.recorded import Recorded, recorded
from reverie.train.folder import RunFolder, versions
from reverie.train.trainer import Trainer

CLOCKS = ("seconds", "train_seconds")
"""Fields that say how long it took, which no machine repeats."""

VERIFIED = "verified.json"
HARMLESS = ("reverie", "commit")
"""What versions.json says that is no cause of other numbers by itself: it is the code that is asked."""


@dataclass(frozen=True)
class Outcome:
    """What came of a comparison."""

    run: str
    """SUITE/NAME"""
    lines: int
    """lines of the log that were compared and equal"""
    frames: int
    """environment frames of the last one"""
    difference: str = ""
    """the first line and field that differ, empty if none"""
    versions: str = ""
    """how packages and machine differ from those that recorded it, empty if they do not"""
    by: str = ""
    """the commit whose code made here what was compared with, empty for the recorded log"""


class _Enough(Exception):  # noqa: N818 (no error: the beginning is over)
    """The beginning is over."""


class _Beginning(Progress):
    """Progress that says nothing, and stops the run after its frames, its first evaluation or its time."""

    def __init__(self, frames: int, seconds: float) -> None:
        super().__init__(total_frames=1, quiet=True)
        self._until, self._end = frames, time.monotonic() + seconds

    def update(self, frames: int, *others: Any, **named: Any) -> None:
        if frames > self._until > 0 or time.monotonic() > self._end:
            raise _Enough

    def message(self, text: str) -> None:
        if not self._until:
            raise _Enough  # an evaluation was logged


def rerun(run: Recorded, folder: Path, frames: int, seconds: float) -> list[dict[str, Any]]:
    """The first lines that the run's configuration logs with the code as it is.

    The configuration is the whole run's, so that nothing that looks ahead sees another end: it is stopped from outside.

    Args:
        run: what to repeat.
        folder: where to; it must not exist, or be empty.
        frames: environment frames to stop after; 0 for the first evaluation.
        seconds: wall clock to stop after in any case.
    """
    config = run.resolved.config
    # Suites run on one core each, where older recordings say "auto" and 0.
    train = replace(config.train, threads=config.train.threads or 1, device=config.train.device.replace("auto", "cpu"))
    env = replace(config.env, rate=0.0)  # in turn, the pace changes no number
    again = RunFolder(folder)
    trainer = Trainer(replace(run.resolved, config=replace(config, train=train, env=env)), again)
    try:
        again.create(run.resolved)
        with _Beginning(frames, seconds) as beginning:
            trainer.run(beginning)
    except _Enough:
        pass
    finally:
        trainer.close()
    return lines_of(again.metrics)


def lines_of(path: Path) -> list[dict[str, Any]]:
    """The lines of a log as they stand there: null stays null, as it is equal to itself."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def difference(before: Sequence[dict[str, Any]], now: Sequence[dict[str, Any]]) -> tuple[int, str]:
    """How many lines are equal from the first on, and where the next one differs (empty where none does).

    Lines that only one of the two has are not compared.
    """
    for number, (old, new) in enumerate(zip(before, now, strict=False), start=1):
        for field in [*old, *(name for name in new if name not in old)]:
            # As text: 0.0 and -0.0, 1 and 1.0 are not the same bits.
            was, become = (json.dumps(line[field]) if field in line else "absent" for line in (old, new))
            if field not in CLOCKS and was != become:
                return number - 1, f"line {number} (frames {old.get('frames')}): {field} was {was} and is {become}"
    return min(len(before), len(now)), ""


def other_versions(then: dict[str, str], now: dict[str, str]) -> str:
    """Which packages, and what of the machine, differ from one versions.json to another; empty if nothing does."""
    names = [name for name in [*then, *(name for name in now if name not in then)] if name not in HARMLESS]
    return ", ".join(
        f"{name} {then.get(name, 'none')} then and {now.get(name, 'none')} now"
        for name in names
        if then.get(name) != now.get(name)
    )


def shortest(into: Path, preset: str, seconds: float) -> Recorded | None:
    """The recorded run of a preset that came to its first evaluation in the least time.

    One whose first line took no longer than `seconds` goes before all others, as without a line there is nothing to
    compare; then one by the packages and on the processor that are here now: only it must be equal. Runs on a GPU are
    not asked, for they need not repeat themselves, and few machines have one; nor are those that act live.
    """
    runs = [run for run in recorded(into) if run.preset == preset and _repeats(run)]
    now = versions()

    def order(run: Recorded) -> tuple[bool, bool, float, str]:
        late = run.metrics[0]["seconds"] > seconds
        return late, bool(other_versions(run.versions, now)), run.evaluations[0]["seconds"], run.name

    return min(runs, key=order, default=None)


def _repeats(run: Recorded) -> bool:
    train = run.resolved.config.train
    return train.device in ("auto", "cpu") and not train.live


def verify(run: Recorded, frames: int, seconds: float) -> Outcome:
    """Repeat the beginning of a run and compare.

    Raises:
        UserError: if not one line was logged in that time, or the configuration is of another version.
    """
    with TemporaryDirectory() as folder:
        now = rerun(run, Path(folder) / "run", frames, seconds)
    outcome = compare(run, lines_of(run.path / "metrics.jsonl"), now, frames, seconds)
    return replace(outcome, versions=other_versions(run.versions, versions()))


def compare(
    run: Recorded, before: Sequence[dict[str, Any]], now: Sequence[dict[str, Any]], frames: int, seconds: float
) -> Outcome:
    """What comes of comparing two logs of a run that were stopped after so many frames (0 for any) or seconds.

    Raises:
        UserError: if one of them has no line.
    """
    if not (before and now):
        within, options = f"{seconds:g} seconds", "--seconds"
        if frames:
            within, options = f"{frames:,} frames and {within}", "--frames or --seconds"
        raise UserError(f"no line of {run.name} was logged within {within}; allow more with {options}")
    equal, where = difference(before, now)
    return Outcome(run.name, equal, now[equal - 1]["frames"] if equal else 0, where)


def presets_to_verify(into: Path, names: Sequence[str], seconds: float) -> dict[str, Recorded]:
    """The run to repeat within so many seconds, for each preset named or for each that has one.

    Raises:
        UserError: for an unknown preset, or one without a recorded run.
    """
    for name in names:
        if name not in PRESETS:
            raise unknown("preset", name, PRESETS)
    found = {name: run for name in names or PRESETS if (run := shortest(into, name, seconds)) is not None}
    missing = [name for name in names if name not in found]
    if missing or not found:
        raise UserError(f"{into} holds no learning run of {', '.join(missing) or 'any preset'}; learn one: see --list")
    return found


def note(into: Path, preset: str, outcome: Outcome) -> None:
    """Write into INTO/verified.json that a preset's run was made by this code, or strike it out.

    A difference on another machine or with other packages says nothing about the code, and leaves the file alone. What
    is equal to what the verified code of a commit makes is noted with that commit, as "by".
    """
    known = read_verified(into)
    if not outcome.difference:
        entry = {"fingerprint": fingerprint(), "run": outcome.run, "lines": outcome.lines, "frames": outcome.frames}
        known[preset] = entry | ({"by": outcome.by} if outcome.by else {})
    elif outcome.versions or known.pop(preset, None) is None:
        return
    write_json(into / VERIFIED, dict(sorted(known.items())))


def read_verified(into: Path) -> dict[str, dict[str, Any]]:
    """What INTO/verified.json says, by preset; nothing where there is none.

    Raises:
        UserError: if it cannot be read.
    """
    path = into / VERIFIED
    if not path.exists():
        return {}
    try:
        known = json.loads(path.read_text())
        if not isinstance(known, dict) or not all(isinstance(entry, dict) for entry in known.values()):
            raise ValueError("no object of objects")
    except ValueError as error:
        raise UserError(f"{path} cannot be read: {error}; remove it and repeat: reverie results --verify") from error
    return known


def learned_by(into: Path) -> dict[str, str]:
    """The presets whose recorded run was made by the code as it is: name -> SUITE/NAME."""
    known = read_verified(into)
    current = fingerprint() if known else ""
    return {
        preset: entry["run"]
        for preset, entry in known.items()
        if entry.get("fingerprint") == current and (into / str(entry.get("run")) / "config.json").exists()
    }
