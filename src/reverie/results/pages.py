"""Blocks of documentation pages that are written from what is recorded.

<!-- results: NAME -->
tables, and a line that ends in: files in `results/NAME/`.

whatever was written by hand below that line, which stays
<!-- end: NAME -->
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from reverie.agents.presets import PRESETS
from reverie.errors import UserError
from reverie.report.write import write_text
from reverie.results.comparison import comparison
from reverie.results.published import Published
from reverie.results.recorded import Recorded, recorded
from reverie.results.suites import SUITES, Suite
from reverie.results.tables import dreamed_table, markdown, suite_page

LAST_LINE = re.compile(r"(?:; files in `[^`]*`|^No run of `[^`]*` is recorded yet)\.$", re.MULTILINE)
"""The end of what is written by a program."""

DREAMED = "`eval/dreamed` / `eval/return` of the same policy from the same first observations, whole episodes:"


def blocks_of(page: Path, suites: Mapping[str, Suite], into: Path, published: Published) -> dict[str, str]:
    """What belongs between the marks of a page: its suites, the list of suites, and dreamed beside real returns.

    On the page of a preset stand the runs of that preset alone.
    """
    preset = page.stem if page.stem in PRESETS else ""
    made = {name: suite_page(name, suite, into, published, preset) for name, suite in suites.items()}
    runs = [run for run in recorded(into) if run.suite in SUITES and (not preset or run.preset == preset)]
    made["dreamed-real"] = f"{DREAMED}\n\n{dreamed_table(runs)}\n\nAll recorded runs; files in `{into.name}/`."
    if (into / "bench" / "cpu.json").exists():
        made["speed"] = bench_table(into / "bench" / "cpu.json")
    if tables := comparison(into):
        made["presets"] = f"{tables}\n\n`reverie results --presets`; files in `{into.name}/`."
    made["suites"] = f"{suites_table(into)}\n\nRuns recorded of those there are; files in `{into.name}/`."
    return made


def write_blocks(page: Path, blocks: Mapping[str, str]) -> list[str]:
    """Replace the blocks of a page that it has marks for; returns their names.

    Raises:
        UserError: if the page cannot be read, has marks for none of them, or marks without an end.
    """
    try:
        text = page.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"the page {page} cannot be read: {reason}; name a Markdown file in UTF-8") from error
    written = []
    for name, made in blocks.items():
        start, end = f"<!-- results: {name} -->\n", f"<!-- end: {name} -->"
        before, mark, rest = text.partition(start)
        if not mark:
            continue
        inside, mark, after = rest.partition(end)
        if not mark:
            raise UserError(f"{page} has the mark {start.strip()} and no {end} after it")
        text = f"{before}{start}{made}\n{_by_hand(inside)}{end}{after}"
        written.append(name)
    if not written:
        raise UserError(f"{page} has no mark <!-- results: NAME --> for {', '.join(blocks)}")
    write_text(page, text)
    return written


def _by_hand(block: str) -> str:
    """What stands below the last line that a program wrote, with the empty line before it."""
    ends = list(LAST_LINE.finditer(block))
    return block[ends[-1].end() :].removeprefix("\n") if ends else ""


def suites_table(into: Path) -> str:
    """All suites, what they are, and how many of their runs are recorded, by the options that they have now."""
    rows = []
    for name, suite in SUITES.items():
        made = [Recorded(into / name / run).by(options) for run, options in suite.runs.items()]
        rows.append([f"`{name}`", suite.about, f"{sum(made)} of {len(made)}"])
    return markdown(["suite", "what", "recorded"], rows)


def bench_table(path: Path) -> str:
    """The figures that `reverie bench --output` wrote.

    Raises:
        UserError: if they cannot be read.
    """
    keys = ("update_ms", "world_ms", "behaviour_ms", "data_ms", "environment_ms", "act_ms", "dreamed_steps_per_second")
    keys += ("gflop", "gflop_per_second", "matmul_gflop_per_second", "share", "peak_mib")
    forms = (".0f", ".0f", ".0f", ".2f", ".3f", ".2f", ",.0f", ".1f", ".0f", ".0f", ".0%", ".0f")
    head = ["scale, observation", "update ms", "world", "behaviour", "data", "env step", "act", "dreamed steps/s"]
    head += ["GFLOP", "GFLOP/s", "matrix product", "share", "MiB"]
    try:
        found = json.loads(path.read_text())
        rows = [
            [
                f"{row['name']}, {row['threads']} threads",
                *("?" if row[key] is None else f"{row[key]:{form}}" for key, form in zip(keys, forms, strict=True)),
            ]
            for row in found["rows"]
        ]
        cpu = found["versions"]["cpu"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"the measurements {path} cannot be read: {error}; repeat: reverie bench --output {path}"
        ) from error
    return (
        f"{markdown(head, rows)}\n\n`reverie bench`, {cpu}; files in `{path.parent.parent.name}/{path.parent.name}/`."
    )
