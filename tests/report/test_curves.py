"""Curves of a suite: means and ranges as worked out by hand, published ones behind."""

import numpy as np
import pytest

from reverie.errors import UserError
from reverie.report.curves import Panel, suite_curves


def log(*points):
    return [{"frames": x, "train_seconds": 60.0 * x, "eval/return": y} for x, y in points]


def test_mean_range_and_published_ones(tmp_path):
    seeds = [log((0, 0.0), (20, 20.0)), log((0, 10.0), (10, 40.0), (20, 60.0))]
    panel = Panel("walk", {"dreamer": seeds}, {"sac": [(0, 1.0), (20, 3.0), (100, 5.0), (200, 6.0)]})
    figure = suite_curves([panel], tmp_path / "curves.png", "walks")
    frames, minutes = (half.axes[0] for half in figure.subfigs)
    mean = max(frames.lines, key=lambda line: line.get_linewidth())
    # At 10 the first is half way, 10, and the second 40.
    np.testing.assert_allclose(mean.get_xydata(), [[0, 5], [10, 25], [20, 40]])
    (band,) = frames.collections
    assert band.get_datalim(frames.transData).bounds == (0, 0, 20, 60)
    # As far as ours, and one point on, which the axes cut.
    published = [line.get_xydata().tolist() for line in frames.lines if line.get_linestyle() == "--"]
    assert published == [[[0, 1], [20, 3], [100, 5]]]
    assert frames.get_xlim()[1] < 21
    assert minutes.get_xlim() == frames.get_xlim()  # a minute for each frame here
    assert minutes.get_ylim() == frames.get_ylim()
    assert len(minutes.lines) == len(frames.lines) - 1
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["dreamer", "sac"]
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_panel_for_each_task_and_none_without_data(tmp_path):
    panels = [Panel(name, {"dreamer": [log((0, 1.0), (5, 2.0))]}) for name in "abcd"]
    figure = suite_curves([*panels, Panel("empty", {"dreamer": [[]]})], tmp_path / "curves.png", "")
    for half in figure.subfigs:
        shown = [axes for axes in half.axes if axes.get_visible()]
        assert [axes.get_title("left") for axes in shown] == ["a", "b", "c", "d"]


def test_nothing_to_plot_is_said(tmp_path):
    with pytest.raises(UserError, match="eval/return"):
        suite_curves([Panel("walk", {"dreamer": [[{"frames": 1}]]})], tmp_path / "curves.png", "")
    assert not list(tmp_path.iterdir())
