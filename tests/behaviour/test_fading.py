"""The policy whose noise fades by updates (DrQ-v2)."""

from itertools import pairwise

import pytest
import torch

from reverie.behaviour.actor import Actor, ActorConfig
from reverie.errors import UserError
from reverie.nets.mlp import MLPConfig
from reverie.types import Actions, Features

FEATURES = Features(torch.tensor([[0.3, -0.2]]), torch.tensor([[1.0]]))


def fading(size=2, **changes):
    torch.manual_seed(3)
    values = {"min_std": 0.1, "max_std": 1.0, "fade": 10, **changes}
    config = ActorConfig(mlp=MLPConfig(layers=1, units=8, norm="none"), normal="fading", **values)
    return Actor(config, 2, 1, Actions(size))


def rows(number):
    return Features(*[part.expand(number, -1) for part in FEATURES])


def draws():
    return torch.Generator().manual_seed(0)


def test_the_fading_normal_by_hand():
    policy = fading(3)
    mean = torch.tanh(policy(FEATURES)[0].detach())
    noise = torch.tensor([[0.1, -4.0, 4.0]])
    choice = policy.choose(FEATURES, noise)
    # learning sees noise of 0.3 at most
    cut = mean + torch.tensor([0.1, -0.3, 0.3])
    torch.testing.assert_close(choice.action[0], cut.clamp(-1, 1))
    normal = torch.distributions.Normal(mean, torch.ones(3))
    torch.testing.assert_close(choice.log_prob[0], normal.log_prob(cut).sum())
    torch.testing.assert_close(choice.entropy[0], normal.entropy().sum())
    torch.testing.assert_close(policy.mode(FEATURES)[0], mean)


def test_a_fading_normals_deviation_falls_evenly_and_is_not_learned():
    policy = fading(1)
    found = []
    for _ in range(13):
        found.append(policy.explore(rows(20_000), draws()).std().item())
        policy.follow()
    kept = fading(1, min_std=0.999, max_std=1.0).explore(rows(20_000), draws()).std().item()
    assert found[0] == pytest.approx(kept, rel=1e-2)
    assert all(after < before for before, after in pairwise(found[:11]))
    assert found[10] == found[12] == pytest.approx(0.1, rel=0.02)
    assert policy.mlp[-1].weight.shape[0] == 1


def test_collecting_has_all_of_the_noise():
    policy = fading(1)
    with torch.no_grad():
        policy.mlp[-1].weight.zero_()
        policy.mlp[-1].bias.zero_()
    assert policy.draw(rows(1000), draws())[0].abs().max().item() == pytest.approx(0.3)
    assert policy.explore(rows(1000), draws()).abs().max() == 1


def test_at_the_bounds_a_fading_normals_gradient_is_whole():
    policy = fading(1)
    with torch.no_grad():
        policy.mlp[-1].bias.fill_(2.0)
        policy.mlp[-1].weight.zero_()
    gradients = [
        torch.autograd.grad(policy.choose(FEATURES, torch.tensor([[noise]])).action.sum(), policy.mlp[-1].bias)[0]
        for noise in (0.0, 5.0)
    ]
    torch.testing.assert_close(gradients[0], gradients[1])


def test_a_fade_of_no_updates_is_refused():
    with pytest.raises(UserError, match=r"actor.fade must be at least 1, not 0"):
        ActorConfig(fade=0)
