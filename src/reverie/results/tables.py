"""Tables of recorded runs, as Markdown."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from reverie.results.atari_scores import human_normalised
from reverie.results.published import Curve, Published, labels, task_of
from reverie.results.recorded import Recorded, grouped, recorded
from reverie.results.suites import Suite

LAST = 3
"""How many evaluations the final figure is the mean of."""


def final(run: Recorded, metric: str = "eval/return") -> float:
    """The mean of a metric over the last three evaluations."""
    return fmean(line[metric] for line in run.evaluations[-LAST:])


def normalised(runs: Sequence[Recorded]) -> str:
    """The mean final figure of runs of one task as a human-normalised score, empty where the task has none."""
    score = human_normalised(runs[0].resolved.config.env.env, fmean(final(run) for run in runs))
    return "" if score is None else f"{score:.2f}"


def solved_at(run: Recorded, solved: float) -> dict[str, float] | None:
    """The line of the first evaluation at or above a return, None where there is none."""
    return next((line for line in run.evaluations if line["eval/return"] >= solved), None)


def minutes(line: Mapping[str, float]) -> float:
    """Wall clock without evaluations until a line of the log."""
    return line["train_seconds"] / 60


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    lines = [head, ["---"] * len(head), *rows]
    # A rule has no spaces in it, as those written by hand here have none.
    return "\n".join("|" + "|".join(x if x == "---" else f" {x} " for x in cells) + "|" for cells in lines)


def run_table(runs: Sequence[Recorded], solved: float | None) -> str:
    """A row for each run: when it first came to `solved`, if that is a number, and how it ended."""
    scores = [normalised([run]) for run in runs]
    head = ["frames", "mean of last three", *(["human-normalised"] if any(scores) else []), "dreamed", "minutes"]
    first = [] if solved is None else [f"frames to {solved:.0f}", "minutes", "evaluation there"]
    rows = []
    for run, score in zip(runs, scores, strict=True):
        row, last = [run.path.name], run.evaluations[-1]
        if solved is not None:
            at = solved_at(run, solved)
            row += (
                [f"{at['frames']:,}", f"{minutes(at):.1f}", f"{at['eval/return']:.0f}"] if at else ["never", "-", "-"]
            )
        row += [f"{last['frames']:,}", f"{final(run):.0f}", *([score or "-"] if any(scores) else [])]
        rows.append([*row, f"{final(run, 'eval/dreamed'):.0f}", f"{minutes(last):.1f}"])
    return markdown(["run", *first, *head], rows)


def seed_table(runs: Sequence[Recorded], solved: float | None, published: Published) -> str:
    """A row for each group: mean and range of the seeds' final figures, and the published mean near the same frames."""
    groups = grouped(runs)
    beside = {name: published.get(task_of(of_group[0].resolved), []) for name, of_group in groups.items()}
    # A row's frames are those that the first of its seeds to end came to; an unfinished suite may hold shorter ones.
    frames = {name: min(int(run.evaluations[-1]["frames"]) for run in of_group) for name, of_group in groups.items()}
    near = [curve for name in groups for curve in beside[name] if curve.near(frames[name]) is not None]
    called = labels(near)
    scores = {name: normalised(of_group) for name, of_group in groups.items()}
    head = ["runs", "seeds", "frames", "mean of last three"]
    head += [*(["human-normalised"] if any(scores.values()) else []), "range", "minutes"]
    head += [] if solved is None else [f"first at {solved:.0f}, mean frames"]
    rows = []
    for name, of_group in groups.items():
        ends = [final(run) for run in of_group]
        spent = fmean(minutes(run.evaluations[-1]) for run in of_group)
        row = [
            name,
            str(len(ends)),
            f"{frames[name]:,}",
            f"{fmean(ends):.0f}",
            *([scores[name] or "-"] if any(scores.values()) else []),
            f"{min(ends):.0f} to {max(ends):.0f}" if ends[1:] else "-",
        ]
        row += [f"{spent:.1f}", *([] if solved is None else [_first_of(of_group, solved)])]
        rows.append([*row, *(_near(beside[name], key, frames[name]) for key in called)])
    return markdown([*head, *called.values()], rows)


def _first_of(runs: Sequence[Recorded], solved: float) -> str:
    found = [at["frames"] for run in runs if (at := solved_at(run, solved)) is not None]
    if not found:
        return "never"
    return f"{fmean(found):,.0f}" + (f" ({len(found)} of {len(runs)})" if len(found) < len(runs) else "")


def _near(curves: Iterable[Curve], key: tuple[str, str], frames: int) -> str:
    found = next((curve.near(frames) for curve in curves if (curve.method, curve.source) == key), None)
    return "-" if found is None else f"{found:.0f}"


