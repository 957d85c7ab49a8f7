"""symlog, two-hot weights, the distance between quantiles, and a deviation of 1."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reverie.ops.scale import spread, standardise, symexp, symlog, two_hot

BINS = torch.tensor([-4.0, -1.0, 0.0, 2.0, 10.0], dtype=torch.float64)


def test_symlog_by_hand():
    x = torch.tensor([-(math.e - 1), 0.0, math.e - 1, math.e**2 - 1], dtype=torch.float64)
    torch.testing.assert_close(symlog(x), torch.tensor([-1.0, 0.0, 1.0, 2.0]).double())


@given(st.floats(-1e6, 1e6))
def test_symexp_is_the_inverse(x):
    assert symexp(symlog(torch.tensor(x, dtype=torch.float64))).item() == pytest.approx(x, rel=1e-9, abs=1e-12)


def test_symlog_has_slope_one_at_zero():
    x = torch.tensor(1e-8, dtype=torch.float64)
    assert symlog(x).item() == pytest.approx(1e-8, rel=1e-6)


def test_two_hot_by_hand():
    # 0.5 lies a quarter of the way from 0 to 2; -2.5 halfway from -4 to -1
    weights = two_hot(torch.tensor([0.5, -2.5], dtype=torch.float64), BINS)
    assert weights.tolist() == [[0, 0, 0.75, 0.25, 0], [0.5, 0.5, 0, 0, 0]]


@pytest.mark.parametrize("place", range(5))
def test_on_a_bin_all_weight_is_there(place):
    assert two_hot(BINS[place], BINS).tolist() == torch.eye(5)[place].tolist()


def test_beyond_the_bins_all_weight_falls_on_the_last():
    weights = two_hot(torch.tensor([-5.0, 11.0, -math.inf, math.inf]).double(), BINS)
    assert weights.argmax(-1).tolist() == [0, 4, 0, 4]
    assert weights.max(-1).values.tolist() == [1, 1, 1, 1]


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=6))
def test_the_weighted_mean_gives_x_back(xs):
    x = torch.tensor(xs, dtype=torch.float64)
    weights = two_hot(x, BINS)
    torch.testing.assert_close(weights @ BINS, x.clamp(-4, 10))
    assert (weights >= 0).all() and ((weights > 0).sum(-1) <= 2).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(len(xs)).double())


def test_two_hot_of_a_transposed_tensor():
    x = torch.tensor([[0.5, -2.5], [10.0, -4.0], [1.0, 2.0]], dtype=torch.float64)
    assert two_hot(x.T, BINS).equal(two_hot(x, BINS).transpose(0, 1))


def test_spread_by_hand():
    # of 0 .. 100, the 5 % quantile is 5 and the 95 % quantile 95
    x = torch.arange(101.0).reshape(1, 101).requires_grad_()
    assert spread(x).item() == pytest.approx(90)
    assert spread(x, 0.25, 0.5).item() == pytest.approx(25)
    assert not spread(x).requires_grad
    assert spread(torch.full((3, 4), 7.0)).item() == 0


def test_standardised_by_hand():
    # weights 1, 1, 2: mean (1 + 3 + 10) / 4 = 3.5, variance (6.25 + 0.25 + 2 * 2.25) / 4 = 2.75
    x = standardise(torch.tensor([1.0, 3.0, 5.0]), torch.tensor([1.0, 1.0, 2.0]))
    torch.testing.assert_close(x, torch.tensor([-2.5, -0.5, 1.5]) / 2.75**0.5)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_where_nothing_varies_or_weighs_the_standardised_is_finite(weight):
    x = standardise(torch.full((3,), 5.0), torch.full((3,), weight))
    assert torch.isfinite(x).all()
    assert (weight * x == 0).all()


def test_what_weighs_nothing_is_standardised_to_nothing():
    assert (standardise(torch.tensor([1.0, 2.0, 3.0]), torch.zeros(3)) == 0).all()
