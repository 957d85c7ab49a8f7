"""Simplicial latents are points: nothing is drawn, and their distance stands where others have a divergence."""

import pytest
import torch
from families import FAMILIES, generator

from reverie.errors import UserError
from reverie.latent.simnorm import SimNormConfig

LATENT = FAMILIES["simnorm"]


def parameters(*rows, seed=0):
    return torch.randn(*rows, LATENT.posterior_size, generator=generator(seed))


def test_z_is_a_point_on_each_simplex():
    z = LATENT.posterior(parameters(2, 5)).mode()
    assert z.shape == (2, 5, LATENT.size)
    torch.testing.assert_close(z.unflatten(-1, (2, 3)).sum(-1), torch.ones(2, 5, 2))
    assert (z > 0).all()


def test_nothing_is_drawn_and_nothing_is_uncertain():
    point = LATENT.posterior(parameters(4))
    assert torch.equal(point.sample(generator(1)), point.mode())
    assert torch.equal(point.entropy(), torch.zeros(4))


def test_the_mismatch_is_the_mean_squared_distance():
    q, p = parameters(4), parameters(4, seed=1)
    found = LATENT.mismatch(q, p, LATENT.posterior(q).mode())
    torch.testing.assert_close(found, (LATENT.posterior(q).value - LATENT.prior(p).value).square().mean(-1))
    assert torch.equal(LATENT.mismatch(q, q, q), torch.zeros(4))
    assert (LATENT.departure(torch.zeros(1, LATENT.size)).abs() < 1e-12).all()


def test_a_temperature_draws_to_the_middle():
    hot, cold = (LATENT.prior(parameters(4), t).value.max(-1).values for t in (3.0, 0.3))
    assert (hot < cold).all()


@pytest.mark.parametrize("values", [{"groups": 0}, {"classes": 1}])
def test_sizes_that_make_no_sense_are_refused(values):
    with pytest.raises(UserError, match="classes at least 2, not"):
        SimNormConfig(**values)
