"""Worlds beside each other: what they cost against the length of chunks, and how far off they dream."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from reverie.report.plots import BLACK, BLUE, GREEN, ORANGE, PURPLE, STYLES, VERMILION, save, tidy

COSTS = {"update_ms": "ms per update", "dream_ms": "ms per step of 64 dreams", "peak_mib": "peak memory, MiB"}
ERRORS = {
    "error": "error of observation / that of the mean",
    "reward_error": "error of reward / that of the mean",
}
COLOURS = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, BLACK)


def draw_faceoff(
    worlds: Mapping[str, Mapping[str, Any]], steps: Sequence[int], path: str | os.PathLike[str], title: str
) -> Figure:
    """What updates and dreamed steps cost against length, errors against dreamed steps, and returns if there are any.

    Args:
        worlds: name -> costs, a list of length, update_ms, peak_mib and dream_ms; error and reward_error, at each of
            the steps; returns.
        steps: dreamed steps at which errors were taken.
        path: where to save; the suffix chooses the format.
        title: what stands above.
    """
    figure = Figure(figsize=(14, 7), dpi=130, layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", weight="bold")
    costs, errors, last = _panels(figure)
    for index, (name, world) in enumerate(worlds.items()):
        look = {"color": COLOURS[index % len(COLOURS)], "ls": STYLES[index % len(STYLES)], "marker": "o", "label": name}
        lengths = [row["length"] for row in world["costs"]]
        for axes, key in zip(costs, COSTS, strict=True):
            known = [row[key] for row in world["costs"] if row[key] is not None]
            if len(known) == len(lengths):
                axes.plot(lengths, known, markersize=4, **look)
        for axes, key in zip(errors, ERRORS, strict=True):
            axes.plot(steps, world[key], markersize=4, **look)
        if world["returns"]:
            last.plot([index] * len(world["returns"]), world["returns"], "o", color=look["color"], alpha=0.5)
    lengths = sorted({row["length"] for world in worlds.values() for row in world["costs"]})
    for axes, ticks in [(axes, lengths) for axes in costs] + [(axes, list(steps)) for axes in errors]:
        axes.set_xscale("log")
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        axes.minorticks_off()
    for axes in costs[:2]:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(LogFormatter())
        axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))
    for axes in (costs[2], *errors):
        axes.set_ylim(0, None)
    last.set_xticks(range(len(worlds)), list(worlds))
    last.set_visible(any(world["returns"] for world in worlds.values()))
    costs[0].legend(frameon=False, fontsize=9, handlelength=3.2)
    save(figure, path)
    return figure


def _panels(figure: Figure) -> tuple[list[Axes], list[Axes], Axes]:
    """Those of the costs, those of the errors, and that of the returns, with their titles."""
    panels = [tidy(axes) for axes in figure.subplots(2, 3).flat]
    costs, errors, last = panels[:3], panels[3:5], panels[5]
    for axes, name in zip(panels, (*COSTS.values(), *ERRORS.values(), "returns of real episodes"), strict=True):
        axes.set_title(name, fontsize=10, loc="left")
    for axes in costs:
        axes.set_xlabel("steps of a chunk, as many steps in an update")
    for axes in errors:
        axes.set_xlabel("dreamed steps")
        axes.axhline(1, color=BLACK, lw=0.8)
    return costs, errors, last
