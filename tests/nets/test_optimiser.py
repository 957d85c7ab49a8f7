"""A gradient step, pinned against torch's own Adam."""

import copy

import pytest
import torch
from torch import nn

from reverie.errors import UserError
from reverie.nets.optimiser import Optimiser, OptimiserConfig


def loss_of(*modules):
    x = torch.linspace(-1, 1, 12).reshape(4, 3)
    for module in modules:
        x = module(x)
    return 50 * (x - 1).square().sum()


def weights(module):
    return [p.detach().clone() for p in module.parameters()]


@pytest.mark.parametrize("clip", [0.5, 1e9])
def test_steps_are_those_of_adam_with_a_clipped_gradient(clip):
    ours = nn.Linear(3, 3)
    theirs = copy.deepcopy(ours)
    optimiser = Optimiser(OptimiserConfig(lr=0.01, eps=1e-3, clip=clip), [ours])
    adam = torch.optim.Adam(theirs.parameters(), lr=0.01, eps=1e-3)
    for _ in range(5):
        norm = optimiser.step(loss_of(ours))
        adam.zero_grad()
        loss_of(theirs).backward()
        truth = torch.sqrt(sum(p.grad.square().sum() for p in theirs.parameters()))
        for p in theirs.parameters():
            p.grad *= min(1.0, clip / (truth.item() + 1e-6))
        adam.step()
        torch.testing.assert_close(norm, truth)  # before clipping
        assert norm > 0.5
        for left, right in zip(weights(ours), weights(theirs), strict=True):
            torch.testing.assert_close(left, right)


def test_only_its_own_modules_move_and_no_other_gets_a_gradient():
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    before = weights(first), weights(second)
    Optimiser(OptimiserConfig(), [second]).step(loss_of(first, second))
    assert all(p.grad is None for p in first.parameters())
    assert all(a.equal(b) for a, b in zip(weights(first), before[0], strict=True))
    assert not any(a.equal(b) for a, b in zip(weights(second), before[1], strict=True))


def test_gradients_of_the_step_before_are_gone():
    net = nn.Linear(3, 3)
    optimiser = Optimiser(OptimiserConfig(lr=1e-12), [net])
    assert optimiser.step(loss_of(net)).item() == pytest.approx(optimiser.step(loss_of(net)).item(), rel=1e-5)


def test_a_weight_that_the_loss_does_not_reach_stays():
    used, unused = nn.Linear(3, 3), nn.Linear(3, 3)
    before = weights(unused)
    Optimiser(OptimiserConfig(), [used, unused]).step(loss_of(used))
    assert all(a.equal(b) for a, b in zip(weights(unused), before, strict=True))


def test_it_goes_on_from_a_saved_state():
    straight = nn.Linear(3, 3)
    optimiser = Optimiser(OptimiserConfig(lr=0.01), [straight])
    optimiser.step(loss_of(straight))
    resumed = copy.deepcopy(straight)
    again = Optimiser(OptimiserConfig(lr=0.01), [resumed])
    again.load_state_dict(copy.deepcopy(optimiser.state_dict()))
    fresh = copy.deepcopy(straight)
    for net, steps in ((straight, optimiser), (resumed, again), (fresh, Optimiser(OptimiserConfig(lr=0.01), [fresh]))):
        steps.step(loss_of(net))
    assert resumed.weight.equal(straight.weight)
    assert not fresh.weight.equal(straight.weight)


@pytest.mark.parametrize("changes", [{"lr": 0.0}, {"eps": -1.0}, {"clip": 0.0}])
def test_what_cannot_be_is_refused(changes):
    with pytest.raises(UserError, match="must be positive, not .*" + str(*changes.values())):
        OptimiserConfig(**changes)
