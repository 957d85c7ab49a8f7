"""PPO's two losses against the paper's formulas, written as plain loops; what clips, and where gradients go."""

from dataclasses import replace

import pytest
import torch
from chain import ACTIONS, Chain
from chain import experience as cells
from linear_quadratic import LinearQuadratic, experience
from tiny import changed, weights

from reverie.behaviour.actor import ActorConfig
from reverie.behaviour.ppo import PPO, PPOConfig
from reverie.errors import UserError
from reverie.nets.mlp import MLPConfig
from reverie.nets.optimiser import OptimiserConfig
from reverie.ops import tree
from reverie.types import Experience, Features
from reverie.world.heads import HeadConfig

HORIZON, GAMMA, LAMBDA, CLIP, ENTROPY = 4, 0.9, 0.8, 0.2, 0.05
HIDDEN = MLPConfig(layers=1, units=6, norm="none", activation="tanh")
SMALL = OptimiserConfig(lr=1e-2)
TERMINAL = torch.tensor([[0.0, 1.0], [0.0, 0.0], [0.0, 0.0]])
CASES = pytest.mark.parametrize("case", ["tanh", "bounded", "one-hot"])


def place(case):
    """A world and what was lived there, an end in it."""
    torch.manual_seed(0)
    if case == "one-hot":
        world, seen = Chain(), cells(3)
        return world, seen
    world, seen = LinearQuadratic(), experience(LinearQuadratic(), 3)
    world.going = 0.8
    return world, Experience(replace(seen.batch, terminal=TERMINAL), seen.trace)


def make(world, case="tanh", **changes):
    torch.manual_seed(0)
    values = {
        "actor": ActorConfig(mlp=HIDDEN, normal="tanh" if case == "one-hot" else case),
        "critic": HeadConfig(mlp=HIDDEN),
        "actor_optimiser": SMALL,
        "critic_optimiser": SMALL,
        "horizon": HORIZON,
        "starts": 0,
        "gamma": GAMMA,
        "lambda_": LAMBDA,
        "clip": CLIP,
        "entropy": ENTROPY,
    }
    behaviour = PPO(PPOConfig(**{**values, **changes}), *world.sizes)
    torch.nn.init.normal_(behaviour.critic.value.mlp[-1].weight)  # it starts at zero, where it would say nothing
    torch.nn.init.normal_(behaviour.critic.target.mlp[-1].weight)
    return behaviour


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def gradient(module):
    return torch.cat([p.grad.flatten() for p in module.parameters()])


def sampled(behaviour, world, seen):
    return behaviour._sample(world, seen, generator())


def moved(behaviour, by=0.3):
    """The same behaviour, its policy somewhere else."""
    with torch.no_grad():
        for parameter in behaviour.actor.parameters():
            parameter.add_(by * torch.randn(parameter.shape, generator=generator(7)))
    return behaviour


def action_of(behaviour, sampled, row):
    """The number before the tanh or the clip that a choice of the dream was made of, or its classes."""
    if behaviour.actor.actions.groups:
        return sampled.noise[row]
    with torch.no_grad():
        mean, std = behaviour.actor.policy.moments(sampled.parameters[row])
    return mean + std * sampled.noise[row]


def log_prob_of(behaviour, parameters, action):
    """log pi of one choice by torch's own distributions, the tanh's slope left out: it is no part of a ratio."""
    if not behaviour.actor.actions.groups:
        return torch.distributions.Normal(*behaviour.actor.policy.moments(parameters)).log_prob(action).sum()
    parts = parameters.split(ACTIONS.groups)
    probs = [0.99 * torch.softmax(x, -1) + 0.01 / len(x) for x in parts]
    return sum(torch.log(p[c]) for p, c in zip(probs, action, strict=True))


