"""Pairs of real numbers, against Python's complex ones."""

import torch

from reverie.ops import pairs


def drawn(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def whole(a):
    real, imaginary = a.chunk(2, -1)
    return torch.complex(real, imaginary)


def test_product_and_conjugate():
    a, b = drawn(3, 4, 6), drawn(3, 4, 6)
    torch.testing.assert_close(whole(pairs.product(a, b)), whole(a) * whole(b))
    torch.testing.assert_close(whole(pairs.conjugate(a)), whole(a).conj())


def test_scaled():
    a, b = drawn(6), drawn(3, 4, 6)
    torch.testing.assert_close(whole(pairs.scaled(a, b)), whole(a) * whole(b))
    assert pairs.scaled(a, b[:, ::2]).is_contiguous()


def test_add_product_writes_into_a_view():
    into, a, b = drawn(3, 5, 6), drawn(6), drawn(3, 2, 6)
    truth = whole(into)
    truth[:, 1::2] += whole(a) * whole(b)
    before = b.clone()
    pairs.add_product_(into[:, 1::2], a, b)
    torch.testing.assert_close(whole(into), truth)
    assert torch.equal(b, before)
