"""On a world whose optimum is known in closed form, each behaviour finds it from random weights."""

import chain
import numpy as np
import pytest
import torch
from linear_quadratic import LinearQuadratic, cost, experience, gains, riccati
from program import Program

from reverie.behaviour.actor import ActorConfig
from reverie.behaviour.actor_critic import ActorCritic, ActorCriticConfig
from reverie.behaviour.ppo import PPO, PPOConfig
from reverie.behaviour.reward_gradient import RewardGradient, RewardGradientConfig
from reverie.behaviour.td3 import TD3, TD3Config
from reverie.behaviour.value_gradient import ValueGradient, ValueGradientConfig
from reverie.nets.mlp import MLPConfig
from reverie.nets.optimiser import OptimiserConfig
from reverie.world.heads import HeadConfig

GAMMA = 0.9
ENDLESS = 200  # steps; 0.9^200 is 7e-10
LINEAR = ActorConfig(mlp=MLPConfig(layers=0), reads="z", min_std=1e-3)
STATES = torch.rand(50, 2, generator=torch.Generator().manual_seed(99)) * 2 - 1
ALL = {"starts": 0, "gamma": GAMMA, "entropy": 0.0, "actor": LINEAR, "actor_optimiser": OptimiserConfig(lr=0.03)}


def train(behaviour, world, updates):
    generator = torch.Generator().manual_seed(1)
    for seed in range(updates):
        behaviour.learn(world, experience(world, 64, seed=seed), generator)


def excess(behaviour, world, optimum, horizon):
    """The mean cost of the policy's mode, relative to the least possible one."""
    least = np.einsum("ni,ij,nj->n", STATES, optimum.cost, STATES)
    achieved = cost(world, behaviour, GAMMA, horizon, STATES)
    assert (achieved > least - 1e-5).all()  # or the closed form is wrong
    return achieved.mean() / least.mean() - 1


def value_gradient(world, **changes):
    critic = HeadConfig(mlp=MLPConfig(layers=1, units=64, norm="none"), reads="z")
    values = {"critic": critic, "critic_optimiser": OptimiserConfig(lr=0.01), "target_rate": 0.1, **ALL, **changes}
    return ValueGradient(ValueGradientConfig(**values), *world.sizes)


def test_the_closed_form_is_the_least_cost():
    """Neighbouring gains cost more, by a rollout of their own."""
    optimum = riccati(GAMMA, ENDLESS)
    a, b, q = np.array([[1.0, 0.3], [0.0, 0.9]]), np.array([0.0, 2.0]), np.diag([1.0, 0.1])

    def rollout(gain, x):
        total = 0.0
        for step in range(ENDLESS):
            action = -gain @ x
            x = a @ x + b * action
            total += GAMMA**step * (x @ q @ x + 8.0 * action**2)
        return total

    start = np.array([0.7, -0.4])
    least = rollout(optimum.gains[0], start)
    assert least == pytest.approx(start @ optimum.cost @ start, rel=1e-4)
    for change in ([0.02, 0], [-0.02, 0], [0, 0.02], [0, -0.02]):
        assert rollout(optimum.gains[0] + change, start) > least


def test_reward_gradient_finds_the_optimum_of_its_horizon():
    horizon = 5
    world = LinearQuadratic(blocks=horizon + 1)
    behaviour = RewardGradient(RewardGradientConfig(horizon=horizon, **ALL), *world.sizes)
    optimum = riccati(GAMMA, horizon)
    assert excess(behaviour, world, optimum, horizon) > 0.3
    train(behaviour, world, 400)
    assert excess(behaviour, world, optimum, horizon) < 0.01
    # Each step has a gain of its own: 0.220 0.230, 0.195 0.195, 0.138 0.136, 0.060 0.068, 0.000 0.021.
    np.testing.assert_allclose(gains(world, behaviour)[:horizon], optimum.gains, atol=0.02)


def test_value_gradient_finds_the_optimum_beyond_its_horizon():
    world, optimum = LinearQuadratic(), riccati(GAMMA, ENDLESS)
    behaviour = value_gradient(world, horizon=1)
    assert excess(behaviour, world, optimum, ENDLESS) > 0.3
    train(behaviour, world, 450)
    # Without what the critic knows, one step would ask for gains of 0.000 and 0.021.
    np.testing.assert_allclose(gains(world, behaviour)[0], optimum.gains[0], rtol=0.15)
    assert excess(behaviour, world, optimum, ENDLESS) < 0.02


