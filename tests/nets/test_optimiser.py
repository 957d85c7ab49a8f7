"""A gradient step, pinned against torch's own Adam; LaProp has tests of its own."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from reverie.errors import UserError
from reverie.nets.optimiser import Optimiser, OptimiserConfig, clip_adaptively


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


@pytest.mark.parametrize("clip", [0.0, float("inf")])
def test_a_clip_of_nothing_changes_no_gradient(clip):
    net = nn.Linear(3, 3)
    loss_of(net).backward()
    truth = net.weight.grad.clone()
    optimiser = Optimiser(OptimiserConfig(clip=clip), [net])
    norm = optimiser.step(loss_of(net))
    assert net.weight.grad.equal(truth)
    assert norm.item() == pytest.approx(torch.cat([p.grad.flatten() for p in net.parameters()]).norm().item())


def test_adaptive_clipping_by_hand():
    # |w| = 5, a fifth of it is 1: |g| = 10 is shortened to 1, |g| = 0.5 is not; |w| = 0 counts as 0.001
    weights = [torch.tensor([3.0, 4.0]), torch.tensor([[5.0]]), torch.zeros(2)]
    gradients = [torch.tensor([6.0, -8.0]), torch.tensor([[0.5]]), torch.tensor([0.3, 0.4])]
    norms = clip_adaptively(weights, gradients, 0.2)
    assert [x.item() for x in norms] == pytest.approx([10.0, 0.5, 0.5])
    torch.testing.assert_close(gradients[0], torch.tensor([0.6, -0.8]))
    assert gradients[1].item() == 0.5
    torch.testing.assert_close(gradients[2], torch.tensor([0.2e-3 * 0.6, 0.2e-3 * 0.8]))


@given(st.floats(1e-3, 10), st.floats(1e-6, 1e6), st.integers(0, 5))
def test_a_clipped_gradient_keeps_its_direction_and_its_bound(share, unit, seed):
    draw = torch.Generator().manual_seed(seed)
    weights = [torch.randn(shape, generator=draw) for shape in ((3, 2), (4,), ())]
    before = [unit * torch.randn(w.shape, generator=draw) for w in weights]
    after = [g.clone() for g in before]
    clip_adaptively(weights, after, share)
    for w, old, new in zip(weights, before, after, strict=True):
        longest = share * max(1e-3, w.norm().item())
        assert new.norm().item() == pytest.approx(min(longest, old.norm().item()), rel=1e-4)
        torch.testing.assert_close(new * old.norm(), old * new.norm(), rtol=1e-3, atol=1e-4 * float(old.norm()))


def test_both_clips_and_the_norm_before_them():
    ours, theirs = nn.Linear(3, 3), nn.Linear(3, 3)
    theirs.load_state_dict(ours.state_dict())
    norm = Optimiser(OptimiserConfig(agc=0.1, clip=0.05), [ours]).step(loss_of(ours))
    loss_of(theirs).backward()
    gradients = [p.grad for p in theirs.parameters()]
    torch.testing.assert_close(norm, torch.cat([g.flatten() for g in gradients]).norm())
    clip_adaptively([p.data for p in theirs.parameters()], gradients, 0.1)
    nn.utils.clip_grad_norm_(theirs.parameters(), 0.05)
    for left, right in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(left.grad, right.grad)


@pytest.mark.parametrize("algorithm", ["adam", "laprop"])
def test_the_learning_rate_warms_up_evenly(algorithm):
    # A constant gradient moves a weight by lr, in both.
    net = nn.Linear(1, 1, bias=False)
    scaled = nn.Linear(1, 1, bias=False)
    config = OptimiserConfig(algorithm=algorithm, lr=0.1, warmup=4, eps=1e-20)
    optimiser = Optimiser(config, [net, scaled], {scaled: 0.5})
    for expected in (0.025, 0.05, 0.075, 0.1, 0.1, 0.1):
        before = net.weight.item(), scaled.weight.item()
        optimiser.step(net.weight.sum() + scaled.weight.sum())
        assert before[0] - net.weight.item() == pytest.approx(expected, rel=1e-4)
        assert before[1] - scaled.weight.item() == pytest.approx(expected / 2, rel=1e-4)


@pytest.mark.parametrize("algorithm", ["adam", "laprop"])
def test_the_learning_rate_falls_to_half_and_on(algorithm):
    net = nn.Linear(1, 1, bias=False)
    optimiser = Optimiser(OptimiserConfig(algorithm=algorithm, lr=0.1, warmup=2, decay=2, eps=1e-20), [net])
    for expected in (0.1 / 2 * 2 / 3, 0.1 * 2 / 4, 0.1 * 2 / 5, 0.1 * 2 / 6):
        before = net.weight.item()
        optimiser.step(net.weight.sum())
        assert before - net.weight.item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("algorithm", ["adam", "laprop"])
def test_the_learning_rate_falls_to_nothing_along_half_a_cosine_and_stays_there(algorithm):
    net = nn.Linear(1, 1, bias=False)
    optimiser = Optimiser(OptimiserConfig(algorithm=algorithm, lr=0.1, until=4, eps=1e-20), [net])
    root = 0.5**0.5
    for expected in (0.05 * (1 + root), 0.05, 0.05 * (1 - root), 0.0, 0.0):
        before = net.weight.item()
        optimiser.step(net.weight.sum())
        assert before - net.weight.item() == pytest.approx(expected, rel=1e-4, abs=1e-9)


RATES = [{"warmup": 6}, {"decay": 2}, {"until": 6}]


@pytest.mark.parametrize("rates", RATES, ids=["warm-up", "decay", "until"])
@pytest.mark.parametrize("algorithm", ["adam", "laprop"])
def test_the_rates_go_on_where_they_were(algorithm, rates):
    config = OptimiserConfig(algorithm=algorithm, lr=0.1, **rates)
    straight, unused = nn.Linear(3, 3), nn.Linear(3, 3)
    optimiser = Optimiser(config, [straight, unused])
    for _ in range(2):
        optimiser.step(loss_of(straight))
    resumed = copy.deepcopy(straight)
    again = Optimiser(config, [resumed, unused])
    # what a checkpoint keeps: the tensors
    saved = copy.deepcopy(optimiser.state_dict()["state"])
    assert all(isinstance(x, torch.Tensor) for moments in saved.values() for x in moments.values())
    again.load_state_dict(again.state_dict() | {"state": saved})
    for net, steps in ((straight, optimiser), (resumed, again)):
        for _ in range(2):
            steps.step(loss_of(net))
    assert resumed.weight.equal(straight.weight)


@pytest.mark.parametrize("algorithm", ["adam", "laprop"])
def test_weights_decay_whatever_the_learning_rate(algorithm):
    net, unused = nn.Linear(3, 3), nn.Linear(3, 3)
    before, still = weights(net), weights(unused)
    config = OptimiserConfig(algorithm=algorithm, lr=1e-12, weight_decay=0.1)
    Optimiser(config, [net, unused]).step(loss_of(net))
    for now, then in zip(weights(net), before, strict=True):
        torch.testing.assert_close(now, 0.9 * then)
    assert all(a.equal(b) for a, b in zip(weights(unused), still, strict=True))


def test_adam_has_the_betas_it_is_given():
    ours = nn.Linear(3, 3)
    theirs = copy.deepcopy(ours)
    optimiser = Optimiser(OptimiserConfig(lr=0.01, beta1=0.5, beta2=0.7, clip=0.0), [ours])
    adam = torch.optim.Adam(theirs.parameters(), lr=0.01, betas=(0.5, 0.7))
    for _ in range(4):
        optimiser.step(loss_of(ours))
        adam.zero_grad()
        loss_of(theirs).backward()
        adam.step()
    torch.testing.assert_close(ours.weight, theirs.weight)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lr": 0.0}, "lr must be positive, not 0.0"),
        ({"eps": -1.0}, "eps must be positive, not -1.0"),
        ({"lr": float("nan")}, "lr must be positive, not nan"),
        ({"clip": -1.0}, "clip must be positive, or 0 for none, not -1.0"),
        ({"agc": -0.1}, "agc must be positive, or 0 for none, not -0.1"),
        ({"warmup": -1}, "warmup must be positive, or 0 for none, not -1"),
        ({"until": -1}, "until must be positive, or 0 for none, not -1"),
        ({"until": 1}, r"until must be above its warmup \(0\) and 1, not 1"),
        ({"until": 4, "warmup": 4}, r"until must be above its warmup \(4\) and 1, not 4"),
        ({"decay": -1}, "decay must be positive, or 0 for none, not -1"),
        ({"beta1": 1.0}, r"beta1 must be in \[0, 1\), not 1.0"),
        ({"beta2": -0.1}, r"beta2 must be in \[0, 1\), not -0.1"),
        ({"weight_decay": 1.0}, r"weight_decay must be in \[0, 1\), not 1.0"),
    ],
)
def test_what_cannot_be_is_refused(changes, said):
    with pytest.raises(UserError, match=said):
        OptimiserConfig(**changes)
