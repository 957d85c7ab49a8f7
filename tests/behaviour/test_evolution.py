"""Controllers that evolve: their actions, their dreams, and what is kept of a search."""

from dataclasses import replace

import chain
import numpy as np
import pytest
import torch
from linear_quadratic import LinearQuadratic, experience, riccati

from reverie.behaviour.controller import Controller, ControllerConfig
from reverie.behaviour.evolution import Evolution, EvolutionConfig
from reverie.behaviour.search import SearchConfig
from reverie.errors import UserError
from reverie.types import Actions, Features

GAMMA = 1.0
SMALL = SearchConfig(population=16, sigma=0.3)


def evolution(world, **values):
    torch.manual_seed(0)
    return Evolution(EvolutionConfig(**{"search": SMALL, "rollouts": 8, "horizon": 5, **values}), *world.sizes)


def generator(seed=1):
    return torch.Generator().manual_seed(seed)


def generations(behaviour, count, world, rows=8):
    draws = generator()
    return [behaviour.learn(world, experience(world, rows, seed=seed), draws) for seed in range(count)]


@pytest.mark.parametrize("hidden", [0, 3])
@pytest.mark.parametrize("actions", [Actions(2), Actions(5, (2, 3))], ids=["continuous", "one-hot"])
def test_each_row_acts_by_its_own_weights(hidden, actions):
    controller = Controller(ControllerConfig(hidden=hidden), 3, 2, actions)
    weights = torch.randn(6, controller.size, generator=generator())
    features = Features(torch.randn(6, 3, generator=generator(2)), torch.randn(6, 2, generator=generator(3)))
    found = controller(features, weights)
    for row in range(6):
        numbers, x = iter(weights[row].tolist()), features.read("hz")[row].tolist()
        for width in [3, actions.size] if hidden else [actions.size]:
            matrix = [[next(numbers) for _ in range(width)] for _ in x]
            out = [sum(a * b[j] for a, b in zip(x, matrix, strict=True)) + next(numbers) for j in range(width)]
            x = [np.tanh(value) for value in out]
        if actions.groups:
            x = [float(i == int(np.argmax(part))) for part in (out[:2], out[2:]) for i in range(len(part))]
        np.testing.assert_allclose(found[row], x, atol=1e-5)
    assert next(numbers, None) is None


def test_the_paper_s_controllers_have_their_sizes():
    # World Models, appendix A.3: 867 for CarRacing; 1,443 for V alone with a hidden layer of 40
    assert Controller(ControllerConfig(), 256, 32, Actions(3)).size == 867
    assert Controller(ControllerConfig(reads="z", hidden=40), 256, 32, Actions(3)).size == 1443


@pytest.mark.parametrize("strategy", ["cma", "nes"])
def test_it_finds_the_optimum_of_its_horizon(strategy):
    # The same gain at each step, so the optimum of a single one; its least cost is known in closed form.
    world, optimum = LinearQuadratic(), riccati(GAMMA, 1)
    reads = ControllerConfig(reads="z")
    behaviour = evolution(
        world,
        horizon=1,
        rollouts=64,
        controller=reads,
        search=SearchConfig(population=32, sigma=0.1, strategy=strategy),
    )
    generations(behaviour, 80, world, rows=64)
    gain = -behaviour.weights[: world.sizes[1]].reshape(world.sizes[1], -1)[:2, 0]
    np.testing.assert_allclose(gain, optimum.gains[0], atol=0.05)


def test_it_finds_the_best_choices():
    world, draws = chain.Chain(), generator()
    behaviour = evolution(world, horizon=20, rollouts=40, search=SearchConfig(population=64, sigma=1.0))
    for _ in range(40):
        behaviour.learn(world, chain.experience(8), draws)
    action, _ = behaviour.act(world, world.at(torch.eye(chain.CELLS)), (), torch.zeros(chain.CELLS), "evaluate", None)
    choices = [int(torch.stack([(row == choice).all() for choice in chain.CHOICES]).nonzero()) for row in action]
    np.testing.assert_allclose(chain.values(0.9, choices), chain.values(0.9))


class Mortal(LinearQuadratic):
    """Dreams that go on with a chance of a half, and pay 1 for each step."""

    def reward(self, features):
        return torch.ones(features.stoch.shape[:-1])

    def continue_(self, features):
        return torch.full(features.stoch.shape[:-1], 0.5)


