"""Where gradients go, and where they do not; against a dream whose whole graph is kept."""

from dataclasses import replace

import pytest
import torch
from linear_quadratic import LinearQuadratic, experience
from tiny import changed, weights

from reverie.behaviour.actor import ActorConfig
from reverie.behaviour.reward_gradient import RewardGradient, RewardGradientConfig
from reverie.behaviour.value_gradient import ValueGradient, ValueGradientConfig
from reverie.nets.mlp import MLPConfig
from reverie.types import Experience, Features
from reverie.world.heads import HeadConfig

HORIZON, GAMMA, LAMBDA, ENTROPY = 4, 0.9, 0.8, 0.05
HIDDEN = MLPConfig(layers=1, units=6, norm="none", activation="tanh")
SHARED = {"actor": ActorConfig(mlp=HIDDEN), "horizon": HORIZON, "starts": 0, "gamma": GAMMA, "entropy": ENTROPY}


def value_gradient(world, **changes):
    values = {"critic": HeadConfig(mlp=HIDDEN), "lambda_": LAMBDA, "return_scale": False, **SHARED, **changes}
    behaviour = ValueGradient(ValueGradientConfig(**values), *world.sizes)
    torch.nn.init.normal_(behaviour.critic.target.mlp[-1].weight)  # it starts at zero, where it would say nothing
    torch.nn.init.normal_(behaviour.critic.value.mlp[-1].weight)
    return behaviour


def reward_gradient(world, **changes):
    return RewardGradient(RewardGradientConfig(**{**SHARED, **changes}), *world.sizes)


BEHAVIOURS = pytest.mark.parametrize("make", [value_gradient, reward_gradient])


def learn(behaviour, world, seen, seed=0):
    return behaviour.learn(world, seen, torch.Generator().manual_seed(seed))


def gradient(module):
    """All gradients of a module in one vector."""
    return torch.cat([p.grad.flatten() for p in module.parameters()])


def with_terminal(seen, terminal):
    return Experience(replace(seen.batch, terminal=terminal), seen.trace)


def dreamed(behaviour, world, seen, seed=0):
    """The dream that `learn` makes from all states, with its graph: features f_0 .. f_H, choices a_0 .., r_1 .. r_H."""
    generator = torch.Generator().manual_seed(seed)
    rows, steps = (x.flatten() for x in torch.meshgrid(*map(torch.arange, seen.batch.first.shape), indexing="ij"))
    state = world.start(seen.trace, rows, steps)
    features, choices = [state.features], []
    for _ in range(HORIZON):
        noise = torch.empty(len(rows), 1).normal_(generator=generator)
        choices.append(behaviour.actor.choose(state.features.detach(), noise))
        state = world.imagine(choices[-1].action, state)
        features.append(state.features)
    return features, choices, [world.reward(f) for f in features[1:]]


def slow_returns(reward, value, discount):
    """G_i = r_{i+1} + d [(1 - lambda) v_{i+1} + lambda G_{i+1}], from the end; v_{i+1} alone at the end."""
    ahead, returns = value[-1], []
    for r, v in zip(reward[::-1], value[::-1], strict=True):
        ahead = r + discount * ((1 - LAMBDA) * v + LAMBDA * ahead)
        returns.insert(0, ahead)
    return returns


@pytest.mark.parametrize("going", [1.0, 0.7])
def test_the_actor_of_value_gradient_ascends_its_objective(going):
    world = LinearQuadratic()
    world.going = going
    behaviour, seen = value_gradient(world), experience(world, 3)
    features, choices, reward = dreamed(behaviour, world, seen)
    returns = slow_returns(reward, [behaviour.critic.target(f) for f in features[1:]], GAMMA * going)
    weight = [(GAMMA * going) ** i for i in range(HORIZON)]
    objective = sum(w * (g + ENTROPY * c.entropy) for w, g, c in zip(weight, returns, choices, strict=True)) / HORIZON
    expected = torch.autograd.grad(-objective.mean(), list(behaviour.actor.parameters()))
    metrics = learn(behaviour, world, seen)
    torch.testing.assert_close(gradient(behaviour.actor), torch.cat([g.flatten() for g in expected]))
    torch.testing.assert_close(metrics["loss/actor"], -objective.mean().detach())


