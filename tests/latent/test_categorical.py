"""Categorical latents."""

import math

import pytest
import torch
from families import generator

from reverie.errors import UserError
from reverie.latent.categorical import Categorical, CategoricalConfig, OneHot

PROBS = torch.tensor([[0.5, 0.3, 0.2], [0.05, 0.05, 0.9]], dtype=torch.float64)
"""Two categoricals of three classes."""


def latent(unimix=0.0):
    return Categorical(CategoricalConfig(groups=2, classes=3, unimix=unimix))


def test_classes_are_drawn_as_often_as_stated_and_groups_independently():
    n = 20_000
    z = OneHot(PROBS.expand(n, 2, 3)).sample(generator()).unflatten(-1, (2, 3))
    assert z.sum(-1).equal(torch.ones(n, 2).double())
    bound = 5 * (PROBS * (1 - PROBS) / n).sqrt()
    assert ((z.mean(0) - PROBS).abs() < bound).all()
    together = torch.einsum("nc,nd->cd", z[:, 0], z[:, 1]) / n
    apart = torch.outer(PROBS[0], PROBS[1])
    assert ((together - apart).abs() < 5 * (apart * (1 - apart) / n).sqrt()).all()


def test_rows_are_drawn_independently():
    n = 5000
    z = OneHot(PROBS.expand(2, n, 2, 3)).sample(generator())
    same = (z[0, :, 0] * z[1, :, 0]).mean()
    assert abs(same - 0.25) < 5 * (0.25 * 0.75 / n) ** 0.5


@pytest.mark.parametrize("uniform", [0.0, 1 - 2**-24])
def test_the_ends_of_the_uniform_draw_a_class_that_can_be(uniform, monkeypatch):
    monkeypatch.setattr(torch.Tensor, "uniform_", lambda self, generator=None: self.fill_(uniform))
    certain = OneHot(torch.tensor([[0.0, 1.0, 0.0]])).sample(generator())
    assert certain.tolist() == [0, 1, 0]
    tenths = OneHot(torch.full((1, 10), 0.1)).sample(generator())  # in single precision they do not sum to one
    assert tenths.tolist() == torch.eye(10)[0 if uniform == 0 else 9].tolist()


def test_unimix_keeps_every_probability_above_its_share():
    sure = torch.tensor([[1000.0, 0, 0, 0, 0, -1000]])
    # 0.7 * (1, 0, 0) and 0.7 * (1/2, 1/2, 0), each with 0.3 / 3 added
    probs = latent(0.3).posterior(sure).probs
    torch.testing.assert_close(probs, torch.tensor([[[0.8, 0.1, 0.1], [0.45, 0.45, 0.1]]]))
    assert latent(0.1).mismatch(sure, -sure, torch.zeros(1, 6)).isfinite().all()


def test_rare_classes_are_drawn_in_half_precision_too():
    """A share of 0.01 over 32 classes is 3e-4 each: in bfloat16 a cumulative sum near 1 would never grow by that."""
    wide = Categorical(CategoricalConfig(groups=1, classes=32, unimix=0.01))
    sure = torch.zeros(1, 32, dtype=torch.bfloat16)
    sure[:, 0] = 100
    n = 100_000
    with torch.autocast("cpu", torch.bfloat16):
        seen = wide.posterior(sure.expand(n, 32)).sample(generator()).mean(0)
    rare = 0.01 / 32
    assert ((seen[1:] - rare).abs() < 5 * (rare / n) ** 0.5).all()


def test_without_unimix_they_are_the_softmax():
    logits = torch.randn(4, 6)
    torch.testing.assert_close(latent().posterior(logits).probs, logits.unflatten(-1, (2, 3)).softmax(-1))


def test_mismatch_is_of_the_mixed_probabilities():
    q, p = torch.randn(2, 5, 6, dtype=torch.float64).unbind(0)
    left, right = (0.75 * x.unflatten(-1, (2, 3)).softmax(-1) + 0.25 / 3 for x in (q, p))
    truth = (left * (left / right).log()).sum((-1, -2))
    torch.testing.assert_close(latent(0.25).mismatch(q, p, torch.zeros(5, 6).double()), truth)


@pytest.mark.parametrize("way", ["sample", "mode"])
def test_backwards_a_sample_is_its_probabilities(way):
    leaf = torch.randn(7, 6, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(6, dtype=torch.float64)
    distribution = latent(0.1).posterior(leaf)
    z = distribution.sample(generator()) if way == "sample" else distribution.mode()
    assert set(z.detach().unique().tolist()) == {0.0, 1.0}
    (straight,) = torch.autograd.grad((z @ weights).sum(), leaf, retain_graph=True)
    (truth,) = torch.autograd.grad((distribution.probs.flatten(-2) @ weights).sum(), leaf)
    assert truth.abs().max() > 1e-3
    torch.testing.assert_close(straight, truth)


def test_the_mode_is_the_largest():
    assert OneHot(PROBS).mode().tolist() == [1, 0, 0, 0, 0, 1]


def test_temperature_divides_the_logits():
    logits = torch.randn(4, 6)
    torch.testing.assert_close(latent().prior(logits, 2.0).probs, (logits / 2).unflatten(-1, (2, 3)).softmax(-1))


def test_entropy_by_hand():
    # log 3 for equal chances; 1/2 log 2 + 1/2 log 4 for (1/2, 1/4, 1/4); nothing where all is certain
    assert OneHot(torch.full((1, 3), 1 / 3)).entropy().item() == pytest.approx(math.log(3))
    both = OneHot(torch.tensor([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]])).entropy()
    assert both.item() == pytest.approx(1.5 * math.log(2))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"groups": 0}, "not 0 and 8"),
        ({"classes": 1}, "not 16 and 1"),
        ({"unimix": 1.0}, "latent.unimix must be in .0, 1., not 1.0"),
        ({"unimix": -0.1}, "not -0.1"),
    ],
)
def test_what_cannot_be_is_refused(changes, message):
    with pytest.raises(UserError, match=message):
        CategoricalConfig(**changes)


def test_a_class_without_a_chance_leaves_the_entropys_gradient_finite():
    latent = Categorical(CategoricalConfig(groups=2, classes=4, unimix=0.0))
    parameters = torch.zeros(1, 8)
    parameters[0, 0] = 200.0  # its rivals' chances are 0 in float32
    parameters.requires_grad_()
    entropy = latent.posterior(parameters).entropy()
    assert entropy.item() == pytest.approx(math.log(4))
    (gradient,) = torch.autograd.grad(entropy.sum(), parameters)
    assert torch.isfinite(gradient).all()
