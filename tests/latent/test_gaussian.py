"""Diagonal Gaussian latents."""

import math

import pytest
import torch
from families import generator

from reverie.errors import UserError
from reverie.latent.gaussian import Gaussian, GaussianConfig, Normal


def test_parameters_are_the_mean_and_what_softplus_takes():
    normal = Gaussian(GaussianConfig(size=2, min_std=0.1)).posterior(torch.tensor([[3.0, -1.0, 0.0, -100.0]]))
    assert normal.mean.tolist() == [[3.0, -1.0]]
    # softplus(0) = log 2; softplus(-100) is nothing
    torch.testing.assert_close(normal.std, torch.tensor([[math.log(2) + 0.1, 0.1]]))


def test_samples_have_the_stated_mean_and_deviation_and_dimensions_are_independent():
    n = 20_000
    mean, std = torch.tensor([1.0, -2.0, 0.0]).double(), torch.tensor([0.5, 3.0, 1.0]).double()
    z = Normal(mean.expand(n, 3), std.expand(n, 3)).sample(generator())
    assert ((z.mean(0) - mean).abs() < 5 * std / n**0.5).all()
    assert ((z.std(0) - std).abs() < 5 * std / (2 * n) ** 0.5).all()
    assert ((torch.corrcoef(z.T) - torch.eye(3)).abs() < 5 / n**0.5).all()


def test_rows_are_drawn_independently():
    z = Normal(torch.zeros(2, 5000), torch.ones(2, 5000)).sample(generator())
    assert abs(torch.corrcoef(z)[0, 1]) < 5 / 5000**0.5


def test_entropy_by_hand():
    # 1/2 log(2 pi e) = 1.4189385 for a standard normal; log 2 more for twice the deviation
    assert Normal(torch.zeros(1), torch.ones(1)).entropy().item() == pytest.approx(1.4189385)
    assert Normal(torch.zeros(2), torch.tensor([1.0, 2.0])).entropy().item() == pytest.approx(2.837877 + math.log(2))


def test_temperature_scales_the_variance():
    latent, parameters = Gaussian(GaussianConfig(size=1)), torch.tensor([[2.0, 0.3]])
    one, four = latent.prior(parameters), latent.prior(parameters, 4.0)
    assert four.mean.equal(one.mean)
    torch.testing.assert_close(four.std, 2 * one.std)


def test_the_gradient_of_a_sample_is_reparameterised():
    mean, std = torch.zeros(4, requires_grad=True), torch.ones(4, requires_grad=True)
    z = Normal(mean, std).sample(generator())
    z.sum().backward()
    # z = mean + std * noise, so dz/dmean = 1 and dz/dstd = noise, which is z here
    assert mean.grad.tolist() == [1, 1, 1, 1]
    torch.testing.assert_close(std.grad, z.detach())


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"size": 0}, "latent.size must be at least 1, not 0"), ({"min_std": -0.1}, "must not be negative, not -0.1")],
)
def test_what_cannot_be_is_refused(changes, message):
    with pytest.raises(UserError, match=message):
        GaussianConfig(**changes)
