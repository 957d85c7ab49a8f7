"""What is recorded of runs: INTO/SUITE/NAME with configuration, versions, metrics and command."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from reverie.agents.resolve import Resolved
from reverie.errors import UserError
from reverie.report.log import read_metrics
from reverie.results.suites import ALONE, SUITES
from reverie.train.folder import RunFolder

SEED = re.compile(r"-s(\d+)$")


@dataclass(frozen=True)
class Recorded:
    """A recorded run; files are read when they are asked for."""

    path: Path

    @property
    def suite(self) -> str:
        """The suite's name."""
        return self.path.parent.name

    @property
    def name(self) -> str:
        """SUITE/NAME, which tells it from all others below the same folder."""
        return f"{self.suite}/{self.path.name}"

    @property
    def group(self) -> str:
        """Its name without the seed: runs of one group are seeds of one thing."""
        return SEED.sub("", self.path.name)

    @cached_property
    def resolved(self) -> Resolved:
        """Its configuration.

        Raises:
            UserError: if it cannot be read by this version.
        """
        return RunFolder(self.path).resolved()

    @cached_property
    def preset(self) -> str:
        """The preset's name, known even where the configuration is of another version."""
        return str(self._json("config.json").get("preset", ""))

    @cached_property
    def versions(self) -> dict[str, str]:
        """Of the packages and the machine that made it; empty where they are not recorded."""
        return self._json("versions.json") if (self.path / "versions.json").exists() else {}

    @cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """Every line of its log.

        Raises:
            UserError: if the log cannot be read.
        """
        return read_metrics(self.path / "metrics.jsonl")

    @cached_property
    def evaluations(self) -> list[dict[str, Any]]:
        """The lines that hold an evaluation, in order."""
        return [line for line in self.metrics if "eval/return" in line]

    @cached_property
    def command(self) -> str:
        """What to type to repeat it; empty where it is not recorded."""
        path = self.path / "command.txt"
        return path.read_text().strip() if path.exists() else ""

    def by(self, options: str) -> bool:
        """Whether these options of `reverie train`, in any order, are those that it was made by."""
        return _words(self.command) == _words(options)

    @cached_property
    def open_loop(self) -> dict[str, dict[str, float]]:
        """The errors of its dreams on held-out episodes, by observation; empty where they were not taken."""
        return self._json("open-loop.json") if (self.path / "open-loop.json").exists() else {}

    def _json(self, name: str) -> dict[str, Any]:
        path = self.path / name
        try:
            found = json.loads(path.read_text())
            if not isinstance(found, dict):
                raise ValueError("no object")
        except (OSError, ValueError) as error:
            raise UserError(f"{path} cannot be read: {error}") from error
        return found


def _words(command: str) -> list[tuple[str, ...]]:
    """The preset and each option with its values, sorted; what a command says of devices and threads aside."""
    spoken = command.replace(ALONE, "").removeprefix("OMP_NUM_THREADS=1 ").removeprefix("reverie train ")
    preset, *options = re.split(r"\s+(?=--)", spoken.strip())
    return [(preset,), *sorted(tuple(option.split()) for option in options)]


def recorded(into: Path, suite: str = "*") -> list[Recorded]:
    """The recorded runs of one suite, or of all, that hold at least one evaluation.

    They are in the order of the suites where these are known, seeds by number. Folders that begin with a dot are being
    written.
    """
    found = [Recorded(path.parent) for path in into.glob(f"{suite}/[!.]*/config.json")]
    runs = [run for run in found if (run.path / "metrics.jsonl").exists() and run.evaluations]
    return sorted(runs, key=lambda run: (_suite_place(run), run.suite, _place(run), run.group, _seed(run)))


def grouped(runs: Iterable[Recorded]) -> dict[str, list[Recorded]]:
    """Runs by what they are seeds of; where several suites have a group of the same name, by suite and name."""
    runs = list(runs)
    suites: dict[str, set[str]] = {}
    for run in runs:
        suites.setdefault(run.group, set()).add(run.suite)
    groups: dict[str, list[Recorded]] = {}
    for run in runs:
        name = run.group if len(suites[run.group]) == 1 else f"{run.suite}/{run.group}"
        groups.setdefault(name, []).append(run)
    return groups


def _suite_place(run: Recorded) -> int:
    return list(SUITES).index(run.suite) if run.suite in SUITES else len(SUITES)


def _place(run: Recorded) -> int:
    """Where its suite first names the group; runs that it does not name come last."""
    known = [SEED.sub("", name) for name in SUITES[run.suite].runs] if run.suite in SUITES else []
    return known.index(run.group) if run.group in known else len(known)


def _seed(run: Recorded) -> int:
    found = SEED.search(run.path.name)
    return int(found[1]) if found else 0
