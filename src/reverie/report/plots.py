"""Plots of a run, on figures of their own (no pyplot, no global state), in lines that differ in grey as well."""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from reverie.errors import UserError
from reverie.report.write import aside

BLUE, ORANGE, GREEN, VERMILION, PURPLE, BLACK = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#000000"
"""Okabe and Ito's palette, which people with any colour vision can tell apart."""

STYLES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (8, 3)))
GREY, SHADE = "#6b6b6b", "#e4e8ef"
DIMENSIONS = 12
"""How many dimensions `open_loop_lines` has room for."""

LEGEND = 6
"""How many runs fit in a legend inside the axes; more are named beside them."""


def learning_curve(runs: Mapping[str, list[dict]], path: str | os.PathLike[str], title: str) -> Figure:
    """The evaluation return against environment frames, or against updates where all were made at the same frames.

    One run is drawn with the range of its episodes; several are drawn thin, and their mean thick where all have data.

    Args:
        runs: name -> the lines of its log (see `log.read_metrics`); only those with `eval/return` are drawn.
        path: where to save; the suffix chooses the format.
        title: what stands above.

    Raises:
        UserError: no line holds an evaluation.
    """
    against = axis(runs.values())
    curves = {name: evaluations(records, against) for name, records in runs.items()}
    curves = {name: curve for name, curve in curves.items() if len(curve[0])}
    if not curves:
        raise UserError("there is nothing to plot: no run has logged 'eval/return' yet")
    figure = Figure(figsize=(7.2, 4.4), dpi=150, layout="constrained")
    axes = tidy(figure.add_subplot())
    single = len(curves) == 1
    colours = (BLUE, ORANGE, GREEN, VERMILION, PURPLE)
    for index, (name, (frames, returns)) in enumerate(curves.items()):
        style, colour = STYLES[index % len(STYLES)], colours[index % len(colours)]
        dots = {"marker": "o", "markersize": 4} if single or len(frames) == 1 else {}
        axes.plot(frames, returns, color=colour, ls=style, lw=2 if single else 1, label=name, **dots)
    if single:
        _episode_range(axes, next(iter(runs[name] for name in curves)), against)
    else:
        frames, returns = shared(list(curves.values()))
        if len(frames):
            axes.plot(frames, returns.mean(0), color=BLACK, lw=2.6, label=f"mean of {len(curves)}")
    axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
    axes.set(xlabel=AXES[against], ylabel="evaluation return")
    axes.set_title(title, loc="left", fontweight="bold")
    if len(curves) <= LEGEND:
        _legend(axes)
    else:
        figure.legend(loc="outside right upper", frameon=False, fontsize=8, handlelength=3.2)
    save(figure, path)
    return figure