def test_value_gradient_finds_the_optimum_from_longer_dreams():
    world, optimum = LinearQuadratic(), riccati(GAMMA, ENDLESS)
    behaviour = value_gradient(world, horizon=5, returns="start")
    train(behaviour, world, 450)
    np.testing.assert_allclose(gains(world, behaviour)[0], optimum.gains[0], rtol=0.15)
    assert excess(behaviour, world, optimum, ENDLESS) < 0.02


def test_the_papers_objective_counts_late_rewards_more_than_once():
    # The reward at step k is part of G_0 .. G_{k-1}, and each of their gradients reaches every earlier action.
    world, optimum = LinearQuadratic(), riccati(GAMMA, ENDLESS)
    behaviour = value_gradient(world, horizon=5, returns="every")
    train(behaviour, world, 450)
    assert (gains(world, behaviour)[0] / optimum.gains[0] > 1.3).all()
    assert 0.03 < excess(behaviour, world, optimum, ENDLESS) < 0.12


def test_the_critic_finds_the_cost_of_the_best_policy():
    world, optimum = LinearQuadratic(), riccati(GAMMA, ENDLESS)
    behaviour = value_gradient(world, horizon=5, actor_optimiser=OptimiserConfig(lr=1e-12))
    with torch.no_grad():
        last = behaviour.actor.mlp[-1]
        last.weight.zero_()
        last.weight[0] = -torch.from_numpy(optimum.gains[0])
        last.bias.copy_(torch.tensor([0.0, -20.0]))  # hardly any noise
    train(behaviour, world, 250)
    with torch.no_grad():
        value = behaviour.critic.value(world.at_first(STATES).features).numpy()
    least = np.einsum("ni,ij,nj->n", STATES, optimum.cost, STATES)
    assert np.abs(value + least).mean() < 0.1 * least.mean()


def actor_critic(world, **changes):
    critic = HeadConfig(mlp=MLPConfig(layers=1, units=64, norm="none"), reads="z")
    values = {"critic": critic, "critic_optimiser": OptimiserConfig(lr=0.01), "replay": 0.0, **ALL, **changes}
    config = ActorCriticConfig(**values)
    behaviour = ActorCritic(config, *world.sizes)
    return behaviour, Program(behaviour, config)


@pytest.mark.parametrize(
    ("gradient", "horizon", "bootstrap", "normal"),
    [
        ("score", 5, "value", "bounded"),
        ("score", 5, "target", "tanh"),
        ("score", 1, "value", "bounded"),
        # The gradient through the dynamics counts late rewards more than once where dreams are longer, as in the paper.
        ("dynamics", 1, "value", "bounded"),
        ("both", 1, "target", "bounded"),
    ],
)
def test_actor_critic_finds_the_optimum(gradient, horizon, bootstrap, normal):
    torch.manual_seed(0)
    world, optimum = LinearQuadratic(), riccati(GAMMA, ENDLESS)
    actor = ActorConfig(mlp=MLPConfig(layers=0), reads="z", normal=normal, max_std=0.3)
    changes = {"horizon": horizon, "bootstrap": bootstrap, "target_rate": 0.1, "mix": 0.5}
    actor_optimiser = OptimiserConfig(lr=0.01)
    behaviour, program = actor_critic(world, actor=actor, gradient=gradient, actor_optimiser=actor_optimiser, **changes)
    assert excess(behaviour, world, optimum, ENDLESS) > 0.3
    for seed in range(500):
        program.update(world, experience(world, 100, seed=seed))
    np.testing.assert_allclose(gains(world, behaviour)[0], optimum.gains[0], rtol=0.2)
    assert excess(behaviour, world, optimum, ENDLESS) < 0.02


def ppo(world, **changes):
    critic = HeadConfig(mlp=MLPConfig(layers=1, units=64, norm="none"), reads="z")
    values = {"critic": critic, "critic_optimiser": OptimiserConfig(lr=0.01), **ALL, **changes}
    return PPO(PPOConfig(**values), *world.sizes)