def frames_table(runs: Sequence[Recorded], suite: Suite, into: Path) -> str:
    """A row for each run: its evaluations at the suite's frames, after those of the run they are compared with."""
    other, name = suite.beside.split("/")
    beside = [run for run in recorded(into, other) if run.path.name == name]
    rows = []
    for run in [*beside, *runs]:
        at = {line["frames"]: line["eval/return"] for line in run.evaluations}
        values = [f"{at[frames]:.0f}" if frames in at else "-" for frames in suite.frames]
        rows.append([run.name if run in beside else run.path.name, *values])
    return markdown(["run", *(f"{frames:,}" for frames in suite.frames)], rows)


def open_loop_table(runs: Sequence[Recorded]) -> str:
    """The errors of dreams on held-out episodes, empty where no run has them."""
    rows = [
        [run.path.name if key == "image" else f"{run.path.name}, {key}"]
        + [f"{errors[name]:.5f}" for name in ("dream", "repeat", "mean")]
        + [f"{errors['share of the better guess']:.2f}"]
        + [f"{errors['expected share']:.2f}" if "expected share" in errors else "-"]
        for run in runs
        for key, errors in run.open_loop.items()
    ]
    if not rows:
        return ""
    # older figures do not say how many episodes and steps: they are of 20 each
    seen = {
        (errors.get("episodes", 20), errors["context"], errors.get("steps", 20))
        for run in runs
        for errors in run.open_loop.values()
    }
    told = "; ".join(f"{n:.0f} episodes, {past:.0f} steps seen, {ahead:.0f} dreamed" for n, past, ahead in sorted(seen))
    about = (
        f"Open loop on held-out episodes of random actions ({told}); mean squared error of pixels in [0, 1]\n"
        "(`python -m reverie.results.held_out RUN`):\n\n"
    )
    about_shares = ("dream / better guess", "mean of drawn dreams / better guess")
    return about + markdown(["run", "dream", "repeating the last frame", "mean frame", *about_shares], rows)


def dreamed_table(runs: Sequence[Recorded]) -> str:
    """Dreamed and real returns of the same policies, early, half way and last."""
    rows = []
    for run in runs:
        lines = run.evaluations
        shown = (lines[0], lines[len(lines) // 2], lines[-1])
        rows.append([run.name, *(f"{line['eval/dreamed']:.0f} / {line['eval/return']:.0f}" for line in shown)])
    return markdown(["run", "first evaluation", "half way", "last"], rows)


def origin(runs: Sequence[Recorded]) -> str:
    """What to type, on what it ran, by which code, and where the files are."""
    if not runs:
        return ""
    machines = _all(runs, _machine)
    commits = _all(runs, lambda run: run.versions.get("commit", "")[:7])
    where = f", {' and '.join(machines)} each" if machines else ""
    by = f"; commit {', '.join(commits)}" if commits else ""
    folder = runs[0].path.parent
    return (
        f"`{runs[0].command}`{' and so on' if len(runs) > 1 else ''}{where}{by}; files in "
        f"`{folder.parent.name}/{folder.name}/`."
    )


def _machine(run: Recorded) -> str:
    """What a run was made on; a run on a GPU says so in its options."""
    cpu, gpu = run.versions.get("cpu", ""), run.versions.get("gpu", "")
    if gpu and "--device cuda" in run.command:
        return f"one {gpu}"
    return f"one core of {cpu}" if cpu else ""


def _all(runs: Iterable[Recorded], read: Callable[[Recorded], str]) -> list[str]:
    """What is read of the runs, each once, in their order."""
    return list(dict.fromkeys(value for run in runs if (value := read(run))))


def suite_page(name: str, suite: Suite, into: Path, published: Published, preset: str = "") -> str:
    """All tables of a suite, and where they come from, as Markdown.

    Args:
        name: of the suite.
        suite: what it is; only what is recorded of it is shown.
        into: where it is recorded.
        published: curves to put beside ours.
        preset: only the runs of this one, if not empty.
    """
    runs = [run for run in recorded(into, name) if not preset or run.preset == preset]
    if not runs:
        return f"No run of `{name}` is recorded yet."
    if suite.beside:
        parts = [frames_table(runs, suite, into)]
    else:
        parts = [run_table(runs, suite.solved)]
        if any(task_of(run.resolved) in published for run in runs) or (
            len(runs) > len(grouped(runs)) and len(grouped(runs)) > 1
        ):
            parts.append(seed_table(runs, suite.solved, published))
    return "\n\n".join(part for part in [*parts, open_loop_table(runs), origin(runs)] if part)
