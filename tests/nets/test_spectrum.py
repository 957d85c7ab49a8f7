"""First eigenvalues, against matrices that numpy diagonalises, and what is drawn."""

import math

import numpy as np
import pytest
import torch

from reverie.nets.spectrum import hippo, linear, repeated, ring
from reverie.nets.state_space import Systems


def legs(size):
    """HiPPO-LegS, entry by entry (Gu et al. 2020, theorem 2)."""
    a = np.zeros((size, size))
    for n in range(size):
        for k in range(n + 1):
            a[n, k] = -(n + 1) if n == k else -math.sqrt((2 * n + 1) * (2 * k + 1))
    return a


@pytest.mark.parametrize("pairs", [1, 2, 8, 32])
def test_hippo_has_the_eigenvalues_of_the_normal_part(pairs):
    size = 2 * pairs
    root = np.sqrt(np.arange(size) + 0.5)
    normal = legs(size) + np.outer(root, root)  # a matrix of rank 1 makes it normal
    np.testing.assert_allclose(normal @ normal.T, normal.T @ normal, atol=1e-9 * size**4)
    truth = np.linalg.eigvals(normal)
    decay, frequency = hippo(pairs)
    assert len(decay) == len(frequency) == pairs
    # each with its conjugate: no other is in the matrix, and none twice
    ours = np.concatenate([-decay + 1j * frequency, -decay - 1j * frequency])
    np.testing.assert_allclose(np.sort(ours.imag), np.sort(truth.imag), atol=1e-10 * size**2)
    np.testing.assert_allclose(truth.real, -0.5, atol=1e-10 * size**2)
    assert (decay == 0.5).all() and (frequency > 0).all()
    assert len(np.unique(frequency.numpy().round(6))) == pairs


def test_linear_by_hand():
    decay, frequency = linear(3)
    assert decay.tolist() == [0.5] * 3
    assert frequency.tolist() == pytest.approx([0, math.pi, 2 * math.pi])


def test_blocks_have_the_same_eigenvalues_and_steps_of_their_own():
    spectrum = repeated(hippo(4), 200, 0.001, 0.1)
    assert spectrum.frequency.reshape(200, 4).unique(dim=0).shape == (1, 4)
    assert spectrum.step.min() >= 0.001 and spectrum.step.max() <= 0.1
    logs = spectrum.step.log10()
    assert logs.mean().item() == pytest.approx(-2, abs=0.1)
    assert logs.std().item() == pytest.approx(2 / math.sqrt(12), abs=0.05)
    assert (spectrum.scale == 1).all()


def test_a_ring_is_filled_evenly_and_makes_states_of_variance_1():
    spectrum = ring(4000, 0.3, 0.97)
    a, b = (x[0].detach().double() for x in Systems([spectrum])())
    real, imaginary = a.chunk(2)
    size, phase = torch.hypot(real, imaginary), torch.atan2(imaginary, real)
    assert size.min() + 1e-5 >= 0.3 and size.max() <= 0.97 + 1e-5
    assert phase.min() + 1e-5 >= 0 and phase.max() <= math.pi / 2 + 1e-5
    assert phase.mean().item() == pytest.approx(math.pi / 4, abs=0.03)
    # as many within any radius as it has of the area
    within = (size < 0.7).double().mean().item()
    assert within == pytest.approx((0.7**2 - 0.3**2) / (0.97**2 - 0.3**2), abs=0.03)
    # noise of variance 1 through b: sum_k |a|^2k |b|^2 = 1
    power = b.chunk(2)[0].square() + b.chunk(2)[1].square()
    torch.testing.assert_close(
        power * spectrum.scale.square() / (1 - size.square()), torch.ones(4000).double(), rtol=1e-3, atol=0
    )
