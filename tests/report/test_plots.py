"""Plots hold the data they are given, and say what it is."""

import math
import sys

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from reverie.errors import UserError
from reverie.report.plots import AXES, axis, dreamed_against_real, learning_curve, open_loop_lines

PNG = b"\x89PNG\r\n\x1a\n"


def log(*points):
    return [{"frames": frames, "eval/return": value} for frames, value in points]


def lines(axes):
    return {line.get_label(): line for line in axes.lines}


def test_one_run_is_one_line_of_its_evaluations(tmp_path):
    records = [{"frames": 50, "loss": 1.0}, *log((200, 7.0), (100, 3.0)), {"frames": 300, "eval/return": math.nan}]
    figure = learning_curve({"dreamer": records}, tmp_path / "curve.png", "walker")
    (line,) = figure.axes[0].lines
    assert line.get_label() == "dreamer"
    np.testing.assert_array_equal(line.get_xydata(), [[100, 3], [200, 7]])
    assert figure.axes[0].get_xlabel() == "environment frames" and figure.axes[0].get_ylabel() == "evaluation return"
    assert figure.axes[0].get_title("left") == "walker"
    assert (tmp_path / "curve.png").read_bytes().startswith(PNG)


def test_the_band_spans_the_episodes(tmp_path):
    records = [{"frames": f, "eval/return": 2.0, "eval/returns": [1.0, 3.0 + f]} for f in (0, 10)]
    figure = learning_curve({"a": records}, tmp_path / "curve.png", "")
    (band,) = figure.axes[0].collections
    assert band.get_datalim(figure.axes[0].transData).bounds == (0, 1, 10, 12)  # 0 .. 10 frames, 1 .. 13


def test_the_mean_of_runs_is_where_all_of_them_have_data(tmp_path):
    runs = {"a": log((0, 0.0), (20, 20.0)), "b": log((10, 30.0), (30, 50.0)), "empty": []}
    figure = learning_curve(runs, tmp_path / "curve.svg", "two")
    drawn = lines(figure.axes[0])
    assert set(drawn) == {"a", "b", "mean of 2"}
    # At 10: a is half way, 10, and b 30. At 20: a 20 and b half way, 40.
    np.testing.assert_allclose(np.asarray(drawn["mean of 2"].get_xydata()), [[10, 20], [20, 30]])
    assert drawn["mean of 2"].get_linewidth() > drawn["a"].get_linewidth()
    assert drawn["a"].get_linestyle() != drawn["b"].get_linestyle()  # legible in grey
    assert b"<svg" in (tmp_path / "curve.svg").read_bytes()


def test_runs_that_never_overlap_have_no_mean(tmp_path):
    figure = learning_curve({"a": log((0, 1.0)), "b": log((9, 1.0))}, tmp_path / "curve.png", "")
    assert set(lines(figure.axes[0])) == {"a", "b"}


def test_many_runs_are_named_beside_the_axes(tmp_path):
    figure = learning_curve({f"seed {i}": log((0, i), (1, i)) for i in range(8)}, tmp_path / "curve.png", "")
    assert figure.axes[0].get_legend() is None
    assert [text.get_text() for text in figure.legends[0].get_texts()][-1] == "mean of 8"


def test_nothing_to_plot_is_said_and_leaves_no_file(tmp_path):
    with pytest.raises(UserError, match="eval/return"):
        learning_curve({"a": [{"frames": 1}]}, tmp_path / "curve.png", "")
    assert not list(tmp_path.iterdir())


def test_open_loop_draws_the_truth_whole_and_the_dream_after_the_context(tmp_path):
    truth = np.arange(20.0).reshape(10, 2)
    dream = truth + np.where(np.arange(10) < 4, 0.0, 1.0)[:, None] * [3.0, 4.0]
    figure = open_loop_lines(truth, dream, 4, tmp_path / "lines.png", ["x", "y"])
    assert [axes.get_title("left") for axes in figure.axes] == ["x", "y", "error over all 2 dimensions"]
    second = lines(figure.axes[1])
    np.testing.assert_array_equal(second["truth"].get_xydata(), np.stack([np.arange(10), truth[:, 1]], 1))
    np.testing.assert_array_equal(second["dream"].get_xydata(), np.stack([np.arange(4, 10), dream[4:, 1]], 1))
    assert second["truth"].get_linestyle() == "-" and second["dream"].get_linestyle() == "--"
    # sqrt((3^2 + 4^2) / 2) once it dreams.
    error = np.asarray(lines(figure.axes[2])["error"].get_ydata())
    np.testing.assert_allclose(error, [0.0] * 4 + [math.sqrt(12.5)] * 6)
    for axes in figure.axes:
        (seen,) = axes.patches
        assert isinstance(seen, Rectangle)
        assert (seen.get_x(), seen.get_x() + seen.get_width()) == (-0.5, 3.5)
    assert (tmp_path / "lines.png").read_bytes().startswith(PNG)


