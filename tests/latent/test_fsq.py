"""Codes are those that a loop rounds to, their chances those that are drawn, and gradients pass both."""

import itertools
import math

import pytest
import torch
from families import generator

from reverie.errors import UserError
from reverie.latent.fsq import FSQ, FSQConfig

LEVELS = [(5, 3), (4, 3), (2, 7), (8,)]


def latent(levels=(5, 3), groups=2):
    return FSQ(FSQConfig(groups=groups, levels=levels))


def parameters(family, *rows, seed=0, prior=False):
    size = family.prior_size if prior else family.posterior_size
    return 2 * torch.randn(*rows, size, generator=generator(seed), dtype=torch.float64)


def values(level):
    """What a number of that many levels can be: for 5 of them -1, -1/2, 0, 1/2, 1; for 4 -1, -1/2, 0, 1/2."""
    return [(step - level // 2) / (level // 2) for step in range(level)]


def nearest(y, level):
    """The value nearest to the bounded number, found by trying all of them."""
    half, offset = (level - 1) * 1.001 / 2, 0.0 if level % 2 else 0.5
    bounded = (half * math.tanh(y + math.atanh(offset / half)) - offset) / (level // 2)
    return min(values(level), key=lambda value: abs(value - bounded))


@pytest.mark.parametrize("levels", LEVELS)
def test_z_is_what_a_loop_rounds_to(levels):
    family = latent(levels, groups=3)
    y = parameters(family, 4)
    z = family.posterior(y).mode()
    assert z.shape == (4, family.size) == (4, 3 * len(levels))
    for row, group, number in itertools.product(range(4), range(3), range(len(levels))):
        place = group * len(levels) + number
        assert float(z[row, place]) == nearest(float(y[row, place]), levels[number]), (row, place)


@pytest.mark.parametrize("levels", LEVELS)
def test_every_value_can_be_reached_and_none_beyond(levels):
    family = latent(levels, groups=1)
    y = torch.linspace(-9, 9, 40_001, dtype=torch.float64).unsqueeze(-1).expand(-1, family.size)
    z = family.posterior(y).mode()
    for number, level in enumerate(levels):
        assert z[:, number].unique().tolist() == pytest.approx(values(level))


@pytest.mark.parametrize("level", [3, 5, 7, 4, 8])
def test_nothing_in_is_nothing_out(level):
    assert torch.equal(latent((level,)).posterior(torch.zeros(1, 2)).mode(), torch.zeros(1, 2))


def test_the_gradient_of_a_code_is_that_of_the_number_before_it_was_rounded():
    family = latent((4, 3), groups=1)
    leaf = parameters(family, 5).requires_grad_()
    weights = torch.tensor([2.0, -3.0]).double()
    (found,) = torch.autograd.grad((family.posterior(leaf).sample(generator()) @ weights).sum(), leaf)
    for number, level in enumerate((4, 3)):
        half, offset = (level - 1) * 1.001 / 2, 0.0 if level % 2 else 0.5
        slope = half * (1 - torch.tanh(leaf[:, number] + math.atanh(offset / half)).square()) / (level // 2)
        torch.testing.assert_close(found[:, number], weights[number] * slope.detach())


@pytest.mark.parametrize("levels", LEVELS)
def test_the_mismatch_is_the_cross_entropy_that_a_loop_finds(levels):
    family = latent(levels, groups=3)
    q, p = parameters(family, 4), parameters(family, 4, seed=1, prior=True)
    z = family.posterior(q).mode()
    # the first number of a code is counted first
    book = [code[::-1] for code in itertools.product(*(values(level) for level in reversed(levels)))]
    found = family.mismatch(q, p, z)
    for row in range(4):
        total = 0.0
        for group in range(3):
            logits = p[row, group * len(book) : (group + 1) * len(book)].tolist()
            code = z[row, group * len(levels) : (group + 1) * len(levels)].tolist()
            place = next(k for k, known in enumerate(book) if code == pytest.approx(list(known)))
            total += math.log(sum(math.exp(x) for x in logits)) - logits[place]
        assert float(found[row]) == pytest.approx(total)


def test_the_mismatch_moves_the_prior_and_not_the_posterior():
    family = latent()
    q, p = parameters(family, 4).requires_grad_(), parameters(family, 4, prior=True).requires_grad_()
    loss = family.mismatch(q, p, family.posterior(q).mode())
    by_q, by_p = torch.autograd.grad(loss.sum(), [q, p], allow_unused=True)
    assert by_q is None and by_p.abs().max() > 0.1


def test_a_prior_that_is_sure_of_the_code_has_no_mismatch():
    family = latent((5, 3), groups=1)
    q = torch.tensor([[9.0, -9.0]])  # the last of five, the first of three: number 4 + 5 * 0
    p = torch.zeros(1, 15)
    p[0, 4] = 100
    assert float(family.mismatch(q, p, q)) == pytest.approx(0, abs=1e-6)
    assert torch.equal(family.prior(p).mode(), family.posterior(q).mode())


def test_codes_are_drawn_as_often_as_stated_and_groups_independently():
    n, family = 20_000, latent((2, 3))
    logits = parameters(family, 1, prior=True).expand(n, -1) / 2
    prior = family.prior(logits)
    probs, z = torch.softmax(prior.logits[0], -1), prior.sample(generator())
    hot = (z.unflatten(-1, (2, 1, 2)) == prior.book).all(-1).double()
    assert hot.sum(-1).equal(torch.ones(n, 2).double())
    assert ((hot.mean(0) - probs).abs() < 5 * (probs * (1 - probs) / n).sqrt()).all()
    together, apart = torch.einsum("nc,nd->cd", hot[:, 0], hot[:, 1]) / n, torch.outer(probs[0], probs[1])
    assert ((together - apart).abs() < 5 * (apart * (1 - apart) / n).sqrt() + 1e-12).all()


def test_backwards_a_sample_is_the_codes_mean_under_its_noise():
    family = latent((4, 3), groups=2)
    leaf = parameters(family, 3, prior=True).requires_grad_()
    weights = torch.randn(family.size, generator=generator(5)).double()
    (found,) = torch.autograd.grad((family.prior(leaf).sample(generator(1)) @ weights).sum(), leaf)
    uniform = torch.empty(3, 2, 12, dtype=torch.float64).uniform_(generator=generator(1))
    noise = -(-uniform.log()).log()
    book = torch.tensor([(a, b) for b in values(3) for a in values(4)]).double()
    soft = torch.softmax(leaf.unflatten(-1, (2, 12)) + noise, -1)
    (truth,) = torch.autograd.grad(((soft @ book).flatten(-2) @ weights).sum(), leaf)
    assert truth.abs().max() > 1e-2
    torch.testing.assert_close(found, truth)


def test_a_sample_is_a_code_with_a_graph_and_without():
    family = latent()
    p = parameters(family, 6, prior=True)
    for way in (family.prior(p), family.prior(p.clone().requires_grad_())):
        z = way.sample(generator(3))
        assert (z.unflatten(-1, (2, 1, 2)) == way.book).all(-1).any(-1).all()
        assert torch.equal(z, family.prior(p).sample(generator(3)))


def test_the_mode_is_the_most_likely_and_temperature_widens():
    family = latent((4, 3))
    p = parameters(family, 5, prior=True)
    index = p.unflatten(-1, (2, 12)).argmax(-1)
    assert torch.equal(family.prior(p).mode(), family.prior(p).book[index].flatten(-2))
    cold, warm, hot = (family.prior(p, t).entropy() for t in (0.5, 1.0, 2.0))
    assert (cold < warm).all() and (warm < hot).all()


def test_entropies_by_hand():
    family = latent((5, 3), groups=2)
    assert float(family.prior(torch.zeros(30)).entropy()) == pytest.approx(2 * math.log(15))
    assert torch.equal(family.posterior(torch.randn(3, 4)).entropy(), torch.zeros(3))
    assert family.departure(torch.randn(3, 4)).tolist() == pytest.approx([2 * math.log(15)] * 3)


def test_half_precision_has_the_same_codes():
    family = latent((7, 3))
    p = parameters(family, 6, prior=True).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        z = family.prior(p.requires_grad_()).mode()
    assert z.dtype == torch.float32
    assert torch.equal(z, family.prior(p.detach()).mode())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"groups": 0}, "latent.groups must be at least 1, not 0"),
        ({"levels": ()}, "latent.levels needs numbers of at least 2, not none"),
        ({"levels": (5, 1)}, "latent.levels needs numbers of at least 2, not 5 1"),
    ],
)
def test_what_cannot_be_is_refused(changes, message):
    with pytest.raises(UserError, match=message):
        FSQConfig(**changes)
