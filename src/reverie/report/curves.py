"""Learning curves of a suite: a panel for each task, against frames and against minutes, published ones behind."""

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, MaxNLocator

from reverie.errors import UserError
from reverie.report.estimates import Estimate, mean_and_range
from reverie.report.plots import AXES, BLUE, GREEN, ORANGE, PURPLE, VERMILION, axis, evaluations, save, shared, tidy

OURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""Ours are told apart in grey by them."""
THEIRS = ("#8a8a8a", "#b08d57", "#7f9c96", "#a58aa8", "#9aa06b", "#6f8fae", "#c09a9a")
"""Muted, so that published curves stay behind."""

DASHES = ((0, (5, 2)), (0, (1, 1.5)), (0, (5, 2, 1, 2)), (0, (8, 2)), (0, (3, 1, 1, 1, 1, 1)))
COLUMNS = 3


@dataclass
class Panel:
    """The curves of one task.

    Attributes:
        title: the task.
        ours: name -> the lines of the log of each seed.
        published: name -> environment frames and mean returns.
    """

    title: str
    ours: dict[str, list[list[dict]]] = field(default_factory=dict)
    published: dict[str, list[tuple[int, float]]] = field(default_factory=dict)


Estimator = Callable[[np.ndarray], Estimate]
"""Curves of seeds "N P" to their middle and a range around it."""


def suite_curves(
    panels: Sequence[Panel], path: str | os.PathLike[str], title: str, estimate: Estimator = mean_and_range
) -> Figure:
    """What seeds say together, a panel for each task: above against environment frames, below against minutes.

    Where all evaluations were made at the same frames, updates stand in their place.

    Minutes are wall clock without evaluations. Published curves stand behind, as far as ours go in frames.

    Args:
        panels: one for each task.
        path: where to save; the suffix chooses the format.
        title: what stands above all.
        estimate: the line and the band that stand for several seeds.

    Raises:
        UserError: no log holds an evaluation.
    """
    panels = [panel for panel in panels if any(_seeds(logs, "frames") for logs in panel.ours.values())]
    if not panels:
        raise UserError("there is nothing to plot: no run has logged 'eval/return' yet")
    side = len(panels) == 1
    columns = min(COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    ours = _own_looks(_names(panel.ours for panel in panels))
    theirs = _looks(_names(panel.published for panel in panels))
    size = (9.6, 4.0) if side else (3.5 * columns + 0.4, 2 * (2.35 * rows + 0.3) + 0.9)
    figure = Figure(figsize=size, dpi=150, layout="constrained")
    figure.suptitle(title, fontweight="bold", x=0.01, ha="left")
    # Frames in the first half of the figure, minutes in the second.
    drawn: dict[str, list[Axes]] = {}
    halves: Any = figure.subfigures(1, 2) if side else figure.subfigures(2, 1)
    measured = axis(log for panel in panels for logs in panel.ours.values() for log in logs)
    for half, against in zip(halves, (measured, "train_seconds"), strict=True):
        grid = half.subplots(rows, columns, squeeze=False).ravel()
        for axes, panel in zip(grid, panels, strict=False):
            _draw(tidy(axes), panel, against, (ours, theirs), estimate)
            drawn.setdefault(panel.title, []).append(axes)
        for axes in grid[len(panels) :]:
            axes.set_visible(False)
        half.supxlabel(AXES.get(against, "minutes, without evaluations"), fontsize=10)
        half.supylabel("evaluation return", fontsize=10)
    for pair in drawn.values():
        limits = np.array([axes.get_ylim() for axes in pair])
        for axes in pair:
            axes.set_ylim(limits.min(), limits.max())
    handles = [Line2D([], [], lw=2.2, label=name, **look) for name, look in ours.items()]
    handles += [Line2D([], [], label=name, **look) for name, look in theirs.items()]
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=min(5, len(handles)),
        frameon=False,
        fontsize=9,
        handlelength=3,
    )
    save(figure, path)
    return figure


def _names(maps: Iterable[Mapping[str, object]]) -> list[str]:
    """Every key of some mappings, once, in their order."""
    return list(dict.fromkeys(name for found in maps for name in found))


def _own_looks(names: Sequence[str]) -> dict[str, dict]:
    """How each of our curves is drawn."""
    looks = zip(names, cycle(OURS), cycle(MARKERS), strict=False)
    return {name: {"color": colour, "marker": marker, "markersize": 4} for name, colour, marker in looks}


def _looks(names: Sequence[str]) -> dict[str, dict]:
    """How each published curve is drawn."""
    pairs = zip(names, cycle(THEIRS), cycle(DASHES), strict=False)
    return {name: {"color": colour, "ls": dash, "lw": 1.4} for name, colour, dash in pairs}


def _seeds(logs: Sequence[list[dict]], against: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """The curves of the seeds that have one."""
    found = [evaluations(log, against) for log in logs]
    return [(x / 60 if against == "train_seconds" else x, y) for x, y in found if len(x)]


def _draw(
    axes: Axes,
    panel: Panel,
    against: str,
    looks: tuple[Mapping[str, dict], Mapping[str, dict]],
    estimate: Estimator,
) -> None:
    ours, theirs = looks
    furthest, nearest = 0.0, math.inf
    for name, logs in panel.ours.items():
        curves = _seeds(logs, against)
        if not curves:
            continue
        where, returns = shared(curves)
        furthest = max([furthest, *(float(x[-1]) for x, _ in curves)])
        nearest = min([nearest, *(float(x[0]) for x, _ in curves)])
        middle, low, high = estimate(returns)
        axes.plot(where, middle, lw=2.2, zorder=3, **ours[name])
        colour = ours[name]["color"]
        if len(curves) > 1:
            axes.fill_between(where, low, high, color=colour, alpha=0.22, lw=0, zorder=2.5)
        for x, y in curves:
            # A seed that went on alone, or had no frames in common with the others, is still seen.
            axes.plot(x, y, color=colour, lw=0.7, alpha=0.45, zorder=2.6, marker="o" if len(x) == 1 else "")
    if against != "train_seconds":
        for name, points in panel.published.items() if against == "frames" else ():
            # One point beyond ours, so that sparse curves reach across the panel; the axes cut it.
            shown = [p for p in points if p[0] <= furthest] + [p for p in points if p[0] > furthest][:1]
            if len(shown) > 1:
                # Where there are few, the line between them is nobody's measurement.
                dots = {"marker": "o", "markersize": 3.5} if len(shown) <= 3 else {}
                axes.plot(*zip(*shown, strict=True), **theirs[name], **dots, zorder=2)
        axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
    # Updates are those of one stage, long after the run's first.
    start = nearest if against == "updates" else 0.0
    axes.set_xlim(start - 0.02 * (furthest - start) * (start > 0), start + 1.02 * (furthest - start) or 1)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=against != "train_seconds"))
    axes.set_title(panel.title, loc="left", fontsize=10, fontweight="bold")
    axes.tick_params(labelsize=8)
