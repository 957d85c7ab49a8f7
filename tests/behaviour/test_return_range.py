"""The range of returns that an actor and critic divide by, and options that make no sense."""

import pytest
import torch

from reverie.behaviour.actor_critic import ActorCritic, ActorCriticConfig
from reverie.types import Actions


def make(**changes):
    return ActorCritic(ActorCriticConfig(**changes), 2, 1, Actions(1))


def test_the_ends_of_the_range_are_averaged_apart():
    behaviour = make()
    # 21 numbers from 0 to 20: the 5 % quantile is the second, 1, the 95 % one 19.
    returns = torch.arange(21.0).flip(0).reshape(7, 3)
    assert behaviour._scale(returns) == pytest.approx(18)
    torch.testing.assert_close(behaviour.ends, torch.tensor([1.0, 19.0]))
    # 100 higher, and half as wide: ends of 100.5 and 109.5
    scale = behaviour._scale(returns / 2 + 100)
    torch.testing.assert_close(behaviour.ends, torch.tensor([0.99 + 1.005, 0.99 * 19 + 1.095]))
    assert scale == pytest.approx(0.99 * 18 + 0.01 * 9, rel=1e-5)


def test_small_returns_are_not_enlarged():
    behaviour = make()
    assert behaviour._scale(torch.arange(21.0).reshape(7, 3) / 100) == 1
    plain = make(return_scale=False)
    assert plain._scale(torch.arange(21.0).reshape(7, 3)) == 1
    assert torch.equal(plain.ends, torch.zeros(2))


@pytest.mark.parametrize("name", ["horizon", "target_every", "starts", "entropy", "regulariser", "replay", "gamma"])
def test_values_that_make_no_sense(name):
    with pytest.raises(ValueError, match=f"behaviour.{name.replace('_', '-')} must .*, not -1"):
        ActorCriticConfig(**{name: -1})
