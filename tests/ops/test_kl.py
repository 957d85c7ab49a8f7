"""Divergences against torch.distributions, and by hand."""

import math

import pytest
import torch
from torch import distributions as td

from reverie.ops import kl


def test_normal_by_hand():
    # KL(N(1, 1) || N(0, 2)) = log 2 + (1 + 1) / 8 - 1/2 in each of two dimensions
    one, zero = torch.ones(2), torch.zeros(2)
    assert kl.normal(one, one, zero, 2 * one).item() == pytest.approx(2 * (math.log(2) - 0.25))
    # the other way round: -log 2 + (4 + 1) / 2 - 1/2
    assert kl.normal(zero, 2 * one, one, one).item() == pytest.approx(2 * (2 - math.log(2)))


def test_normal_agrees_with_torch():
    mean, to_mean = torch.randn(2, 3, 4, 5, dtype=torch.float64).unbind(0)
    std, to_std = (torch.rand(2, 3, 4, 5, dtype=torch.float64) + 0.1).unbind(0)
    truth = td.kl_divergence(td.Normal(mean, std), td.Normal(to_mean, to_std)).sum(-1)
    torch.testing.assert_close(kl.normal(mean, std, to_mean, to_std), truth)


def test_categorical_by_hand():
    # KL((1/2, 1/2) || (1/4, 3/4)) = 1/2 log 2 + 1/2 log 2/3
    p, q = torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[0.25, 0.75]]).log()
    assert kl.categorical(p, q).item() == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(2 / 3))
    # the other way round: 1/4 log 1/2 + 3/4 log 3/2
    assert kl.categorical(q, p).item() == pytest.approx(0.25 * math.log(0.5) + 0.75 * math.log(1.5))


def test_categorical_agrees_with_torch():
    p, q = torch.randn(2, 3, 4, 5, 6, dtype=torch.float64).log_softmax(-1).unbind(0)
    truth = td.kl_divergence(td.Categorical(logits=p), td.Categorical(logits=q)).sum(-1)
    torch.testing.assert_close(kl.categorical(p, q), truth)