def test_more_than_twelve_dimensions_are_cut_and_the_title_says_so(tmp_path):
    full, cut = (open_loop_lines(np.zeros((5, d)), np.ones((5, d)), 2, tmp_path / "l.png") for d in (12, 17))
    assert len(full.axes) == len(cut.axes) == 13
    assert "first 12 of 17 dimensions" in cut.get_suptitle() and "first" not in full.get_suptitle()


@pytest.mark.parametrize("context", [0, 5])
def test_all_dreamed_or_all_seen_can_be_drawn(tmp_path, context):
    figure = open_loop_lines(np.zeros((5, 1)), np.ones((5, 1)), context, tmp_path / "l.png")
    assert np.size(lines(figure.axes[0])["dream"].get_xdata()) == 5 - context


def test_shapes_and_names_must_fit(tmp_path):
    with pytest.raises(ValueError, match=r"\(5, 2\) and \(5, 3\)"):
        open_loop_lines(np.zeros((5, 2)), np.zeros((5, 3)), 1, tmp_path / "l.png")
    with pytest.raises(ValueError, match="2 dimensions need as many names, not 1"):
        open_loop_lines(np.zeros((5, 2)), np.zeros((5, 2)), 1, tmp_path / "l.png", ["x"])


def test_dreamed_against_real_puts_the_real_return_on_the_horizontal_axis(tmp_path):
    figure = dreamed_against_real([5.0, 6.0, 9.0], [1.0, 4.0, 8.0], tmp_path / "d.png", [0, 1000, 2000], AXES["frames"])
    through, against = figure.axes[:2]
    np.testing.assert_array_equal(lines(through)["real"].get_xydata(), [[0, 1], [1000, 4], [2000, 8]])
    np.testing.assert_array_equal(lines(through)["dreamed"].get_xydata(), [[0, 5], [1000, 6], [2000, 9]])
    np.testing.assert_array_equal(against.collections[0].get_offsets(), [[1, 5], [4, 6], [8, 9]])
    assert (against.get_xlabel(), against.get_ylabel()) == ("real return", "dreamed return")
    assert against.get_xlim() == against.get_ylim()
    assert (tmp_path / "d.png").read_bytes().startswith(PNG)


def test_one_evaluation_and_one_that_is_not_finite_can_be_drawn(tmp_path):
    dreamed_against_real([2.0], [2.0], tmp_path / "one.png")
    figure = dreamed_against_real([2.0, math.inf], [1.0, 3.0], tmp_path / "two.png")
    assert np.isfinite(figure.axes[1].get_xlim()).all()


def test_lengths_must_agree(tmp_path):
    for dreamed, real in ([], []), ([1.0], [1.0, 2.0]):
        with pytest.raises(ValueError, match="same length"):
            dreamed_against_real(dreamed, real, tmp_path / "d.png")


def test_no_global_figure_is_made(tmp_path):
    learning_curve({"a": log((0, 1.0))}, tmp_path / "curve.png", "")
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()


def test_what_collects_first_is_drawn_against_updates(tmp_path):
    def log(frames):
        return [{"frames": n, "updates": 10 * i, "eval/return": 1.0 * i} for i, n in enumerate(frames)]

    assert axis([log([5, 5, 5]), log([7, 7])]) == "updates"
    assert axis([log([5, 5, 5]), log([5, 6])]) == "frames"
    assert axis([log([5])]) == axis([]) == "frames"
    figure = learning_curve({"a": log([5, 5, 5])}, tmp_path / "c.png", "title")
    (line,) = (line for line in figure.axes[0].lines if line.get_label() == "a")
    assert line.get_xdata().tolist() == [0, 10, 20]
    assert figure.axes[0].get_xlabel() == "updates"
