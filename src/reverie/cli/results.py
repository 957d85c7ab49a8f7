"""`reverie results`."""

import os
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from reverie.cli.arguments import parse
from reverie.cli.reading import read
from reverie.errors import UserError
from reverie.report.write import write_text
from reverie.results.commit import Commit, laid_out, runs_verified, verify_by
from reverie.results.comparison import TASKS, comparison
from reverie.results.pages import blocks_of, suites_table, write_blocks
from reverie.results.picture import draw_suite
from reverie.results.published import Published, read_published
from reverie.results.record import Workshop, in_background
from reverie.results.recorded import Recorded
from reverie.results.suites import Suite, complete, named
from reverie.results.tables import suite_page
from reverie.results.verify import Outcome, note, presets_to_verify, verify
from reverie.train.interrupt import like_ctrl_c


@dataclass(frozen=True)
class Results:
    """Run suites of learning runs, make their tables and curves, or verify what is recorded of a preset."""

    names: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """suites, or `all`; with --verify, presets: all that have a recorded run by default"""
    into: str = "results"
    """where what proves a run is kept: INTO/SUITE/RUN"""
    work: str = "runs/suites"
    """where runs are made; one that was interrupted goes on from there"""
    jobs: int = 1
    """runs at a time, one thread each"""
    background: bool = False
    """run in a session of its own, which goes on when the terminal closes"""
    list: bool = False
    """list the suites and how much of them is recorded, and stop"""
    presets: bool = False
    """compare all presets on cartpole-swingup and walker-walk, by what is recorded, and stop"""
    table: bool = False
    """run nothing: print the tables of what is recorded, and draw its curves"""
    published: str = ""
    """a CSV file of published curves to put beside ours: task,observation,method,source,env_frames,seeds,mean,std"""
    methods: tuple[str, ...] = ()
    """which published methods, all by default"""
    write: tuple[str, ...] = ()
    """pages whose blocks between <!-- results: SUITE --> and <!-- end: SUITE --> are replaced"""
    verify: bool = False
    """run the beginning of a recorded run of each preset again and compare its log to the bit"""
    frames: int = 0
    """environment frames to verify; 0 for as many as the first evaluation needs"""
    seconds: float = 60.0
    """wall clock to verify a preset in, at most"""
    by: str = ""
    """with --verify: a git commit, tag or branch; compare with what the code of this commit makes here, in place of the
    recorded log: for a processor on which no run is recorded"""
    no_note: bool = False
    """with --verify: leave INTO/verified.json, which notes what was equal, as it is"""


def results(arguments: Sequence[str]) -> None:
    """Do what was asked of `reverie results`."""
    chosen = read(Results, arguments, "reverie results", config=(tyro.conf.FlagCreatePairsOff,))
    _check(chosen)
    into = Path(chosen.into)
    if chosen.verify:
        _verify(into, chosen)
        return
    if chosen.list:
        _write(chosen, {}, {})
        print(suites_table(into))
        return
    if chosen.presets:
        print(comparison(into) or f"no run of {' or '.join(TASKS)} is recorded in {into}")
        return
    suites = named(chosen.names)
    if not suites:
        raise UserError("name a suite, as in: reverie results pendulum (all of them: all; what there is: --list)")
    published = read_published(Path(chosen.published), chosen.methods) if chosen.published else {}
    if not chosen.table:
        if chosen.background:
            _leave(chosen, arguments)
            return
        _learn(chosen, suites)
    _show(into, suites, published)
    _write(chosen, suites, published)


def _check(chosen: Results) -> None:
    for option, value in (("--jobs", chosen.jobs), ("--seconds", chosen.seconds)):
        if not value >= 1:
            raise UserError(f"{option} must be at least 1, not {value}")
    if chosen.frames < 0:
        raise UserError(f"--frames must not be negative, not {chosen.frames}")
    if chosen.write and (chosen.verify or chosen.presets):
        raise UserError(f"--write is for suites' tables, and --{'verify' if chosen.verify else 'presets'} only prints")
    if chosen.by and not chosen.verify:
        raise UserError(f"--by {chosen.by} names the code that --verify compares with: add --verify")
    if chosen.methods and not chosen.published:
        raise UserError("--methods chooses among published curves: name their file by --published")


