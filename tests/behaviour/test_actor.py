"""The tanh-Gaussian policy, against numerical integration of its density."""

import numpy as np
import pytest
import torch

from reverie.behaviour.actor import Actor, ActorConfig
from reverie.nets.mlp import MLPConfig
from reverie.types import Actions, Features

FEATURES = Features(torch.tensor([[0.3, -0.2]]), torch.tensor([[1.0]]))


def actor(action=1, **changes):
    torch.manual_seed(3)
    return Actor(ActorConfig(mlp=MLPConfig(layers=1, units=8, norm="none"), **changes), 2, 1, Actions(action))


def moments(policy, features=FEATURES):
    """Mean and standard deviation before the tanh."""
    return policy.policy.moments(policy(features))


def rows(number):
    return Features(*[part.expand(number, -1) for part in FEATURES])


def density(policy, action):
    """p(a) of one-dimensional actions in double precision: N(atanh(a); mean, std) / (1 - a^2)."""
    mean, std = (float(x.detach()) for x in moments(policy))
    raw = np.arctanh(action)
    return np.exp(-0.5 * ((raw - mean) / std) ** 2) / (std * np.sqrt(2 * np.pi)) / (1 - action**2)


def grid(policy):
    """Actions spaced evenly before the tanh, and the width of each one's cell after it."""
    mean, std = (float(x.detach()) for x in moments(policy))
    edges = np.tanh(np.linspace(mean - 7 * std, min(mean + 7 * std, 17), 20_001))
    return (edges[1:] + edges[:-1]) / 2, np.diff(edges)


@pytest.mark.parametrize("std", ["bounded", "softplus"])
def test_log_prob_is_the_density_of_the_action(std):
    policy = actor(std=std)
    with torch.no_grad():
        policy.mlp[-1].bias[1] -= 4  # not so wide that tanh rounds to one
    noise = torch.linspace(-2.5, 2.5, 41).unsqueeze(-1)
    choice = policy.choose(rows(41), noise)
    action = choice.action[:, 0].detach().double().numpy()
    inner = np.abs(action) < 0.999
    assert inner.sum() > 10
    np.testing.assert_allclose(choice.log_prob.detach()[inner], np.log(density(policy, action[inner])), atol=2e-3)
    cells, widths = grid(policy)
    assert (density(policy, cells) * widths).sum() == pytest.approx(1, abs=1e-3)


def test_entropy_is_estimated_without_bias():
    policy = actor()
    cells, widths = grid(policy)
    p = density(policy, cells)
    exact = -(p * np.log(p) * widths).sum()
    noise = torch.randn(200_000, 1, generator=torch.Generator().manual_seed(0))
    choice = policy.choose(rows(len(noise)), noise)
    assert choice.entropy.mean().item() == pytest.approx(exact, abs=4 * choice.entropy.std().item() / 200_000**0.5)


def test_dimensions_add_up():
    policy = actor(action=3)
    noise = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    choice = policy.choose(rows(5), noise)
    mean, std = moments(policy, rows(5))
    normal = torch.distributions.Normal(mean, std).log_prob(mean + std * noise).sum(-1)
    expected = normal - torch.log(1 - choice.action.double().square()).sum(-1)
    torch.testing.assert_close(choice.log_prob.double(), expected, rtol=1e-3, atol=1e-3)


def test_far_out_it_stays_finite():
    policy = actor()
    with torch.no_grad():
        policy.mlp[-1].bias[0] += 50
    choice = policy.choose(rows(3), torch.tensor([[-1.0], [0.0], [1.0]]))
    assert torch.isfinite(choice.log_prob).all()
    gradients = torch.autograd.grad(choice.log_prob.sum(), list(policy.parameters()))
    assert all(torch.isfinite(g).all() for g in gradients)


def test_a_drawn_action_is_that_of_its_noise():
    policy = actor(action=2)
    action, noise = policy.draw(rows(4), torch.Generator().manual_seed(0))
    torch.testing.assert_close(policy.choose(rows(4), noise).action, action)


def test_the_mode_is_the_action_of_the_mean():
    policy = actor(action=2)
    torch.testing.assert_close(policy.mode(FEATURES), torch.tanh(moments(policy)[0]))
    torch.testing.assert_close(policy.mode(FEATURES), policy.choose(FEATURES, torch.zeros(1, 2)).action)


def test_the_standard_deviation_has_a_floor():
    for std in ("bounded", "softplus"):
        policy = actor(std=std, min_std=0.3)
        with torch.no_grad():
            policy.mlp[-1].bias[1] = -100
        assert moments(policy)[1].item() == pytest.approx(0.3)
    # bounded: 0.1 + 0.9 sigmoid(2) = 0.8927; softplus: 1e-4 + softplus(5) = 5.0068 (Dreamer's init_std of 5)
    for std, smallest, expected in (("bounded", 0.1, 0.8927), ("softplus", 1e-4, 5.0068)):
        policy = actor(std=std, min_std=smallest)
        with torch.no_grad():
            policy.mlp[-1].weight.zero_()
            policy.mlp[-1].bias.zero_()
        assert moments(policy)[1].item() == pytest.approx(expected, abs=1e-4)


def test_noise_is_added_to_what_is_explored():
    plain, noisy = (actor(noise=noise).explore(rows(4000), torch.Generator().manual_seed(0)) for noise in (0.0, 0.3))
    assert noisy.abs().max() == 1
    inner = (plain.abs() < 0.1).squeeze(-1)
    assert (noisy - plain)[inner].std().item() == pytest.approx(0.3, abs=0.05)
