"""lambda_return and reach against arithmetic by hand and slow oracles."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reverie.ops.returns import lambda_return, reach


def n_step(reward, discount, value, i, n):
    """G_i^(n) = r_{i+1} + d_{i+1} r_{i+2} + ... + d_{i+1} .. d_{i+n} v_{i+n}; column k belongs to arriving at k+1."""
    total, through = 0.0, 1.0
    for k in range(i, i + n):
        total += through * reward[k]
        through *= discount[k]
    return total + through * value[i + n - 1]


def mixture(reward, discount, value, lambda_):
    """The lambda-return as it is defined: a mixture of n-step returns whose weights sum to one."""
    horizon, returns = len(reward), []
    for i in range(horizon):
        longest = horizon - i
        weights = [(1 - lambda_) * lambda_ ** (n - 1) for n in range(1, longest)] + [lambda_ ** (longest - 1)]
        assert sum(weights) == pytest.approx(1)
        returns.append(sum(w * n_step(reward, discount, value, i, n) for n, w in enumerate(weights, start=1)))
    return returns


def row(*x):
    return torch.tensor([x], dtype=torch.float64)


def test_by_hand():
    # r = 1, 2, 4; d = 0.5, 0.5, 0.5; v = 10, 20, 40; lambda = 0.5
    # G_2 = 4 + 0.5 * 40                        = 24
    # G_1 = 2 + 0.5 * (0.5 * 20 + 0.5 * 24)     = 13
    # G_0 = 1 + 0.5 * (0.5 * 10 + 0.5 * 13)     = 6.75
    returns = lambda_return(row(1, 2, 4), row(0.5, 0.5, 0.5), row(10, 20, 40), 0.5)
    assert returns.tolist() == [[6.75, 13.0, 24.0]]


def test_lambda_zero_is_one_step():
    # 1 + 0.5 * 10, 2 + 0.5 * 20, 4 + 0.5 * 40
    assert lambda_return(row(1, 2, 4), row(0.5, 0.5, 0.5), row(10, 20, 40), 0.0).tolist() == [[6.0, 12.0, 24.0]]


def test_lambda_one_is_the_discounted_sum_with_the_last_value_at_its_end():
    # 24; 2 + 0.5 * 24 = 14; 1 + 0.5 * 14 = 8. The values before the last are not read.
    assert lambda_return(row(1, 2, 4), row(0.5, 0.5, 0.5), row(-7, 99, 40), 1.0).tolist() == [[8.0, 14.0, 24.0]]


def test_nothing_comes_after_an_end():
    # The dream ends on arriving at 2: d_2 = 0. G_1 = 2 and G_0 = 1 + 0.9 * (0.05 * 10 + 0.95 * 2) = 3.16.
    returns = lambda_return(row(1, 2, 4), row(0.9, 0.0, 0.9), row(10, 20, 40), 0.95)
    torch.testing.assert_close(returns[0, :2], torch.tensor([3.16, 2.0], dtype=torch.float64))


@pytest.mark.parametrize("lambda_", [0.0, 0.3, 0.95, 1.0])
def test_weights_sum_to_one(lambda_):
    # No reward, no discount, the same value everywhere: any mixture of n-step returns is that value.
    one = torch.ones(2, 7, dtype=torch.float64)
    torch.testing.assert_close(lambda_return(0 * one, one, 3 * one, lambda_), 3 * one)


@given(st.integers(0, 10_000), st.integers(1, 7), st.floats(0, 1))
def test_the_mixture_of_n_step_returns(seed, horizon, lambda_):
    generator = torch.Generator().manual_seed(seed)
    reward, value = torch.randn(2, 3, horizon, generator=generator, dtype=torch.float64).unbind(0)
    discount = torch.rand(3, horizon, generator=generator, dtype=torch.float64)
    slow = [mixture(*rows, lambda_) for rows in zip(reward.tolist(), discount.tolist(), value.tolist(), strict=True)]
    torch.testing.assert_close(lambda_return(reward, discount, value, lambda_), torch.tensor(slow).double())


def test_one_step_of_horizon_and_more_axes():
    reward = torch.arange(6.0).reshape(2, 3, 1)
    assert lambda_return(reward, torch.full_like(reward, 0.5), torch.full_like(reward, 2), 0.9).equal(reward + 1)


def test_gradients_reach_reward_and_value():
    reward, value = row(1, 2).requires_grad_(), row(3, 4).requires_grad_()
    lambda_return(reward, row(0.5, 0.5), value, 0.5)[0, 0].backward()
    # G_0 = r_1 + 0.5 * (0.5 v_1 + 0.5 * (r_2 + 0.5 v_2))
    assert reward.grad.tolist() == [[1.0, 0.25]]
    assert value.grad.tolist() == [[0.25, 0.125]]


def test_reach_is_one_at_the_first_choice_and_then_the_product_of_what_came_before():
    # The last discount belongs to arriving at the horizon, where nothing is chosen.
    assert reach(row(0.5, 0.5, 0.0, 0.9)).tolist() == [[1.0, 0.5, 0.25, 0.0]]
    assert reach(row(0.3)).tolist() == [[1.0]]
