"""The curves of a suite, from what is recorded of it."""

from collections.abc import Iterable
from pathlib import Path

from reverie.report.curves import Panel, suite_curves
from reverie.results.published import Published, labels, task_of
from reverie.results.recorded import Recorded, grouped, recorded
from reverie.results.suites import Suite


def draw_suite(name: str, suite: Suite, into: Path, published: Published) -> Path | None:
    """Write INTO/SUITE/curves.png, a panel for each task.

    Args:
        name: of the suite.
        suite: the run that it is compared with, if there is one, is drawn as well.
        into: where it is recorded.
        published: curves to draw behind ours.

    Returns:
        The picture; None where nothing is recorded.
    """
    runs = recorded(into, name)
    if not runs:
        return None
    beside = [run for run in recorded(into) if run.name == suite.beside]
    path = into / name / "curves.png"
    suite_curves(panels_of([*beside, *runs], published), path, f"{name}: mean and range over seeds")
    return path


def panels_of(runs: Iterable[Recorded], published: Published) -> list[Panel]:
    """A panel for each task, with the curves that were published of it."""
    tasks: dict[tuple[str, str], list[Recorded]] = {}
    for run in runs:
        tasks.setdefault(task_of(run.resolved), []).append(run)
    called = labels(curve for task in tasks for curve in published.get(task, []))
    panels = []
    for (task, observation), of_task in tasks.items():
        theirs = {called[c.method, c.source]: c.points for c in published.get((task, observation), [])}
        ours = {
            _label(group, of_group, of_task): [run.metrics for run in of_group]
            for group, of_group in grouped(of_task).items()
        }
        shown = of_task[0].resolved.config.env.env.split(":")[-1]
        panels.append(Panel(shown if observation == "proprio" else f"{shown}, from pixels", ours, theirs))
    return panels


def _label(group: str, of_group: list[Recorded], of_task: list[Recorded]) -> str:
    """The preset's name where that is enough to tell the groups of a task apart."""
    preset = of_group[0].preset
    others = [run for run in of_task if run not in of_group]
    return preset if all(run.preset != preset for run in others) else group
