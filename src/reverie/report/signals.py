"""What a log says beside the return, and what was measured: figures on which a run's illness shows."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from reverie.report.calibration import Told
from reverie.report.measured import Errors
from reverie.report.open_loop import DREAMS
from reverie.report.plots import AXES, BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, STYLES, VERMILION, axis, save, tidy

COLOURS = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, BLACK)
PANELS: Mapping[str, tuple[str, ...]] = {
    "mismatch of posterior and prior, nats": ("kl",),
    "entropy of the latents, nats": ("latent/",),
    "entropy of the policy, nats": ("entropy",),
    "value and dreamed return": ("value/mean", "value/target", "return/dreamed"),
    "range of returns, size of advantages": ("return/scale", "advantage/size"),
    "returns of a population": ("population/best", "population/mean", "population/deviation"),
    "error of the reward, its unit": ("reward/error",),
    "losses": ("loss/",),
    "norms of gradients": ("grad/",),
    "steps of the policy": ("policy/",),
}
"""What is drawn together: metrics by name, or by what their names begin with."""
ELSEWHERE = ("frames", "updates", "seconds", "train_seconds", "eval/", "train/", "replay/")
"""What other pictures show, or none."""
MOST = 6
"""So many panels of metrics that are not known here: a part of one's own may log whatever it likes."""
LOGARITHMIC = ("losses", "norms of gradients")
INSIDE = 3
"""So many names have room in a panel; more stand beside it."""
BINS = 10


def draw_signals(log: Sequence[Mapping[str, Any]], path: str | os.PathLike[str]) -> Figure | None:
    """A panel for each kind of metric that the log holds, against environment frames or updates.

    Returns:
        The figure; None where the log holds none of them.
    """
    panels = _panels(dict.fromkeys(n for line in log for n, value in line.items() if isinstance(value, int | float)))
    if not panels:
        return None
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(4.1 * columns, 2.7 * rows), dpi=130, layout="constrained")
    against = axis([list(log)])  # type: ignore[list-item]
    for axes, (title, metrics) in zip(figure.subplots(rows, columns, squeeze=False).flat, panels.items(), strict=False):
        _draw_metrics(tidy(axes), log, metrics, against, logarithmic=title in LOGARITHMIC)
        axes.set_title(title, fontsize=10, loc="left")
    for axes in figure.axes[len(panels) :]:
        axes.set_visible(False)
    figure.supxlabel(AXES[against], fontsize=10)
    save(figure, path)
    return figure


def _is_of(name: str, keys: Sequence[str]) -> bool:
    return any(name == key or (key.endswith("/") and name.startswith(key)) for key in keys)


def _panels(names: Iterable[str]) -> dict[str, list[str]]:
    """The metrics of each panel: the known ones, then the others, together where their names begin alike."""
    names = list(names)
    known = {title: [name for name in names if _is_of(name, keys)] for title, keys in PANELS.items()}
    drawn = {name for metrics in known.values() for name in metrics}
    others: dict[str, list[str]] = {}
    for name in names:
        if name not in drawn and not _is_of(name, ELSEWHERE):
            others.setdefault(name.partition("/")[0], []).append(name)
    return {title: metrics for title, metrics in known.items() if metrics} | dict(list(others.items())[:MOST])


def _draw_metrics(
    axes: Axes, log: Sequence[Mapping[str, Any]], metrics: Sequence[str], against: str, *, logarithmic: bool
) -> None:
    for index, name in enumerate(metrics):
        points = [(line[against], line[name]) for line in log if name in line]
        where, values = np.array(points, dtype=float).T
        if logarithmic:
            values = np.where(values > 0, values, np.nan)
        # the second round has the same colours, and the next style of each
        style = index + index // len(COLOURS)
        look: dict[str, Any] = {"color": COLOURS[index % len(COLOURS)], "ls": STYLES[style % len(STYLES)]}
        axes.plot(where, values, lw=1.1, label=_short(name), **look)
    if logarithmic and any(np.isfinite(line.get_ydata()).any() for line in axes.lines):
        axes.set_yscale("log")
    if len(metrics) > 1:
        beside = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)} if len(metrics) > INSIDE else {}
        axes.legend(frameon=False, fontsize=7, handlelength=2.6, **beside)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
    axes.tick_params(labelsize=8)