def slow_actor_loss(behaviour, some):
    """Equation 7 with the weights, one choice at a time."""
    total = some.weight.sum()
    mean = sum(w * a for w, a in zip(some.weight, some.advantage, strict=True)) / total
    variance = sum(w * (a - mean) ** 2 for w, a in zip(some.weight, some.advantage, strict=True)) / total
    loss = 0.0
    for row in range(len(some.weight)):
        parameters = behaviour.actor(Features(some.features.deter[row], some.features.stoch[row]))
        action = action_of(behaviour, some, row)
        old = log_prob_of(behaviour, some.parameters[row], action)
        ratio = torch.exp(log_prob_of(behaviour, parameters, action) - old)
        advantage = (some.advantage[row] - mean) / variance.sqrt()
        if advantage > 0:
            gain = ratio * advantage if ratio < 1 + CLIP else (1 + CLIP) * advantage
        else:
            gain = ratio * advantage if ratio > 1 - CLIP else (1 - CLIP) * advantage
        entropy = behaviour.actor.policy.choose(parameters, some.noise[row]).entropy
        loss = loss - some.weight[row] * (gain + ENTROPY * entropy)
    return loss / len(some.weight)


@CASES
def test_the_advantages_are_the_papers_sums(case):
    world, seen = place(case)
    behaviour = make(world, case)
    some = sampled(behaviour, world, seen)
    rows = tree.map(lambda x: x.unflatten(0, (-1, HORIZON)), some)
    draw, (count, steps) = generator(), seen.batch.first.shape
    state = world.start(seen.trace, torch.arange(count).repeat_interleave(steps), torch.arange(steps).repeat(count))
    features, reward, going = [state.features], [], []
    for _ in range(HORIZON):
        action, _ = behaviour.actor.draw(state.features, draw)
        state = world.imagine(action, state)
        features.append(state.features)
        reward.append(world.reward(state.features))
        going.append(world.continue_(state.features))
    value = [behaviour.critic.target(f) for f in features]
    for n in range(count * steps):
        weight = 1 - seen.batch.terminal.flatten()[n]
        for i in range(HORIZON):
            advantage, trust = 0.0, 1.0
            for k in range(i, HORIZON):
                delta = reward[k][n] + GAMMA * going[k][n] * value[k + 1][n] - value[k][n]
                advantage = advantage + trust * delta
                trust = trust * LAMBDA * GAMMA * going[k][n]
            torch.testing.assert_close(rows.advantage[n, i], advantage.detach(), rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(rows.returns[n, i], (advantage + value[i][n]).detach(), rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(rows.weight[n, i], weight)
            weight = weight * GAMMA * going[i][n]


@CASES
def test_the_actors_loss_is_that_of_the_formula(case):
    world, seen = place(case)
    behaviour = make(world, case)
    some = sampled(behaviour, world, seen)
    moved(behaviour)
    loss, metrics = behaviour._surrogate(some)
    expected = slow_actor_loss(behaviour, some)
    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-5)
    assert 0.1 < metrics["policy/clipped"] < 0.9
    weights_ = list(behaviour.actor.parameters())
    for one, other in zip(torch.autograd.grad(loss, weights_), torch.autograd.grad(expected, weights_), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_the_critic_descends_to_the_returns():
    world, seen = place("tanh")
    behaviour = make(world)
    some = sampled(behaviour, world, seen)
    errors = behaviour.critic.value(some.features) - some.returns
    expected = torch.autograd.grad((some.weight * 0.5 * errors.square()).mean(), behaviour.critic.value.parameters())
    metrics = behaviour._step(some)
    torch.testing.assert_close(metrics["loss/critic"], (some.weight * 0.5 * errors.square()).mean().detach())
    torch.testing.assert_close(gradient(behaviour.critic.value), torch.cat([g.flatten() for g in expected]))


@CASES
def test_the_first_ratio_is_one_and_its_gradient_the_score_functions(case):
    world, seen = place(case)
    behaviour = make(world, case, entropy=0.0)
    some = sampled(behaviour, world, seen)
    loss, metrics = behaviour._surrogate(some)
    assert metrics["policy/clipped"] == 0
    assert metrics["policy/divergence"].abs() < 1e-6
    choice = behaviour.actor.choose(some.features, some.noise)
    share = some.weight / some.weight.sum()
    centred = some.advantage - (share * some.advantage).sum()
    score = -(some.weight * choice.log_prob * centred / (share * centred.square()).sum().sqrt()).mean()
    weights_ = list(behaviour.actor.parameters())
    for one, other in zip(torch.autograd.grad(loss, weights_), torch.autograd.grad(score, weights_), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("ratio", "stopped"), [(1.3, [True, False]), (0.7, [False, True]), (1.1, [False, False])])
def test_beyond_the_clip_nothing_is_gained(ratio, stopped):
    """Two choices with advantages of 1 and -1, both as likely as `ratio` times what they were."""
    behaviour = make(LinearQuadratic(), entropy=0.0)
    some = sampled(behaviour, *place("tanh"))
    parameters = torch.zeros(2, 2, requires_grad=True)
    behaviour.actor.forward = lambda features: parameters
    noise, both = torch.tensor([[0.5], [0.5]]), torch.ones(2)
    old = behaviour.actor.policy.log_prob(parameters, noise, parameters).detach() - torch.tensor(ratio).log()
    some = tree.select(some, torch.arange(2))._replace(
        noise=noise, parameters=parameters.detach(), log_prob=old, advantage=torch.tensor([3.0, 1.0]), weight=both
    )
    loss, metrics = behaviour._surrogate(some)
    pull = torch.autograd.grad(loss, parameters)[0]
    assert (pull == 0).all(-1).tolist() == stopped
    assert metrics["policy/clipped"] == float(abs(ratio - 1) > CLIP)


def test_a_pass_sees_every_choice_once():
    world, seen = place("tanh")
    behaviour, rows = make(world, epochs=3, minibatches=5), []
    some = sampled(behaviour, world, seen)
    step = behaviour._step
    behaviour._step = lambda part: (rows.append(part.log_prob), step(part))[1]
    behaviour.learn(world, seen, generator())
    assert len(rows) == 15
    for epoch in range(3):
        torch.testing.assert_close(torch.cat(rows[5 * epoch : 5 * epoch + 5]).sort()[0], some.log_prob.sort()[0])
    assert not torch.equal(torch.cat(rows[:5]), torch.cat(rows[5:10]))


def test_the_generator_decides():
    world, seen = place("tanh")
    after = []
    for seed in (1, 1, 2):
        behaviour = make(world)
        behaviour.learn(world, seen, generator(seed))
        after.append(torch.cat([p.detach().flatten() for p in behaviour.parameters()]))
    assert torch.equal(after[0], after[1])
    assert not torch.equal(after[0], after[2])


@CASES
def test_the_actor_moves_and_the_world_does_not(case):
    world, seen = place(case)
    behaviour = make(world, case)
    before, own = weights(world), weights(behaviour)
    behaviour.learn(world, seen, generator())
    assert changed(before, world) == set()
    assert all(p.grad is None and p.requires_grad for p in world.parameters())
    assert changed(own, behaviour) == set(own)


def test_where_every_episode_is_over_nothing_is_learned():
    world, seen = place("tanh")
    behaviour = make(world, target_rate=0.0)
    own = weights(behaviour)
    metrics = behaviour.learn(
        world, Experience(replace(seen.batch, terminal=torch.ones(3, 2)), seen.trace), generator()
    )
    assert metrics["grad/actor"] == metrics["grad/critic"] == 0
    assert changed(own, behaviour) == set()


def test_half_precision_sees_the_weights_as_they_are():
    """Its copies of weights are kept as long as it is on: the second step would be taken from where the first was."""
    world, seen = place("tanh")
    behaviour = make(world)
    some = sampled(behaviour, world, seen)
    with torch.autocast("cpu", torch.bfloat16):
        first, second = (behaviour._step(some) for _ in range(2))
    assert first["loss/critic"] != second["loss/critic"]
    assert second["policy/divergence"] > 1e-4 > first["policy/divergence"].abs()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"horizon": 0}, "behaviour.horizon must be at least 1, not 0"),
        ({"epochs": 0}, "behaviour.epochs must be at least 1, not 0"),
        ({"minibatches": -1}, "behaviour.minibatches must be at least 1, not -1"),
        ({"starts": -1}, "behaviour.starts must not be negative, not -1"),
        ({"entropy": float("nan")}, "behaviour.entropy must not be negative, not nan"),
        ({"lambda_": 1.1}, r"behaviour.lambda must be in \[0, 1\], not 1.1"),
        ({"clip": 0.0}, r"behaviour.clip must be in \(0, 1\), not 0.0"),
        ({"clip": 1.0}, r"behaviour.clip must be in \(0, 1\), not 1.0"),
    ],
)
def test_values_that_make_no_sense_are_refused(change, message):
    with pytest.raises(UserError, match=message):
        PPOConfig(**change)