def test_dreams_end_by_chance_and_those_that_have_ended_earn_nothing():
    world = Mortal()
    behaviour = evolution(world, horizon=50, rollouts=500)
    (metrics,) = generations(behaviour, 1, world, rows=500)
    # The step on which a dream ends still counts: 1 + 1/2 + 1/4 + ... = 2.
    assert metrics["population/mean"].item() == pytest.approx(2.0, abs=5 * 2**0.5 / 8000**0.5)
    assert metrics["population/steps"].item() == pytest.approx(metrics["population/mean"].item(), rel=1e-5)
    # The mean of 500 dreams of variance 2 has a deviation of 0.063.
    assert 0.03 < metrics["population/deviation"].item() < 0.12


def test_a_population_may_be_tried_out_elsewhere():
    world = LinearQuadratic()
    behaviour, asked = evolution(world), []

    def fitness(population, rollouts, generation):
        asked.append((tuple(population.shape), rollouts, generation))
        return -(population - 1).square().sum(-1), torch.tensor(7.0)

    draws = generator()
    for seed in range(150):
        seen = experience(world, 8, seed=seed)._replace(fitness=fitness)
        metrics = behaviour.learn(world, seen, draws)
    assert asked[2] == ((16, behaviour.controller.size), 8, 2)
    assert metrics["population/steps"] == 7.0
    torch.testing.assert_close(behaviour.weights, torch.ones_like(behaviour.weights), atol=0.05, rtol=0)


@pytest.mark.parametrize("strategy", ["cma", "nes"])
def test_a_checkpoint_goes_on_to_the_bit(strategy):
    world = LinearQuadratic()
    search = SearchConfig(population=8, strategy=strategy)
    one = evolution(world, search=search)
    generations(one, 4, world)
    torch.manual_seed(5)  # the other one has another seed of its own
    other = Evolution(EvolutionConfig(search=search, rollouts=8, horizon=5), *world.sizes)
    other.load_state_dict(one.state_dict())
    for behaviour in (one, other):
        generations(behaviour, 3, world)
    assert torch.equal(one.weights, other.weights)
    assert torch.equal(one.get_extra_state(), other.get_extra_state())


def test_to_explore_and_to_evaluate_are_the_same():
    world = LinearQuadratic()
    behaviour = evolution(world)
    generations(behaviour, 2, world)
    state = world.at_first(torch.randn(5, 2, generator=generator()))
    one, memory = behaviour.act(world, state, (), torch.zeros(5), "explore", generator())
    other, _ = behaviour.act(world, state, (), torch.zeros(5), "evaluate", None)
    assert torch.equal(one, other) and memory == ()
    # A memory of weights acts in the agent's place.
    mine, _ = behaviour.act(world, state, torch.zeros(5, behaviour.controller.size), torch.zeros(5), "evaluate", None)
    assert (mine == 0).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EvolutionConfig(rollouts=0), "behaviour.rollouts must be at least 1, not 0"),
        (lambda: EvolutionConfig(horizon=0), "behaviour.horizon must be at least 1, not 0"),
        (lambda: EvolutionConfig(temperature=0.0), "behaviour.temperature must be positive, not 0.0"),
        (lambda: ControllerConfig(hidden=-1), "behaviour.controller.hidden must not be negative, not -1"),
    ],
)
def test_values_that_make_no_sense_are_refused(make, message):
    with pytest.raises(UserError, match=message):
        make()


def test_a_controller_acts_in_single_precision_under_autocast():
    controller = Controller(ControllerConfig(), 3, 2, Actions(2))
    features, weights = Features(torch.randn(6, 3), torch.randn(6, 2)), torch.randn(6, controller.size)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        tried = controller(features, weights)
    assert tried.equal(controller(features, weights))


def test_a_dream_does_not_go_on_from_an_end():
    world = LinearQuadratic()
    seen = experience(world, 8)
    dead = seen._replace(batch=replace(seen.batch, terminal=torch.ones_like(seen.batch.terminal)))
    metrics = evolution(world, rollouts=16).learn(world, dead, generator())
    assert metrics["population/mean"] == metrics["population/steps"] == 0


def test_a_return_that_is_not_finite_is_not_followed():
    class Broken(LinearQuadratic):
        def reward(self, features):
            return super().reward(features) / 0

    world = Broken()
    behaviour = evolution(world)
    with pytest.raises(UserError, match="a return of generation 0 is not finite, and a search would follow it: lower"):
        behaviour.learn(world, experience(world, 8), generator())
    assert not behaviour.weights.any()
