"""The policy's entropy is paid below its floor alone."""

import math

import pytest
import torch
from test_actor_critic import ENTROPY, WORLDS, make, seen

from reverie.behaviour.actor_critic import ActorCritic, ActorCriticConfig
from reverie.behaviour.policy import uniform_entropy
from reverie.errors import UserError
from reverie.types import Actions


def test_the_uniform_policy():
    assert uniform_entropy(Actions(5, (2, 3))) == pytest.approx(math.log(6))
    assert uniform_entropy(Actions(3)) == pytest.approx(3 * math.log(2))


def policy_loss(kind, **changes):
    world = kind()
    behaviour, _ = make(world, gradient="score", **changes)
    losses, _ = behaviour.loss(world, seen(world), torch.Generator().manual_seed(0))
    return losses["behaviour/policy"].value.mean(), uniform_entropy(behaviour.actor.actions)


@WORLDS
@pytest.mark.parametrize("floor", [1e-6, 0.3, 1.0])
def test_what_the_mean_lacks_is_paid(kind, floor):
    free, uniform = policy_loss(kind, entropy=0.0)
    plain, _ = policy_loss(kind)
    paid = (policy_loss(kind, entropy_floor=floor)[0] - free) / ENTROPY
    share = (free - plain) / ENTROPY / uniform  # mean(w H) / H_uniform
    assert float(paid.detach()) == pytest.approx(max(0.0, floor - float(share.detach())), abs=1e-5)


def test_a_single_choice_has_nothing_to_pay():
    torch.manual_seed(0)
    behaviour = ActorCritic(ActorCriticConfig(entropy_floor=0.5), 2, 2, Actions(1, (1,)))
    entropy = torch.zeros(3, 2, requires_grad=True)
    paid = behaviour._spread(torch.ones(3, 2), entropy)
    assert paid.tolist() == [[0, 0]] * 3


def test_a_floor_is_a_share():
    with pytest.raises(UserError, match=r"behaviour.entropy-floor must be in \[0, 1\], not 1.5"):
        make(None, entropy_floor=1.5)