def _short(name: str) -> str:
    """A metric's name within its panel, whose title says what it begins with."""
    told = {key for keys in PANELS.values() for key in keys if key.endswith("/")}
    return next((name.removeprefix(key) for key in told if name.startswith(key)), name)


def draw_errors(errors: Errors, horizon: int, path: str | os.PathLike[str]) -> Figure | None:
    """The error of dreams against dreamed steps beside that of two guesses: of each observation, and of the reward.

    Args:
        errors: see `measured.Errors`.
        horizon: dreamed steps in training, marked where they are drawn; 0 for none.
        path: where to save; the suffix chooses the format.

    Returns:
        The figure; None where there are no errors.
    """
    if not errors:
        return None
    columns = min(3, len(errors))
    rows = -(-len(errors) // columns)
    figure = Figure(figsize=(4.1 * columns, 2.8 * rows), dpi=130, layout="constrained")
    looks = {"dream": (VERMILION, "-"), "expected": (ORANGE, "-"), "repeat": (BLUE, "--"), "mean": (GREY, ":")}
    labels = {
        "dream": "dream",
        "expected": f"mean of {DREAMS} drawn dreams",
        "repeat": "the last that was seen",
        "mean": "the mean",
    }
    for axes, (key, of_key) in zip(figure.subplots(rows, columns, squeeze=False).flat, errors.items(), strict=False):
        tidy(axes)
        for name, error in of_key.items():
            colour, style = looks[name]
            axes.plot(range(1, len(error) + 1), error, color=colour, ls=style, lw=1.6, label=labels[name])
        if 0 < horizon <= len(of_key["dream"]):
            axes.axvline(horizon, color=BLACK, lw=0.8, ls=(0, (1, 3)))
        axes.set_ylim(bottom=0)
        axes.set_title(key, fontsize=10, loc="left")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.tick_params(labelsize=8)
    for axes in figure.axes[len(errors) :]:
        axes.set_visible(False)
    figure.axes[0].legend(frameon=False, fontsize=8, handlelength=3)
    figure.supxlabel("dreamed steps", fontsize=10)
    figure.supylabel("root mean squared error", fontsize=10)
    save(figure, path)
    return figure


def draw_calibration(reward: Told, going: Told, path: str | os.PathLike[str]) -> Figure:
    """What was foretold against what came: rewards as dots with the means of ten bins, and the chance of an end."""
    figure = Figure(figsize=(8.6, 3.7), dpi=130, layout="constrained")
    left, right = (tidy(axes) for axes in figure.subplots(1, 2))
    both = np.concatenate([reward.foretold, reward.came])
    low, high = float(both.min()), float(both.max())
    margin = 0.05 * (high - low) or 1.0
    limits = (low - margin, high + margin)
    left.scatter(reward.foretold, reward.came, s=4, color=BLUE, alpha=0.25, lw=0, rasterized=True)
    _draw_bins(left, reward, np.linspace(low, high or 1.0, BINS + 1), limits)
    told = "nothing varied" if np.isnan(reward.explained) else f"{max(reward.explained, 0.0):.0%} of the variance"
    left.set(xlim=limits, ylim=limits, xlabel="reward foretold", ylabel="reward that came")
    left.set_title(f"Rewards: {told}", fontsize=10, loc="left")
    ended = Told(1 - going.foretold, 1 - going.came)
    _draw_bins(right, ended, np.linspace(0, 1, BINS + 1), (0.0, 1.0))
    right.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel="chance of an end foretold", ylabel="share that ended")
    right.set_title(f"Ends: {int(ended.came.sum())} of {len(ended.came):,} moments", fontsize=10, loc="left")
    save(figure, path)
    return figure


def _draw_bins(axes: Axes, told: Told, edges: np.ndarray, limits: tuple[float, float]) -> None:
    axes.plot(limits, limits, color=GREY, lw=1, ls=":", label="as foretold")
    means = told.binned(list(edges))
    size = [18 + 6 * np.log10(number) for _, _, number in means]
    axes.scatter([m[0] for m in means], [m[1] for m in means], s=size, color=VERMILION, label="means of bins", zorder=3)
    axes.legend(frameon=False, fontsize=8)
