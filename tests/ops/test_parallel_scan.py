"""The parallel scan, against a walk in complex numbers."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from reverie.ops.parallel_scan import linear_scan


def drawn(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def turning(*radii):
    """Numbers of these sizes, each of another phase, as pairs."""
    size, phase = torch.tensor(radii, dtype=torch.float64), torch.arange(1.0, len(radii) + 1).double()
    return torch.cat([size * phase.cos(), size * phase.sin()])


def segments(rows, steps, chance=0.2):
    """Some begin inside, in row 0 none, in the last row at every step."""
    begins = torch.rand(rows, steps) < chance
    begins[0], begins[-1] = False, True
    return begins.long().cumsum(1)


def walk(a, b, u, before, segment):
    """Step by step, in complex128."""

    def whole(x):
        x = x.detach().double().numpy()
        return x[..., : x.shape[-1] // 2] + 1j * x[..., x.shape[-1] // 2 :]

    a, b, u, x = whole(a), whole(b), whole(u), whole(before)
    out = []
    for t in range(u.shape[1]):
        goes_on = np.ones(len(u)) if t == 0 else (segment[:, t] == segment[:, t - 1]).numpy()
        x = np.where(goes_on[:, None], a * x, 0) + b * u[:, t]
        out.append(x)
    made = np.stack(out, 1)
    return torch.from_numpy(np.concatenate([made.real, made.imag], -1))


@given(st.integers(1, 40), st.integers(1, 4), st.integers(0, 1000))
def test_it_equals_the_walk(steps, rows, seed):
    torch.manual_seed(seed)
    a, b, u, before = turning(0.3, 0.9, 0.999), drawn(6), drawn(rows, steps, 6), drawn(rows, 6)
    segment = segments(rows, steps)
    torch.testing.assert_close(
        linear_scan(a, b, u, before, segment), walk(a, b, u, before, segment), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize(("kind", "bound"), [(torch.float64, 1e-13), (torch.float32, 2e-4)])
def test_a_long_chunk(kind, bound):
    # 4096 steps of memories of up to 100,000 steps; states grow to some 100
    a, b = turning(0.3, 0.97, 0.9999, 0.99999).to(kind), drawn(8).to(kind)
    u, before = drawn(2, 4096, 8).to(kind), 100 * drawn(2, 8).to(kind)
    segment = segments(2, 4096, 0.001)
    segment[-1] = segment[-1].div(1000, rounding_mode="floor")
    truth = walk(a, b, u, before, segment)
    size = truth.abs().max()
    assert size > 50
    made = linear_scan(a, b, u, before, segment)
    assert made.dtype == kind
    torch.testing.assert_close(made.double(), truth, rtol=0, atol=bound * size.item())


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 8, 9, 16])
def test_the_gradient_is_that_of_finite_differences(steps):
    given = [turning(0.5, 0.95), drawn(4), drawn(3, steps, 4), drawn(3, 4)]
    segment = segments(3, steps, 0.3)
    for x in given:
        x.requires_grad_()
    assert torch.autograd.gradcheck(lambda *x: linear_scan(*x, segment), given)


@pytest.mark.parametrize("wanted", [0, 1, 2, 3])
def test_each_gradient_alone(wanted):
    given = [turning(0.5, 0.95), drawn(4), drawn(3, 5, 4), drawn(3, 4)]
    segment, weights = segments(3, 5), drawn(3, 5, 4)
    for x in given:
        x.requires_grad_()
    every = torch.autograd.grad((linear_scan(*given, segment) * weights).sum(), given)
    alone = [x if index == wanted else x.detach() for index, x in enumerate(given)]
    (one,) = torch.autograd.grad((linear_scan(*alone, segment) * weights).sum(), alone[wanted])
    torch.testing.assert_close(one, every[wanted])


def test_the_gradient_of_a_view_is_not_written_to():
    u, before = drawn(2, 4, 4).requires_grad_(), drawn(2, 4)
    x = linear_scan(turning(0.5, 0.9), drawn(4), u, before, segments(2, 4))
    passed = drawn(2, 4, 4)
    kept = passed.clone()
    x.backward(passed)
    assert torch.equal(passed, kept)


@pytest.mark.parametrize("wild", [math.inf, math.nan])
def test_nothing_passes_where_a_segment_begins(wild):
    a, b, u, before = turning(0.5, 0.9), drawn(4), drawn(2, 9, 4), drawn(2, 4)
    segment = torch.tensor([[0, 0, 0, 0, 0, 1, 1, 1, 1], [0] * 9])
    u[:, 2] = wild
    a.requires_grad_()
    x = linear_scan(a, b, u, before, segment)
    assert x[0, 5:].isfinite().all() and not x[1, 2:].isfinite().any()
    (gradient,) = torch.autograd.grad(x[0, 5:].sum(), a)
    truth = walk(a, b, u[:, 5:], 0 * before, segment[:, 5:])
    torch.testing.assert_close(x[0, 5:], truth[0])
    assert gradient.isnan().all()  # a share of nothing: what was not finite is part of this sum


class Products(TorchDispatchMode):
    """How many numbers are multiplied and added, four of them for each complex product."""

    def __init__(self):
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function is torch.ops.aten.addcmul_.default:
            self.numbers += args[0].numel()
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("power", [0, 1, 2, 4, 7])
def test_what_it_costs(power):
    steps, states = 2**power, 3
    given = (turning(*[0.9] * states), drawn(2 * states), drawn(1, steps, 2 * states), drawn(1, 2 * states))
    cost = 4 * states * (2 * steps - 1 - power + steps)
    with Products() as products:
        x = linear_scan(*[x.requires_grad_() for x in given], torch.zeros(1, steps, dtype=torch.long))
    assert products.numbers == cost
    with Products() as products:
        x.sum().backward()
    assert products.numbers == cost  # beside the sums for a and b, which are no products in place
