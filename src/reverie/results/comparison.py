"""All presets on one task: how much experience and time each needs to come near the best."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean

from reverie.agents.presets import PRESETS
from reverie.results.recorded import Recorded, grouped, recorded
from reverie.results.suites import SUITES
from reverie.results.tables import final, markdown, minutes, solved_at

TASKS = ("dmc:cartpole-swingup", "dmc:walker-walk")
NEAR = 0.9
"""Of the best final return of all presets: who gets there is near it."""


def representative(runs: Iterable[Recorded]) -> list[Recorded]:
    """The seeds that speak for a preset: those of the group with the most of them, in doubt the first suite's.

    So what is shown was not chosen by how well it went.
    """
    return max(grouped(runs).values(), key=len)


def comparable(into: Path, task: str) -> dict[str, list[Recorded]]:
    """For each preset with a recorded run of that task from state on a CPU, the seeds that speak for it."""
    runs: dict[str, list[Recorded]] = {}
    for run in recorded(into):
        if run.suite in SUITES and _counts(run, task):
            runs.setdefault(run.preset, []).append(run)
    return {preset: representative(runs[preset]) for preset in PRESETS if preset in runs}


def _counts(run: Recorded, task: str) -> bool:
    config = run.resolved.config
    return config.env.env == task and not config.env.pixels and config.train.device != "cuda"


def task_table(of_preset: dict[str, list[Recorded]]) -> str:
    """A row for each preset: frames and minutes of one core to 90 % of the best final return, means of the seeds that
    get there, and its own final return.
    """
    best = max(fmean(map(final, runs)) for runs in of_preset.values())
    head = ["preset", "runs", "action repeat", "seeds", f"at {NEAR * best:.0f}", "frames", "minutes", "at the end"]
    rows = []
    for preset in PRESETS:
        runs = of_preset.get(preset, [])
        if not runs:
            rows.append([preset, *["-"] * (len(head) - 1)])
            continue
        repeat = runs[0].resolved.config.env.action_repeat
        end = f"{fmean(map(final, runs)):.0f} at {runs[0].evaluations[-1]['frames']:,}"
        first = [preset, f"`{runs[0].suite}/{runs[0].group}`", str(repeat), str(len(runs))]
        rows.append([*first, *_there(runs, NEAR * best), end])
    return markdown(head, rows)


def _there(runs: Sequence[Recorded], near: float) -> list[str]:
    """How many seeds get there, and after how many frames and minutes in the mean."""
    at = [line for run in runs if (line := solved_at(run, near)) is not None]
    if not at:
        return ["none", "-", "-"]
    return [f"{len(at)}", f"{fmean(line['frames'] for line in at):,.0f}", f"{fmean(map(minutes, at)):.1f}"]


def comparison(into: Path) -> str:
    """The tables of both tasks, as Markdown; nothing where none of them is recorded."""
    parts = []
    for task in TASKS:
        if of_preset := comparable(into, task):
            parts.append(f"`{task}` from state:\n\n{task_table(of_preset)}")
    return "\n\n".join(parts)
