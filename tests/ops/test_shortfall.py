"""The hinge on a mean: its mean, its gradient, and where there is none."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reverie.ops.shortfall import shortfall

SHARES = st.lists(st.floats(-2, 2), min_size=1, max_size=6)


@given(shares=SHARES, floor=st.floats(0, 1))
def test_its_mean_is_the_hinge_of_the_mean(shares, floor):
    share = torch.tensor(shares, dtype=torch.float64)
    assert float(shortfall(share, floor).mean()) == pytest.approx(max(0.0, floor - float(share.mean())), abs=1e-12)


def test_its_gradient_is_that_of_the_mean_below_the_floor():
    share = torch.tensor([0.5, -0.4, 0.1], requires_grad=True)
    (grad,) = torch.autograd.grad(shortfall(share, 0.2).mean(), share)
    # Those above the floor are pushed as well: it is the mean that lacks.
    torch.testing.assert_close(grad, torch.full((3,), -1 / 3))


def test_above_the_floor_nothing_is_pushed():
    share = torch.tensor([0.5, 0.0, 0.2], requires_grad=True)
    loss = shortfall(share, 0.2)
    (grad,) = torch.autograd.grad(loss.mean(), share)
    assert loss.tolist() == [0, 0, 0] and grad.tolist() == [0, 0, 0]