def open_loop_lines(
    truth: Float[np.ndarray, "T D"],
    dream: Float[np.ndarray, "T D"],
    context: int,
    path: str | os.PathLike[str],
    keys: Sequence[str] | None = None,
) -> Figure:
    """What happened and what the model dreamed, a panel per dimension, and the error of all of them below.

    Args:
        truth: the observed vectors, at steps 0 .. T-1.
        dream: the model's: before `context` reconstructed from what it saw, from there on dreamed.
        context: how many steps the model saw; they are shaded.
        path: where to save; the suffix chooses the format.
        keys: a name for each of the D dimensions, numbers if None. The first 12 are drawn; the title says so.

    Raises:
        ValueError: the shapes differ, or there is not one name per dimension.
    """
    truth, dream = np.asarray(truth), np.asarray(dream)
    if truth.ndim != 2 or truth.shape != dream.shape or 0 in truth.shape:
        raise ValueError(f"truth and dream must both be 'T D', not {truth.shape} and {dream.shape}")
    steps, size = truth.shape
    keys = [f"dimension {i}" for i in range(size)] if keys is None else keys
    if len(keys) != size:
        raise ValueError(f"{size} dimensions need as many names, not {len(keys)}")
    shown = min(size, DIMENSIONS)
    columns = 1 if shown == 1 else 2 if shown <= 4 else 3
    rows = math.ceil(shown / columns)
    figure = Figure(figsize=(max(6.4, 3.4 * columns), 1.6 * rows + 2.7), dpi=150, layout="constrained")
    grid = figure.add_gridspec(rows + 1, columns, height_ratios=[1.0] * rows + [1.25])
    for index in range(shown):
        panel = tidy(figure.add_subplot(grid[index // columns, index % columns]))
        _shade(panel, context, steps)
        panel.plot(range(steps), truth[:, index], color=BLUE, lw=1.6, label="truth")
        panel.plot(range(context, steps), dream[context:, index], color=VERMILION, lw=1.6, ls="--", label="dream")
        panel.set_title(str(keys[index]), fontsize=9, loc="left")
        panel.tick_params(labelsize=8, labelbottom=index + columns >= shown)
    _error_panel(tidy(figure.add_subplot(grid[rows, :])), truth, dream, context)
    cut = f", the first {shown} of {size} dimensions" if shown < size else ""
    figure.suptitle(f"Open loop: {context} steps seen, {max(0, steps - context)} dreamed{cut}", fontweight="bold")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    save(figure, path)
    return figure


def dreamed_against_real(
    dreamed: Sequence[float],
    real: Sequence[float],
    path: str | os.PathLike[str],
    when: Sequence[float] | None = None,
    unit: str = "evaluation",
) -> Figure:
    """The return the model dreams of beside the one it gets: through training, and one against the other.

    Dots above the diagonal are a model that promises too much, which its behaviour then learns to exploit.

    Args:
        dreamed: the dreamed return of each evaluation, in the order of training.
        real: the return of the same evaluation in the environment, of the same length.
        path: where to save; the suffix chooses the format.
        when: where training was at each evaluation; they are numbered if None.
        unit: of that.

    Raises:
        ValueError: the lengths differ, or there is nothing.
    """
    if not len(dreamed) or len(dreamed) != len(real) or (when is not None and len(when) != len(real)):
        raise ValueError("dreamed, real and when must have the same length, which is not zero")
    when = list(range(1, len(real) + 1)) if when is None else list(when)
    figure = Figure(figsize=(10.4, 4.2), dpi=150, layout="constrained")
    lines, dots = (tidy(axes) for axes in figure.subplots(1, 2, width_ratios=[1.1, 1.0]))
    lines.plot(when, real, color=BLUE, lw=1.8, marker="o", markersize=3.5, label="real")
    lines.plot(when, dreamed, color=VERMILION, lw=1.8, ls="--", marker="s", markersize=3.5, label="dreamed")
    lines.set(xlabel=unit, ylabel="return")
    lines.set_title("Through training", loc="left", fontweight="bold")
    lines.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    if unit != "evaluation":
        lines.xaxis.set_major_formatter(EngFormatter(sep=" "))
    _legend(lines)
    _scatter(figure, dots, dreamed, real, when, lines.get_xlabel())
    save(figure, path)
    return figure


def _scatter(
    figure: Figure, axes: Axes, dreamed: Sequence[float], real: Sequence[float], when: Sequence[float], unit: str
) -> None:
    """Dreamed against real on equal scales, darker dots for later evaluations."""
    both = np.asarray([*dreamed, *real], dtype=float)
    both = both[np.isfinite(both)]
    low, high = (both.min(), both.max()) if len(both) else (0.0, 1.0)
    margin = 0.06 * (high - low) or 1.0
    limits = (low - margin, high + margin)
    axes.plot(limits, limits, color=GREY, lw=1, ls=":", label="dreamed = real", zorder=1)
    dots = axes.scatter(real, dreamed, c=when, cmap="viridis_r", s=30, edgecolors="white", linewidths=0.5, zorder=2)
    axes.set(xlim=limits, ylim=limits, aspect="equal", xlabel="real return", ylabel="dreamed return")
    axes.set_title("One against the other", loc="left", fontweight="bold")
    bar = figure.colorbar(dots, ax=axes, label=unit, shrink=0.8)
    bar.locator = MaxNLocator(5, integer=True)
    if unit != "evaluation":
        bar.formatter = EngFormatter(sep=" ")
    bar.update_ticks()
    bar.outline.set_visible(False)
    _legend(axes)


def _error_panel(axes: Axes, truth: Float[np.ndarray, "T D"], dream: Float[np.ndarray, "T D"], context: int) -> None:
    """The root mean square over all dimensions, step by step."""
    error = np.sqrt(np.mean((truth.astype(float) - dream.astype(float)) ** 2, axis=1))
    size = truth.shape[1]
    _shade(axes, context, len(error))
    axes.plot(range(len(error)), error, color=BLACK, lw=1.6, label="error")
    axes.set(xlabel="step", ylabel="RMS error")
    axes.set_title("error" if size == 1 else f"error over all {size} dimensions", fontsize=9, loc="left")
    axes.set_ylim(bottom=0)
    axes.tick_params(labelsize=8)


def _shade(axes: Axes, context: int, steps: int) -> None:
    """Mark what the model saw: steps 0 .. context - 1, to the middle before the first dreamed one."""
    if context > 0:
        axes.axvspan(-0.5, min(context, steps) - 0.5, color=SHADE, lw=0, zorder=0, label="seen")
    axes.set_xlim(-0.5, steps - 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))


AXES = {"frames": "environment frames", "updates": "updates"}


def axis(logs: Iterable[list[dict]]) -> str:
    """What evaluations are drawn against: updates where a run collects all its frames before it acts, else frames."""
    frames = [[line["frames"] for line in log if "eval/return" in line] for log in logs]
    return "updates" if all(len(seen) > 1 and len(set(seen)) == 1 for seen in frames) and frames else "frames"


def evaluations(records: list[dict], against: str = "frames") -> tuple[np.ndarray, np.ndarray]:
    """Frames and evaluation returns of a log, in the order of frames, without those that are missing or not finite.

    Args:
        records: lines of a log.
        against: another field to take in place of the frames, such as `train_seconds`.
    """
    points = [(r[against], r["eval/return"]) for r in records if math.isfinite(r.get("eval/return", math.nan))]
    frames, returns = np.asarray(sorted(points), dtype=float).reshape(-1, 2).T
    return frames, returns


def shared(curves: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Curves "N P", interpolated at all P places where one of them has a point and every one of them has data."""
    start, end = max(frames[0] for frames, _ in curves), min(frames[-1] for frames, _ in curves)
    grid = np.unique(np.concatenate([frames for frames, _ in curves]))
    grid = grid[(grid >= start) & (grid <= end)]
    return grid, np.stack([np.interp(grid, frames, returns) for frames, returns in curves])


def _episode_range(axes: Axes, records: list[dict], against: str) -> None:
    """A band from the worst to the best episode of each evaluation, where the log has them."""
    bands = [(r[against], r["eval/returns"]) for r in records if len(r.get("eval/returns", ())) > 1]
    if len(bands) > 1:
        where = [where for where, _ in bands]
        low, high = [min(returns) for _, returns in bands], [max(returns) for _, returns in bands]
        axes.fill_between(where, low, high, color=BLUE, alpha=0.15, lw=0, label="worst to best episode")


def tidy(axes: Axes) -> Axes:
    """The look of every panel: a light grid behind, and two sides of the frame."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.grid(color="#d9d9d9", lw=0.6)
    axes.set_axisbelow(True)
    return axes


def _legend(axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    # Long enough to tell the dashes apart.
    axes.legend(handles, labels, frameon=False, fontsize=9, handlelength=3.2)


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure, whole or not at all; the suffix chooses the format."""
    with aside(path) as partial:
        figure.savefig(partial, bbox_inches="tight", pad_inches=0.12)
