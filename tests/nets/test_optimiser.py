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


def test_several_can_differentiate_one_graph_before_any_weight_moves():
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    optimisers = [Optimiser(OptimiserConfig(), [first]), Optimiser(OptimiserConfig(), [second])]
    loss = loss_of(first, second)
    truth = torch.autograd.grad(loss, [first.weight, second.weight], retain_graph=True)
    optimisers[0].differentiate(loss, retain_graph=True)
    optimisers[1].differentiate(2 * loss)
    assert first.weight.grad.equal(truth[0])
    torch.testing.assert_close(second.weight.grad, 2 * truth[1])
    for optimiser in optimisers:
        optimiser.descend()


def test_a_module_can_have_a_learning_rate_of_its_own():
    # Adam's first step is lr in the direction of the gradient's sign.
    slow, fast, outside = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3)
    before = [weights(net) for net in (slow, fast, outside)]
    Optimiser(OptimiserConfig(lr=0.01), [nn.Sequential(slow, fast)], {slow: 0.5, outside: 9.0}).step(
        loss_of(slow, fast)
    )
    for net, old, lr in zip((slow, fast, outside), before, (0.005, 0.01, 0.0), strict=True):
        for now, then in zip(weights(net), old, strict=True):
            torch.testing.assert_close((now - then).abs(), torch.full_like(now, lr), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("changes", [{"lr": 0.0}, {"eps": -1.0}, {"clip": 0.0}])
def test_what_cannot_be_is_refused(changes):
    with pytest.raises(UserError, match="must be positive, not .*" + str(*changes.values())):
        OptimiserConfig(**changes)
