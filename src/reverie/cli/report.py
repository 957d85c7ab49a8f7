"""`reverie report`."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Annotated

import tyro

from reverie.cli.reading import read
from reverie.errors import UserError
from reverie.report.chapter import Subject, write_chapter
from reverie.report.curves import suite_curves
from reverie.report.diagnosis import Facts
from reverie.report.estimates import interquartile_mean_and_interval
from reverie.report.measured import measure
from reverie.report.page import Page
from reverie.results.picture import panels_of
from reverie.results.published import Published, read_published
from reverie.results.recorded import Recorded, grouped
from reverie.results.tables import final, minutes
from reverie.train.folder import RunFolder, load

EPISODES = 8
"""Played to measure a run where no number is given."""
HEAD = ("run", "preset", "environment", "seed", "frames", "updates", "minutes", "return", "dreamed", "commit")


@dataclass(frozen=True)
class Report:
    """Report on runs: one HTML page and its figures, with a diagnosis in words."""

    runs: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """folders of runs, or of recorded ones, of which the log alone is known; seeds differ in -sSEED at their end"""
    into: str = "report"
    """the folder for report.html and the figures; those of an earlier report there are replaced"""
    published: str = ""
    """a CSV file of published curves to put beside: task,observation,method,source,env_frames,seeds,mean,std"""
    methods: tuple[str, ...] = ()
    """which published methods, all by default"""
    episodes: int | None = None
    """random and own episodes of each run that are played to measure it; 0 for the log alone. 8 by default, and 0 of a
    run that was not to be evaluated (--eval-episodes 0)"""
    device: str = "cpu"
    """where to compute"""


def report(arguments: Sequence[str]) -> None:
    """Write the page, and print where it is and what the diagnosis found."""
    chosen = read(Report, arguments, "reverie report")
    if not chosen.runs:
        raise UserError("name a run, as in: reverie report runs/dreamer-cartpole-swingup-s0")
    if chosen.episodes is not None and chosen.episodes < 0:
        raise UserError(f"--episodes must not be negative, not {chosen.episodes}")
    runs = [_recorded(Path(run)) for run in dict.fromkeys(chosen.runs)]
    if chosen.methods and not chosen.published:
        raise UserError("--methods chooses among published curves: name their file by --published")
    published = read_published(Path(chosen.published), chosen.methods) if chosen.published else {}
    into = Path(chosen.into)
    names = _names(runs)
    page = Page(f"Report on {names[0]}" if len(runs) == 1 else f"Report on {len(runs)} runs")
    _write_summary(page, dict(zip(names, runs, strict=True)), published, into)
    for name, run in zip(names, runs, strict=True):
        for finding in write_chapter(page, _subject(name, run, chosen), into / name.replace("/", "-")):
            print(f"{name}: {finding}")
    page.write(into / "report.html")
    print(into / "report.html")


def _recorded(path: Path) -> Recorded:
    """The run in a folder.

    Raises:
        UserError: if there is none, or what it is told by has not been logged yet.
    """
    run = Recorded(path.resolve() if path.name in ("", ".", "..") else path)
    RunFolder(path).resolved()
    what, lines = ("evaluation", run.evaluations) if _evaluated(run) else ("line", run.metrics)
    if not lines:
        raise UserError(f"{path} has no {what} in its log yet; wait for its first, or train for longer")
    return run


def _evaluated(run: Recorded) -> bool:
    """Whether it was to be evaluated while it learned."""
    return run.resolved.config.train.eval_episodes > 0


def _names(runs: Sequence[Recorded]) -> list[str]:
    """What each run is called: its folder, with those above it as far as they are needed to tell it from the others."""
    depth = 1
    longest = max(len(run.path.parts) for run in runs)
    while depth < longest and len({run.path.parts[-depth:] for run in runs}) < len(runs):
        depth += 1
    return ["/".join(part.strip("/") for part in run.path.parts[-depth:]) for run in runs]


def _write_summary(page: Page, runs: dict[str, Recorded], published: Published, into: Path) -> None:
    page.table(HEAD, (_row(name, run) for name, run in runs.items()))
    page.paragraph(
        "Return: the mean of the last three evaluations; dreamed: what the same policies were promised; minutes: wall "
        "clock without evaluations. " + _machines(runs.values())
    )
    evaluated = [run for run in runs.values() if run.evaluations]
    if not evaluated:
        page.paragraph("No evaluation was made; what episodes of training returned is among what was logged.")
        return
    sizes = sorted({len(group) for group in grouped(evaluated).values()})
    suite_curves(panels_of(evaluated, published), into / "curves.png", "", interquartile_mean_and_interval)
    seeds = "a seed" if sizes == [1] else f"{sizes[0]} to {sizes[-1]} seeds" if sizes[1:] else f"{sizes[0]} seeds"
    page.figure(
        into / "curves.png",
        f"Evaluation returns, {seeds} of each, thin. Thick: the interquartile mean over seeds, which of three is their "
        "mean; band: its 95 % bootstrap interval. A single seed has no interval.",
    )


def _row(name: str, run: Recorded) -> list[str]:
    config, last = run.resolved.config, (run.evaluations or run.metrics)[-1]
    dreamed = [line["eval/dreamed"] for line in run.evaluations[-3:] if "eval/dreamed" in line]
    told = fmean(dreamed) if dreamed else math.nan
    return [
        name,
        f"{run.preset} ({run.resolved.scale})",
        config.env.env,
        str(config.train.seed),
        f"{last['frames']:,}",
        f"{last['updates']:,}",
        f"{minutes(last):.1f}",
        f"{final(run):.4g}" if run.evaluations else "-",
        "-" if math.isnan(told) else f"{told:.4g}",
        run.versions.get("commit", "-")[:7],
    ]


def _machines(runs: Iterable[Recorded]) -> str:
    """The processors on which they learned, where that is known."""
    known = dict.fromkeys(run.versions["cpu"] for run in runs if run.versions.get("cpu"))
    return f"Learned on {', '.join(known)}." if known else ""


def _subject(name: str, run: Recorded, chosen: Report) -> Subject:
    """A run with its agent, measured, where there is a checkpoint."""
    folder, missing = RunFolder(run.path), ""
    episodes = (EPISODES if _evaluated(run) else 0) if chosen.episodes is None else chosen.episodes
    if not folder.checkpoint.exists():
        missing = f"it has no {folder.checkpoint.relative_to(run.path)}."
    elif not episodes:
        missing = "no episodes were asked for (--episodes)."
    if missing:
        return Subject(name, Facts(run.metrics, run.resolved), None, missing, run.command)
    agent, resolved = load(run.path, chosen.device)
    print(f"{name}: {episodes} random and {episodes} own episodes ...", flush=True)
    measured = measure(agent, resolved, episodes)
    return Subject(name, Facts(run.metrics, resolved, measured), agent, "", run.command)
