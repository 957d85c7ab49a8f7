"""What is measured of a trained agent for its report."""

import numpy as np
from ailing import facts

from reverie.report.open_loop import DREAMS
from reverie.report.signals import draw_errors


def test_dreams_are_measured_beside_what_is_expected_and_two_guesses(tmp_path):
    measured = facts(tmp_path / "run", {}).measured
    assert set(measured.errors) == {"state", "reward"}
    for errors in measured.errors.values():
        assert set(errors) == {"dream", "expected", "repeat", "mean"}
        assert not np.allclose(errors["dream"], errors["expected"])
    figure = draw_errors(measured.errors, 0, tmp_path / "errors.png")
    (legend,) = [axes.get_legend() for axes in figure.axes if axes.get_legend()]
    assert f"mean of {DREAMS} drawn dreams" in [text.get_text() for text in legend.get_texts()]


def test_its_own_episodes_are_promised_something(tmp_path):
    measured = facts(tmp_path / "run", {}).measured
    assert measured.promised.shape == (len(measured.played),) and np.isfinite(measured.promised).all()
