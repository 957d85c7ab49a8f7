"""A vector without chance is its parameters."""

import pytest
import torch
from families import FAMILIES, generator

from reverie.errors import UserError
from reverie.latent.deterministic import DeterministicConfig

LATENT = FAMILIES["deterministic"]


def test_z_is_its_parameters():
    y = torch.randn(2, 5, 3)
    for point in (LATENT.posterior(y), LATENT.prior(y), LATENT.prior(y, 3.0)):
        assert torch.equal(point.sample(generator()), y) and torch.equal(point.mode(), y)
        assert torch.equal(point.entropy(), torch.zeros(2, 5))


def test_distances_by_hand():
    q, p = torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[1.0, 0.0, 4.0]])
    assert float(LATENT.mismatch(q, p, q)) == pytest.approx((4 + 1) / 3)
    assert float(LATENT.departure(q)) == pytest.approx((1 + 4 + 9) / 3)


def test_a_size_that_makes_no_sense_is_refused():
    with pytest.raises(UserError, match=r"latent.size must be at least 1, not 0"):
        DeterministicConfig(size=0)
