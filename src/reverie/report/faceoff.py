"""Worlds beside each other: what they cost against the length of chunks, and how far off they dream."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from reverie.report.plots import BLACK, BLUE, GREEN, ORANGE, PURPLE, STYLES, VERMILION, save, tidy

COLOURS = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, BLACK)


def draw_faceoff(
    worlds: Mapping[str, Mapping[str, Any]], steps: Sequence[int], path: str | os.PathLike[str], title: str
) -> Figure:
    """Four panels: time and memory of an update against length, errors of observation and reward against dreamed steps.

    Args:
        worlds: name -> costs, a list of length, update_ms and peak_mib; error and reward_error, at each of the steps.
        steps: dreamed steps at which errors were taken.
        path: where to save; the suffix chooses the format.
        title: what stands above.
    """
    figure = Figure(figsize=(10.5, 7), dpi=130, layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", weight="bold")
    panels = [tidy(axes) for axes in figure.subplots(2, 2).flat]
    for index, (name, world) in enumerate(worlds.items()):
        look = {"color": COLOURS[index % len(COLOURS)], "ls": STYLES[index % len(STYLES)], "marker": "o", "label": name}
        lengths = [row["length"] for row in world["costs"]]
        for axes, key in zip(panels[:2], ("update_ms", "peak_mib"), strict=True):
            known = [row[key] for row in world["costs"] if row[key] is not None]
            if len(known) == len(lengths):
                axes.plot(lengths, known, markersize=4, **look)
        for axes, key in zip(panels[2:], ("error", "reward_error"), strict=True):
            axes.plot(steps, world[key], markersize=4, **look)
    lengths = sorted({row["length"] for world in worlds.values() for row in world["costs"]})
    errors = (f"error of {what} / that of the mean" for what in ("observation", "reward"))
    names = ("ms per update", "peak memory, MiB", *errors)
    for axes, name, ticks in zip(panels, names, (lengths, lengths, steps, steps), strict=True):
        axes.set_title(name, fontsize=10, loc="left")
        axes.set_xscale("log")
        axes.set_xticks(list(ticks), [f"{tick:,}" for tick in ticks])
        axes.minorticks_off()
        axes.set_xlabel("dreamed steps" if ticks is steps else "steps of a chunk, as many steps in an update")
    panels[0].set_yscale("log")
    for axes in panels[1:]:
        axes.set_ylim(0, None)
    panels[0].yaxis.set_major_formatter(EngFormatter(sep=" "))
    panels[0].yaxis.set_minor_formatter(EngFormatter(sep=" "))
    for axes in panels[2:]:
        axes.axhline(1, color=BLACK, lw=0.8)
    panels[0].legend(frameon=False, fontsize=9, handlelength=3.2)
    save(figure, path)
    return figure
