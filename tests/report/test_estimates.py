"""Middles and intervals over seeds, as worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reverie.report.estimates import interquartile_mean, interquartile_mean_and_interval, mean_and_range


def test_the_quarters_at_the_ends_are_left_out():
    # Of 8 the two smallest and the two largest: (3 + 4 + 5 + 9) / 4; of 3 none: (1 + 2 + 6) / 3.
    assert interquartile_mean(np.array([100.0, 4, 3, 9, -50, 5, 2, 70])) == pytest.approx(5.25)
    assert interquartile_mean(np.array([6.0, 1, 2])) == pytest.approx(3)


def test_mean_and_range_are_those_of_each_place():
    middle, low, high = mean_and_range(np.array([[1.0, 10], [3, 30]]))
    assert (middle.tolist(), low.tolist(), high.tolist()) == ([2, 20], [1, 10], [3, 30])


def test_one_seed_has_an_interval_without_width():
    estimate = interquartile_mean_and_interval(np.array([[1.0, 5, 2]]))
    for part in estimate:
        assert part.tolist() == [1, 5, 2]


def test_the_interval_of_two_seeds_is_their_range():
    # A quarter of the bootstrap's samples hold the one seed twice, a quarter the other: both ends lie beyond 2.5 %.
    middle, low, high = interquartile_mean_and_interval(np.array([[0.0, 4], [1.0, 8]]))
    assert (middle.tolist(), low.tolist(), high.tolist()) == ([0.5, 6], [0, 4], [1, 8])


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=12))
def test_an_interval_holds_its_middle_and_stays_within_the_seeds(values):
    returns = np.array(values)[:, None]
    middle, low, high = (float(x[0]) for x in interquartile_mean_and_interval(returns))
    assert min(values) - 1e-9 <= low <= middle + 1e-9
    assert middle - 1e-9 <= high <= max(values) + 1e-9


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    # 300 studies of 20 seeds: the percentile bootstrap covers a little less than 95 %.
    _, low, high = interquartile_mean_and_interval(rng.normal(size=(20, 300)))
    assert 0.88 < np.mean((low < 0) & (high > 0)) < 0.97