@pytest.mark.parametrize(("normal", "horizon", "lr"), [("tanh", 5, 0.01), ("bounded", 1, 0.005)])
def test_ppo_finds_the_optimum(normal, horizon, lr):
    torch.manual_seed(0)
    world, optimum = LinearQuadratic(), riccati(GAMMA, ENDLESS)
    actor = ActorConfig(mlp=MLPConfig(layers=0), reads="z", normal=normal, max_std=0.3)
    behaviour = ppo(world, actor=actor, horizon=horizon, actor_optimiser=OptimiserConfig(lr=lr))
    assert excess(behaviour, world, optimum, ENDLESS) > 0.3
    train(behaviour, world, 100)
    np.testing.assert_allclose(gains(world, behaviour)[0], optimum.gains[0], rtol=0.2)
    assert excess(behaviour, world, optimum, ENDLESS) < 0.02


def test_td3_finds_the_optimum_in_its_dreams():
    torch.manual_seed(0)
    world, optimum = LinearQuadratic(), riccati(GAMMA, ENDLESS)
    config = TD3Config(
        actor=ActorConfig(mlp=MLPConfig(layers=0), reads="z", min_std=0.1, max_std=0.5),
        critic=MLPConfig(layers=2, units=32, norm="none"),
        output="squared",
        members=2,
        horizon=2,
        starts=0,
        gamma=GAMMA,
        smoothing=0.1,
        entropy=0.0,
        target_rate=0.1,
        value=1.0,
        actor_optimiser=OptimiserConfig(lr=1e-3),
        critic_optimiser=OptimiserConfig(lr=1e-2),
    )
    behaviour = TD3(config, *world.sizes)
    assert excess(behaviour, world, optimum, ENDLESS) > 0.3
    program = Program(behaviour, config)
    for seed in range(600):
        program.update(world, experience(world, 64, seed=seed))
    assert excess(behaviour, world, optimum, ENDLESS) < 0.1  # 0.02


def chain_parts(optimiser):
    linear = MLPConfig(layers=0)
    return {
        "actor": ActorConfig(mlp=linear, reads="z"),
        "critic": HeadConfig(mlp=linear, reads="z"),
        "actor_optimiser": optimiser,
        "critic_optimiser": OptimiserConfig(lr=0.05),
        "horizon": 5,
        "entropy": 0.01,
    }


@pytest.mark.parametrize("gradient", ["auto", "dynamics", "both"])
def test_actor_critic_finds_the_best_choices(gradient):
    torch.manual_seed(0)
    world = chain.Chain()
    behaviour, program = actor_critic(world, gradient=gradient, **chain_parts(OptimiserConfig(lr=0.03)))
    for _ in range(300):
        program.update(world, chain.experience(8))
    choices, best = chain.policy_of(world, behaviour), chain.values(GAMMA)
    np.testing.assert_allclose(chain.values(GAMMA, choices), best)


@pytest.mark.parametrize(("make", "updates"), [(value_gradient, 300), (ppo, 60)])
def test_who_learns_by_itself_finds_the_best_choices(make, updates):
    torch.manual_seed(0)
    world, generator = chain.Chain(), torch.Generator().manual_seed(1)
    behaviour = make(world, **chain_parts(OptimiserConfig(lr=0.03)))
    for _ in range(updates):
        behaviour.learn(world, chain.experience(8), generator)
    np.testing.assert_allclose(chain.values(GAMMA, chain.policy_of(world, behaviour)), chain.values(GAMMA))


def test_the_critic_finds_the_values_of_the_best_choices():
    torch.manual_seed(0)
    world = chain.Chain()
    values = {**chain_parts(OptimiserConfig(lr=0.03)), "entropy": 0.0, "regulariser": 0.0}
    behaviour, program = actor_critic(world, **values)
    for _ in range(600):
        program.update(world, chain.experience(8))
    with torch.no_grad():
        value = behaviour.critic.value(world.at(torch.eye(chain.CELLS)).features).numpy()
    # A share of 0.01 of the choices is drawn from the uniform, which costs a little of the best.
    best = chain.values(GAMMA)
    assert (value < best + 0.1).all()
    np.testing.assert_allclose(value, best, rtol=0.05)