def _learn(chosen: Results, suites: dict[str, Suite]) -> None:
    for suite in suites.values():
        for options in suite.runs.values():
            parse(complete(options).split())  # a mistake is told before hours are spent
    # Whoever stops a background process stops its runs with it.
    like_ctrl_c()
    Workshop(Path(chosen.into), Path(chosen.work), _say).learn(suites, chosen.jobs)


def _say(line: str) -> None:
    print(line, flush=True)


def _leave(chosen: Results, arguments: Sequence[str]) -> None:
    log = Path(chosen.work) / f"results-{time.strftime('%Y%m%d-%H%M%S')}.log"
    process = in_background([word for word in arguments if word != "--background"], log)
    print(f"process {process} learns {' '.join(chosen.names)} in the background")
    print(f"  look: tail -f {log}; one run: tail -f {chosen.work}/SUITE/RUN.log")
    stop = f"kill {process}" if os.name == "posix" else f"taskkill /PID {process}"
    print(f"  stop: {stop}; the same command again goes on from there")


def _show(into: Path, suites: dict[str, Suite], published: Published) -> None:
    for name, suite in suites.items():
        page = suite_page(name, suite, into, published)
        print(f"### {name}\n\n{page}\n")
        if (picture := draw_suite(name, suite, into, published)) is not None:
            write_text(into / name / "README.md", f"# {name}\n\n{suite.about}\n\n{page}\n\n![curves](curves.png)\n")
            print(f"{into / name / 'README.md'}\n{picture}\n")


def _write(chosen: Results, suites: dict[str, Suite], published: Published) -> None:
    for page in map(Path, chosen.write):
        written = write_blocks(page, blocks_of(page, suites, Path(chosen.into), published))
        print(f"{page}: {', '.join(written)}")


def _verify(into: Path, chosen: Results) -> None:
    """Say for each preset whether its recorded run is still made.

    Raises:
        UserError: if one is not, on a machine and with packages like those that recorded it, or beside the code of the
            commit that it is compared with.
    """
    broken = []
    if chosen.by:
        like_ctrl_c()  # the commit's code runs in a process of its own, which must not outlive this one
    with laid_out(chosen.by) if chosen.by else nullcontext() as commit:
        for preset, run in _runs(into, chosen, commit).items():
            _say(f"{preset}: {run.name} again, to its {'first evaluation' if not chosen.frames else 'frames'} ...")
            if commit is None:
                outcome = verify(run, chosen.frames, chosen.seconds)
            else:
                outcome = verify_by(run, commit, chosen.frames, chosen.seconds)
            if not chosen.no_note:
                note(into, preset, outcome)
            _say(f"{preset}: {told(outcome)}")
            if outcome.difference and not outcome.versions:
                broken.append(f"{preset} no longer makes {_compared(outcome)}: {outcome.difference}")
    if broken:
        raise UserError("; ".join(broken))


def _runs(into: Path, chosen: Results, commit: Commit | None) -> dict[str, Recorded]:
    runs = presets_to_verify(into, chosen.names, chosen.seconds)
    return runs if commit is None else runs_verified(into, runs, commit)


def told(outcome: Outcome) -> str:
    """What came of a comparison, in a line."""
    same = f"the first {outcome.lines} lines, to {outcome.frames:,} frames, are equal to the bit"
    if not outcome.difference:
        return f"{same}{f' to what {outcome.by[:12]} makes here' if outcome.by else ''} ({outcome.run})"
    cause = f"; a likely cause is {outcome.versions}" if outcome.versions else ", with the same packages and processor"
    equal = f"{same}, then " if outcome.lines else ""
    return f"{_compared(outcome)} differs: {equal}{outcome.difference}{cause}"


def _compared(outcome: Outcome) -> str:
    return f"{outcome.run} as {outcome.by[:12]} makes it here" if outcome.by else outcome.run
