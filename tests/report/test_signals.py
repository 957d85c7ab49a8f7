"""Each metric of a log has its panel, those of a part of one's own too."""

import pytest

from reverie.report.signals import MOST, draw_signals

LINE = {"frames": 8, "updates": 2, "seconds": 1.0, "train_seconds": 1.0, "eval/return": 3.0, "replay/mib": 1.0}


def titles(tmp_path, *lines):
    figure = draw_signals([LINE | line for line in lines], tmp_path / "signals.png")
    return None if figure is None else [axes.get_title("left") for axes in figure.axes if axes.get_visible()]


def labels(tmp_path, title, *lines):
    figure = draw_signals([LINE | line for line in lines], tmp_path / "signals.png")
    (axes,) = [axes for axes in figure.axes if axes.get_title("left") == title]
    return [line.get_label() for line in axes.lines]


def test_nothing_to_draw_is_no_picture(tmp_path):
    assert titles(tmp_path, {}) is None
    assert not (tmp_path / "signals.png").exists()


def test_what_is_known_comes_first(tmp_path):
    assert titles(tmp_path, {"surprise": 1.0, "loss/world": 2.0, "kl": 1.0}) == [
        "mismatch of posterior and prior, nats",
        "losses",
        "surprise",
    ]


def test_metrics_of_ones_own_stand_together_where_their_names_begin_alike(tmp_path):
    mine = {"novelty/mean": 1.0, "surprise": 0.5, "novelty/largest": 2.0}
    assert titles(tmp_path, mine, {"novelty/mean": 3.0}) == ["novelty", "surprise"]
    assert labels(tmp_path, "novelty", mine) == ["novelty/mean", "novelty/largest"]


def test_a_known_beginning_does_not_hide_what_is_not_known(tmp_path):
    found = titles(tmp_path, {"population/best": 1.0, "population/sigma": 0.5, "value/mean": 1.0})
    assert found == ["value and dreamed return", "returns of a population", "population"]


@pytest.mark.parametrize("count", [MOST, MOST + 3])
def test_no_more_panels_than_a_page_has_room_for(count, tmp_path):
    assert len(titles(tmp_path, {f"mine{number}": 1.0 for number in range(count)})) == MOST
