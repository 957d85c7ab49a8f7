"""A mixture prior in each dimension."""

import math

import pytest
import torch
from families import generator, log_density

from reverie.errors import UserError
from reverie.latent.mixture import Mixed, Mixture, MixtureConfig


def two(weight=0.25, std=0.1):
    """One dimension: a normal around -1, another around 2."""
    return Mixed(torch.tensor([[weight, 1 - weight]]).log(), torch.tensor([[-1.0, 2.0]]), torch.full((1, 2), std))


def test_components_are_drawn_by_their_weights():
    n = 20_000
    z = Mixed(*(x.expand(n, 1, 2) for x in two())).sample(generator())
    low = z < 0.5
    assert abs(low.float().mean() - 0.25) < 5 * math.sqrt(0.25 * 0.75 / n)
    assert abs(z[low].mean() + 1) < 5 * 0.1 / (0.25 * n) ** 0.5
    assert abs(z[~low].std() - 0.1) < 0.005


def test_dimensions_choose_apart():
    n = 5_000
    z = Mixed(*(x.expand(n, 2, 2) for x in two(0.5))).sample(generator())
    assert abs(torch.corrcoef(z.T)[0, 1]) < 5 / n**0.5


def test_the_mode_is_the_highest_and_not_the_heaviest():
    narrow = Mixed(torch.tensor([[0.4, 0.6]]).log(), torch.tensor([[-1.0, 2.0]]), torch.tensor([[0.1, 1.0]]))
    assert narrow.mode().tolist() == [-1.0]
    places = torch.linspace(-3, 5, 8001).unsqueeze(-1)
    assert places[narrow.log_prob(places).argmax()].item() == pytest.approx(-1.0, abs=1e-3)


def test_the_density_is_that_of_a_slow_sum():
    mixed = Mixture(MixtureConfig(size=3, components=4)).prior(torch.randn(5, 36, generator=generator()).double())
    z = torch.randn(5, 3, generator=generator(1)).double()
    torch.testing.assert_close(mixed.log_prob(z), log_density(mixed, z))


def test_far_from_all_components_the_density_has_a_gradient():
    mean = torch.zeros(1, 2, requires_grad=True)
    log_prob = Mixed(torch.tensor([[0.5, 0.5]]).log(), mean, torch.full((1, 2), 0.1)).log_prob(torch.tensor([50.0]))
    log_prob.sum().backward()
    assert log_prob.isfinite().all() and mean.grad.abs().sum() > 1


def test_the_entropy_is_that_of_component_and_value():
    # 1/2 log(2 pi e) + log 0.1 for each component, and log 2 for which of two
    assert two(0.5).entropy().item() == pytest.approx(1.4189385 + math.log(0.1) + math.log(2), rel=1e-5)


def test_temperature_divides_log_weights_and_scales_variances():
    latent, parameters = Mixture(MixtureConfig(size=1, components=2)), torch.tensor([[1.0, -1.0, 0.0, 3.0, 0.2, 0.4]])
    one, four = latent.prior(parameters), latent.prior(parameters, 4.0)
    assert one.log_weight.exp()[0, 0, 0].item() == pytest.approx(1 / (1 + math.exp(-2)))
    assert four.log_weight.exp()[0, 0, 0].item() == pytest.approx(1 / (1 + math.exp(-0.5)))
    assert four.mean.equal(one.mean)
    torch.testing.assert_close(four.std, 2 * one.std)


def test_no_component_is_refused():
    with pytest.raises(UserError, match=r"latent\.components must be at least 1, not 0"):
        MixtureConfig(components=0)