def test_the_critic_descends_its_own_loss_alone():
    world = LinearQuadratic()
    behaviour, seen = value_gradient(world), experience(world, 3)
    features, _, reward = dreamed(behaviour, world, seen)
    returns = slow_returns(reward, [behaviour.critic.target(f) for f in features[1:]], GAMMA)
    loss = sum(
        GAMMA**i * 0.5 * (behaviour.critic.value(f.detach()) - g.detach()).square()
        for i, (f, g) in enumerate(zip(features, returns, strict=False))
    )
    expected = torch.autograd.grad(loss.mean() / HORIZON, list(behaviour.critic.value.parameters()))
    learn(behaviour, world, seen)
    torch.testing.assert_close(gradient(behaviour.critic.value), torch.cat([g.flatten() for g in expected]))
    assert all(p.grad is None for p in behaviour.critic.target.parameters())


def test_the_actor_of_reward_gradient_ascends_its_objective():
    world = LinearQuadratic()
    behaviour, seen = reward_gradient(world), experience(world, 3)
    _, choices, reward = dreamed(behaviour, world, seen)
    gain = sum(GAMMA**i * (r + ENTROPY * c.entropy) for i, (r, c) in enumerate(zip(reward, choices, strict=True)))
    objective = gain.mean() / HORIZON
    expected = torch.autograd.grad(-objective, list(behaviour.actor.parameters()))
    metrics = learn(behaviour, world, seen)
    torch.testing.assert_close(gradient(behaviour.actor), torch.cat([g.flatten() for g in expected]))
    torch.testing.assert_close(metrics["loss/actor"], -objective.detach())
    returns = sum(GAMMA**i * r for i, r in enumerate(reward)).mean().detach()
    torch.testing.assert_close(metrics["return/dreamed"], returns)


@BEHAVIOURS
def test_nothing_reaches_the_world(make):
    world = LinearQuadratic()
    before, behaviour = weights(world), make(world)
    for seed in range(3):
        learn(behaviour, world, experience(world, 3, seed=seed), seed)
    assert changed(before, world) == set()
    assert all(p.grad is None and p.requires_grad for p in world.parameters())


@BEHAVIOURS
def test_the_world_owes_gradients_again_after_a_failure(make):
    world = LinearQuadratic()
    behaviour = make(world)
    world.reward = None  # type: ignore[assignment]
    with pytest.raises(TypeError):
        learn(behaviour, world, experience(world, 2))
    assert all(p.requires_grad for p in world.parameters())


@pytest.mark.parametrize("rate", [0.0, 0.25, 1.0])
def test_the_target_moves_by_its_rate(rate):
    world = LinearQuadratic()
    behaviour = value_gradient(world, target_rate=rate)
    before = weights(behaviour.critic.target)
    learn(behaviour, world, experience(world, 3))
    value = weights(behaviour.critic.value)
    assert all((value[name] - before[name]).abs().max() > 1e-5 for name in value)
    for name, now in behaviour.critic.target.state_dict().items():
        torch.testing.assert_close(now, (1 - rate) * before[name] + rate * value[name])


@BEHAVIOURS
def test_a_terminal_start_weighs_nothing(make):
    world = LinearQuadratic()
    behaviour, seen = make(world), experience(world, 3)
    before = weights(behaviour)
    metrics = learn(behaviour, world, with_terminal(seen, torch.ones(3, 2)))
    assert metrics["grad/actor"] == 0
    # The target alone moves: it follows the value, which stands still.
    assert all(name.startswith("critic.target.") for name in changed(before, behaviour))


@BEHAVIOURS
def test_what_a_terminal_start_dreams_is_of_no_concern(make):
    world = LinearQuadratic()
    terminal = torch.tensor([[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]])
    seen = with_terminal(experience(world, 3), terminal)
    moved = seen.trace._replace(stoch=torch.where(terminal.unsqueeze(-1) > 0, 5.0, seen.trace.stoch))
    gradients = []
    for trace in (seen.trace, moved):
        torch.manual_seed(0)
        behaviour = make(world)
        learn(behaviour, world, Experience(seen.batch, trace))
        learning = [behaviour.actor, behaviour.critic.value] if make is value_gradient else [behaviour.actor]
        gradients.append(torch.cat([gradient(module) for module in learning]))
    assert gradients[0].norm() > 0
    torch.testing.assert_close(*gradients)


