"""LaProp, against the paper's algorithm one number at a time."""

import copy
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from reverie.nets.laprop import LaProp


def slowly(weight, gradients, lr, beta1, beta2, eps):
    """Algorithm 1 of Ziyin et al. 2020 for one weight: its value after each gradient."""
    n = m = 0.0
    values = []
    for t, g in enumerate(gradients, 1):
        n = beta2 * n + (1 - beta2) * g * g
        m = beta1 * m + (1 - beta1) * g / (math.sqrt(n / (1 - beta2**t)) + eps)
        weight -= lr * m / (1 - beta1**t)
        values.append(weight)
    return values


@given(
    st.lists(st.floats(-10, 10, allow_subnormal=False), min_size=1, max_size=6),
    st.sampled_from([0.0, 0.5, 0.9]),
    st.sampled_from([0.0, 0.99, 0.999]),
    st.sampled_from([1e-20, 1e-3]),
)
def test_steps_are_those_of_the_paper(gradients, beta1, beta2, eps):
    weight = torch.tensor([0.7], dtype=torch.float64, requires_grad=True)
    optimiser = LaProp([weight], 0.1, (beta1, beta2), eps)
    for g, truth in zip(gradients, slowly(0.7, gradients, 0.1, beta1, beta2, eps), strict=True):
        weight.grad = torch.tensor([g], dtype=torch.float64)
        optimiser.step()
        assert weight.item() == pytest.approx(truth, rel=1e-9, abs=1e-9)


def test_many_weights_in_groups_with_rates_of_their_own():
    weights = [torch.randn(3, 2), torch.randn(4), torch.randn(())]
    gradients = [[torch.randn_like(w) for w in weights] for _ in range(5)]
    ours = [w.clone().requires_grad_() for w in weights]
    optimiser = LaProp([{"params": ours[:2], "lr": 0.1}, {"params": ours[2:], "lr": 0.01}], 1.0, (0.8, 0.9), 1e-20)
    for now in gradients:
        for w, g in zip(ours, now, strict=True):
            w.grad = g.clone()
        optimiser.step()
    for w, start, lr, *seen in zip(ours, weights, (0.1, 0.1, 0.01), *gradients, strict=True):
        for index in range(start.numel()):
            history = [g.flatten()[index].item() for g in seen]
            truth = slowly(start.flatten()[index].item(), history, lr, 0.8, 0.9, 1e-20)[-1]
            assert w.flatten()[index].item() == pytest.approx(truth, rel=1e-4, abs=1e-5)


def test_a_weight_counts_the_updates_it_had():
    early, late = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    optimiser = LaProp([early, late], 0.1)
    for step in range(4):
        early.grad = torch.tensor([1.0 + step])
        late.grad = torch.tensor([3.0]) if step == 3 else None
        optimiser.step()
    assert late.item() == pytest.approx(-0.1)  # the first step is lr in the direction of the sign
    assert early.item() == pytest.approx(slowly(0.0, [1.0, 2, 3, 4], 0.1, 0.9, 0.999, 1e-20)[-1], rel=1e-5)


@pytest.mark.parametrize("size", [0.0, 1e-30, 1e-20, 1e-12, 1.0, 1e12])
def test_the_smallest_epsilon_is_safe_in_single_precision(size):
    weight = torch.zeros(4, requires_grad=True)
    optimiser = LaProp([weight], 0.1)
    for _ in range(3):
        weight.grad = torch.full((4,), size)
        optimiser.step()
    assert weight.isfinite().all()
    # at most lr a step, whatever the gradient's size; but for 1e-20, whose square is a subnormal number
    assert (weight.abs() <= 0.31).all()
    if size >= 1e-12:
        torch.testing.assert_close(weight.detach(), torch.full((4,), -0.3))


def test_the_step_does_not_depend_on_the_gradients_unit():
    ways = []
    for unit in (1.0, 1024.0):  # a power of two, so that rounding is the same
        weight = torch.zeros(5, requires_grad=True)
        optimiser = LaProp([weight], 0.1)
        draw = torch.Generator().manual_seed(0)
        for _ in range(4):
            weight.grad = unit * torch.randn(5, generator=draw)
            optimiser.step()
        ways.append(weight.detach())
    torch.testing.assert_close(*ways)


def test_its_state_is_tensors_and_goes_on_where_it_was():
    net = nn.Linear(3, 2)
    optimiser = LaProp(net.parameters(), 0.1)
    for p in net.parameters():
        p.grad = torch.randn_like(p)
    optimiser.step()
    state = copy.deepcopy(optimiser.state_dict())
    assert {key: {type(x) for x in moments.values()} for key, moments in state["state"].items()} == {
        0: {torch.Tensor},
        1: {torch.Tensor},
    }
    again = copy.deepcopy(net)
    resumed = LaProp(again.parameters(), 0.1)
    resumed.load_state_dict(state)
    for a, b in zip(net.parameters(), again.parameters(), strict=True):
        a.grad = torch.randn_like(a)
        b.grad = a.grad.clone()
    optimiser.step()
    resumed.step()
    assert net.weight.equal(again.weight) and net.bias.equal(again.bias)
