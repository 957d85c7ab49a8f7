"""Where dreams begin, and how a behaviour acts."""

import pytest
import torch
from linear_quadratic import LinearQuadratic, experience

from reverie.behaviour.reward_gradient import RewardGradient, RewardGradientConfig
from reverie.behaviour.starts import choose_starts
from reverie.behaviour.value_gradient import ValueGradient, ValueGradientConfig


def starts(number, seed=0):
    batch = experience(LinearQuadratic(), rows=4, steps=3).batch
    rows, steps = choose_starts(batch, number, torch.Generator().manual_seed(seed))
    return list(zip(rows.tolist(), steps.tolist(), strict=True))


EVERY = [(row, step) for row in range(4) for step in range(3)]


@pytest.mark.parametrize("number", [0, 12, 100])
def test_all_of_them(number):
    assert sorted(starts(number)) == EVERY


@pytest.mark.parametrize("number", [1, 5, 11])
def test_some_without_repeats(number):
    chosen = starts(number)
    assert len(chosen) == len(set(chosen)) == number
    assert set(chosen) <= set(EVERY)


def test_each_is_as_likely_as_any_other():
    counts = dict.fromkeys(EVERY, 0)
    for seed in range(1200):
        for start in starts(3, seed):
            counts[start] += 1
    # 3 of 12: 300 each; the standard deviation is 15
    assert all(abs(count - 300) < 60 for count in counts.values())


def test_the_generator_decides():
    assert starts(5, 1) == starts(5, 1) != starts(5, 2)


@pytest.mark.parametrize("kind", [ValueGradient, RewardGradient])
def test_evaluation_is_deterministic_and_exploration_draws(kind):
    world = LinearQuadratic()
    config = {ValueGradient: ValueGradientConfig, RewardGradient: RewardGradientConfig}[kind]()
    behaviour, state = kind(config, *world.sizes), world.at_first(torch.ones(3, 2))
    first = torch.ones(3)

    def act(mode, generator):
        with torch.no_grad():
            return behaviour.act(world, state, behaviour.initial(3), first, mode, generator)[0]

    assert torch.equal(act("evaluate", None), act("evaluate", torch.Generator().manual_seed(1)))
    explored = [act("explore", torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(explored[0], explored[1])
    assert not torch.equal(explored[0], explored[2])
    assert all(action.shape == (3, 1) and action.abs().max() <= 1 for action in explored)