def test_the_end_of_a_dream_weighs_what_follows():
    """Where the world says that nothing goes on, only the first step counts."""
    world = LinearQuadratic()
    world.going = 0.0
    behaviour, seen = value_gradient(world, entropy=0.0), experience(world, 3)
    _, _, reward = dreamed(behaviour, world, seen)
    expected = torch.autograd.grad(-reward[0].mean() / HORIZON, list(behaviour.actor.parameters()))
    learn(behaviour, world, seen)
    torch.testing.assert_close(gradient(behaviour.actor), torch.cat([g.flatten() for g in expected]))


def range_of(behaviour, world, seen, seed=0):
    features, _, reward = dreamed(behaviour, world, seen, seed)
    returns = slow_returns(reward, [behaviour.critic.target(f) for f in features[1:]], GAMMA)
    ends = torch.quantile(torch.stack(returns).flatten(), torch.tensor([0.05, 0.95]))
    return (ends[1] - ends[0]).detach()


def test_the_return_scale_starts_at_the_first_range_and_follows_slowly():
    world = LinearQuadratic()
    behaviour, seen = value_gradient(world, return_scale=True), experience(world, 20)
    first = range_of(behaviour, world, seen)
    metrics = learn(behaviour, world, seen)
    torch.testing.assert_close(behaviour.return_range, first)
    torch.testing.assert_close(metrics["return/scale"], first)
    second = range_of(behaviour, world, seen, seed=1)
    learn(behaviour, world, seen, seed=1)
    torch.testing.assert_close(behaviour.return_range, 0.99 * first + 0.01 * second)


def scaled_gradient(scale, return_scale):
    torch.manual_seed(0)
    world = LinearQuadratic(reward_scale=scale)
    config = ValueGradientConfig(
        critic=HeadConfig(mlp=HIDDEN), lambda_=LAMBDA, return_scale=return_scale, **{**SHARED, "entropy": 0.0}
    )
    behaviour = ValueGradient(config, *world.sizes)  # a critic that says 0
    learn(behaviour, world, experience(world, 20))
    return gradient(behaviour.actor), behaviour.return_range


def test_large_returns_are_divided_by_their_range_and_small_ones_are_not_enlarged():
    torch.testing.assert_close(scaled_gradient(10, True)[0], scaled_gradient(1000, True)[0], rtol=1e-3, atol=1e-6)
    small, small_range = scaled_gradient(0.001, True)
    assert 0 < small_range < 0.1
    torch.testing.assert_close(small, scaled_gradient(0.001, False)[0])
    torch.testing.assert_close(1000 * small, scaled_gradient(1, False)[0], rtol=1e-3, atol=1e-5)


@BEHAVIOURS
def test_the_world_needs_no_loss_of_the_behaviour(make):
    world = LinearQuadratic()
    assert make(world).loss(world, experience(world, 2), torch.Generator()) == ({}, {})


@pytest.mark.parametrize(
    ("config", "change", "message"),
    [
        (ValueGradientConfig, {"horizon": 0}, "behaviour.horizon must be at least 1, not 0"),
        (RewardGradientConfig, {"horizon": 0}, "behaviour.horizon must be at least 1, not 0"),
        (ValueGradientConfig, {"gamma": 1.1}, "behaviour.gamma must be in"),
        (RewardGradientConfig, {"gamma": -0.1}, "behaviour.gamma must be in"),
        (ValueGradientConfig, {"lambda_": 2.0}, "behaviour.lambda must be in"),
        (ValueGradientConfig, {"target_rate": -1.0}, "behaviour.target-rate must be in"),
        (ActorConfig, {"min_std": 0.0}, "actor.min-std must be in"),
        (ActorConfig, {"noise": -1.0}, "actor.noise must not be negative"),
    ],
)
def test_values_that_make_no_sense(config, change, message):
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        config(**change)


def test_features_are_read_as_configured():
    features = Features(torch.zeros(2, 3), torch.ones(2, 4))
    assert [features.read(what).shape[-1] for what in ("h", "z", "hz")] == [3, 4, 7]
