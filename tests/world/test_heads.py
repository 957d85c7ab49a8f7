"""Heads, and the families of what they predict."""

import math

import pytest
import torch

from reverie.errors import UserError
from reverie.nets.mlp import MLPConfig
from reverie.ops.scale import symexp, two_hot
from reverie.types import Features
from reverie.world.heads import OUTPUTS, Binary, BinsConfig, Head, HeadConfig, Squared, TwoHot


def features(*lead):
    return Features(torch.randn(*lead, 3), torch.randn(*lead, 4))


def head(**changes):
    config = HeadConfig(mlp=MLPConfig(units=5), **changes)
    return Head(config, OUTPUTS[config.output](config.bins), 3, 4)


def test_squared_by_hand():
    parameters, target = torch.tensor([[3.0], [-1.0]]), torch.tensor([1.0, 0.0])
    assert Squared().mean(parameters).tolist() == [3.0, -1.0]
    assert Squared().loss(parameters, target).tolist() == [2.0, 0.5]  # half of 2 squared, half of 1


def test_binary_by_hand():
    logit = torch.tensor([[0.0], [math.log(3)], [math.log(3)]])
    torch.testing.assert_close(Binary().mean(logit), torch.tensor([0.5, 0.75, 0.75]))
    truth = torch.tensor([math.log(2), -math.log(0.75), -math.log(0.25)])
    torch.testing.assert_close(Binary().loss(logit, torch.tensor([1.0, 1.0, 0.0])), truth)


def test_the_bins_are_even_in_symlog_space_and_mirrored():
    bins = TwoHot(BinsConfig()).bins
    assert len(bins) == 255 and bins[127] == 0
    assert bins.equal(-bins.flip(0)) and (bins.diff() > 0).all()
    truth = symexp(torch.linspace(-20, 20, 255, dtype=torch.float64)).float()
    torch.testing.assert_close(bins, truth, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("number", "reach"), [(101, 10.0), (3, 1.0), (255, 80.0)])
def test_bins_are_as_many_and_reach_as_far_as_asked(number, reach):
    output = TwoHot(BinsConfig(number=number, reach=reach))
    assert output.size == len(output.bins) == number and output.bins.isfinite().all()
    assert output.bins[-1].item() == pytest.approx(math.expm1(reach), rel=1e-5)
    torch.testing.assert_close(output.bins, symexp(torch.linspace(-reach, reach, number)), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    "changes", [{"number": 100}, {"number": 1}, {"reach": 0.0}, {"reach": math.nan}, {"reach": 88}]
)
def test_bins_that_cannot_be_are_refused(changes):
    with pytest.raises(UserError, match=f"bins.{next(iter(changes))} must be"):
        BinsConfig(**changes)


def test_equal_weights_are_exactly_zero():
    assert TwoHot(BinsConfig()).mean(torch.zeros(4, 255)).tolist() == [0.0] * 4


@pytest.mark.parametrize("place", [0, 100, 127, 200, 254])
def test_all_weight_on_a_bin_is_that_bin(place):
    output = TwoHot(BinsConfig())
    sure = torch.full((255,), -1e4)
    sure[place] = 0
    assert output.mean(sure) == output.bins[place]


@pytest.mark.parametrize("x", [0.0, 1.0, -3.3, 0.01, 250.0, -1e5])
def test_the_two_hot_target_is_predicted_by_its_own_logarithm_and_nothing_costs_less(x):
    output, target = TwoHot(BinsConfig()), torch.tensor(x)
    weights = two_hot(target, output.bins)
    best = weights.log()
    assert output.mean(best).item() == pytest.approx(x, rel=1e-4, abs=1e-6)
    # by hand: - sum_k w_k log softmax_k
    parameters = torch.randn(255)
    slow = -sum(
        w * (p - torch.logsumexp(parameters, 0).item())
        for w, p in zip(weights.tolist(), parameters.tolist(), strict=True)
    )
    assert output.loss(parameters, target).item() == pytest.approx(slow, rel=1e-4)
    entropy = -torch.xlogy(weights, weights).sum()
    assert output.loss(best.clamp_min(-1e4), target).item() == pytest.approx(entropy.item(), abs=1e-5)
    assert output.loss(parameters, target) > entropy


def test_half_precision_is_summed_in_single():
    parameters = torch.zeros(2, 255, dtype=torch.bfloat16)
    parameters[:, 200] = 30
    mean = TwoHot(BinsConfig()).mean(parameters)
    assert mean.dtype == torch.float32
    torch.testing.assert_close(mean, TwoHot(BinsConfig()).bins[200].expand(2), rtol=1e-3, atol=0)


@pytest.mark.parametrize("output", sorted(OUTPUTS))
def test_a_head_predicts_nothing_at_first(output):
    assert head(output=output)(features(2, 5)).equal(torch.zeros(2, 5))


def test_continuation_is_undecided_at_first():
    undecided = Head(HeadConfig(), Binary(), 3, 4)
    assert undecided(features(2, 5)).equal(torch.full((2, 5), 0.5))


@pytest.mark.parametrize("output", sorted(OUTPUTS))
def test_a_head_learns_a_constant(output):
    net, known = head(output=output), features(8)
    adam = torch.optim.Adam(net.parameters(), lr=0.1)
    for _ in range(60):
        adam.zero_grad()
        net.loss(known, torch.full((8,), 2.0)).mean().backward()
        adam.step()
    torch.testing.assert_close(net(known), torch.full((8,), 2.0), atol=0.1, rtol=0)


@pytest.mark.parametrize(("reads", "moves"), [("h", (True, False)), ("z", (False, True)), ("hz", (True, True))])
def test_a_head_reads_what_it_says(reads, moves):
    net, known = head(reads=reads), features(2)
    torch.nn.init.normal_(net.mlp[-1].weight)
    deeper, other = known._replace(deter=known.deter + 1), known._replace(stoch=known.stoch + 1)
    assert tuple(not net(known).equal(net(x)) for x in (deeper, other)) == moves
