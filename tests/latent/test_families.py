"""What holds for every registered latent family that is a distribution."""

import pytest
import torch
from families import FAMILIES, generator, log_density

from reverie.agents.parts import PARTS
from reverie.latent.latent import draw

DRAWS = 20_000
NAMES = sorted(name for name in PARTS["latent"] if not FAMILIES[name].certain)
"""Points have no density: they have a module each."""
ALIKE = [name for name in NAMES if FAMILIES[name].prior_size == FAMILIES[name].posterior_size]
"""Families whose prior and posterior are the same."""


def parameters(latent, rows=1, seed=0, prior=False):
    size = latent.prior_size if prior else latent.posterior_size
    return torch.randn(rows, size, generator=generator(seed), dtype=torch.float64)


def check_mismatch(latent, mismatch):
    """KL(q || p) = E_q[log q(z) - log p(z)], within five standard errors of a Monte-Carlo estimate."""
    q, p = parameters(latent, 2, seed=1), 2 * parameters(latent, 2, seed=2, prior=True)
    posterior, prior = latent.posterior(q.expand(DRAWS, -1, -1)), latent.prior(p.expand(DRAWS, -1, -1))
    z = posterior.sample(generator())
    ratio = log_density(posterior, z) - log_density(prior, z)
    error = 5 * ratio.std(0) / DRAWS**0.5
    # Where it has no closed form, it is right in the mean alone.
    found, estimate = mismatch(q.expand(DRAWS, -1, -1), p.expand(DRAWS, -1, -1), z).mean(0), ratio.mean(0)
    assert found.shape == (2,)
    assert ((found - estimate).abs() < error).all(), (found, estimate, error)


@pytest.mark.parametrize("name", NAMES)
def test_mismatch_is_the_expected_ratio(name):
    check_mismatch(FAMILIES[name], FAMILIES[name].mismatch)


@pytest.mark.parametrize("name", ALIKE)
def test_the_wrong_order_of_the_arguments_is_found(name):
    with pytest.raises(AssertionError):
        check_mismatch(FAMILIES[name], lambda q, p, z: FAMILIES[name].mismatch(p, q, z))


@pytest.mark.parametrize("name", ALIKE)
def test_nothing_differs_from_itself(name):
    latent = FAMILIES[name]
    q = parameters(latent, 5)
    z = latent.posterior(q).mode()
    torch.testing.assert_close(latent.mismatch(q, q, z), torch.zeros(5).double())


@pytest.mark.parametrize("name", NAMES)
def test_entropy_is_the_expected_surprise(name):
    latent = FAMILIES[name]
    distribution = latent.posterior(parameters(latent).expand(DRAWS, -1))
    surprise = -log_density(distribution, distribution.sample(generator()))
    assert abs(surprise.mean() - distribution.entropy()[0]) < 5 * surprise.std() / DRAWS**0.5 + 1e-12


@pytest.mark.parametrize("name", ALIKE)
def test_posterior_and_prior_of_the_same_parameters_are_the_same_at_temperature_one(name):
    latent = FAMILIES[name]
    same = parameters(latent, 4)
    for left, right in zip(latent.posterior(same), latent.prior(same, 1.0), strict=True):
        assert left is right or left.equal(right)


@pytest.mark.parametrize("name", NAMES)
def test_temperature_widens_and_narrows(name):
    latent = FAMILIES[name]
    cold, warm, hot = (latent.prior(parameters(latent, 4, prior=True), t).entropy() for t in (0.5, 1.0, 2.0))
    assert (cold < warm).all() and (warm < hot).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_mode_is_the_most_likely(name):
    latent = FAMILIES[name]
    distribution = latent.posterior(parameters(latent, 4).expand(200, -1, -1))
    others = log_density(distribution, distribution.sample(generator()))
    assert (log_density(distribution, distribution.mode()) >= others).all()


@pytest.mark.parametrize("name", NAMES)
def test_sizes_and_leading_axes(name):
    latent = FAMILIES[name]
    distribution = latent.posterior(torch.randn(2, 5, latent.posterior_size))
    assert distribution.sample(generator()).shape == distribution.mode().shape == (2, 5, latent.size)
    assert distribution.entropy().shape == (2, 5)


@pytest.mark.parametrize("name", NAMES)
def test_draws_come_from_the_generator_alone(name):
    latent = FAMILIES[name]
    distribution = latent.posterior(parameters(latent, 50))
    torch.manual_seed(1)
    one = draw(distribution, generator(3))
    torch.manual_seed(2)
    assert draw(distribution, generator(3)).equal(one)
    assert not draw(distribution, generator(4)).equal(one)
    assert draw(distribution, None).equal(distribution.mode())


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_has_a_gradient(name):
    latent = FAMILIES[name]
    leaf = parameters(latent, 3).requires_grad_()
    weights = torch.randn(latent.size, generator=generator(5)).double()
    (latent.posterior(leaf).sample(generator()) @ weights).sum().backward()
    assert leaf.grad.isfinite().all() and (leaf.grad.abs().sum(-1) > 1e-6).all()
