"""Targets are those of a loop, and an actor finds the best actions of a linear-quadratic world."""

from dataclasses import replace

import pytest
import torch
from pushed_mass import A, B, PushedMass, Q, R, at
from tiny import built, random_batch, tiny, weights

from reverie.behaviour.actor import ActorConfig
from reverie.behaviour.td3 import TD3, TD3Config
from reverie.errors import UserError
from reverie.nets.mlp import MLPConfig
from reverie.nets.optimiser import Optimiser, OptimiserConfig
from reverie.types import Actions, Batch, Experience, Features, Trace, total


def made(**behaviour):
    resolved = tiny("tdmpc2")
    config = replace(resolved.config, behaviour=replace(resolved.config.behaviour, **behaviour))
    return built(replace(resolved, config=config))


@pytest.mark.parametrize("nstep", [1, 2, 3])
@torch.no_grad()
def test_targets_are_those_of_a_loop(nstep):
    agent = made(nstep=nstep, gamma=0.9)
    behaviour, batch = agent.behaviour, random_batch(agent, rows=4, length=6)
    batch.first[0, 3] = 1
    batch.first[0, 4] = 1
    experience, _ = agent.objective(agent.world, batch, agent.world.initial(4), torch.Generator())
    behaviour._bootstrap = lambda features, generator: features.stoch.sum(-1) + features.stoch[..., 0]
    found = behaviour._targets(agent.world, experience, torch.Generator())
    boot = behaviour._bootstrap(experience.trace.features, None)
    for row in range(4):
        for t in range(5):
            total_, weight, step = 0.0, 1.0, t
            for _ in range(nstep):
                step += 1
                total_ += weight * float(batch.reward[row, step])
                weight *= 0.9 * float(1 - batch.terminal[row, step])
                if step == 5 or batch.first[row, step + 1]:
                    break
            total_ += weight * float(boot[row, step])
            assert float(found[row, t]) == pytest.approx(total_, rel=1e-4, abs=1e-4), (row, t)


def test_the_critics_loss_shapes_the_world_and_the_actors_does_not():
    agent = made()
    for parameter in agent.behaviour.critic.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    batch, generator = random_batch(agent), torch.Generator().manual_seed(0)
    experience, _ = agent.objective(agent.world, batch, agent.world.initial(2), generator)
    losses, _ = agent.behaviour.loss(agent.world, experience, generator)
    gradient = torch.autograd.grad(total(losses), list(agent.world.encoder.parameters()), allow_unused=True)
    assert any(g is not None and g.abs().sum() > 0 for g in gradient)
    before, actor = weights(agent.world), weights(agent.behaviour.actor)
    critic = weights(agent.behaviour.critic)
    agent.behaviour.learn(agent.world, experience._replace(dreamed=experience.dreamed.detach()), generator)
    assert all(torch.equal(x, before[name]) for name, x in agent.world.state_dict().items())
    assert all(torch.equal(x, critic[name]) for name, x in agent.behaviour.critic.state_dict().items())
    assert any(not torch.equal(x, actor[name]) for name, x in agent.behaviour.actor.state_dict().items())


def test_where_values_do_not_shape_the_world_they_learn_at_what_was_encoded():
    agent = made(shapes=False)
    batch, generator = random_batch(agent), torch.Generator().manual_seed(0)
    experience, _ = agent.objective(agent.world, batch, agent.world.initial(2), generator)
    for parameter in agent.behaviour.critic.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    losses, _ = agent.behaviour.loss(agent.world, experience, torch.Generator().manual_seed(1))
    parameters = list(agent.world.parameters())
    assert not any(g is not None for g in torch.autograd.grad(total(losses), parameters, allow_unused=True))
    unrolled = agent.behaviour.loss(agent.world, experience._replace(dreamed=None), torch.Generator().manual_seed(1))[0]
    assert torch.equal(losses["behaviour/value"].value, unrolled["behaviour/value"].value)
    assert [wish.shaping for wish in TD3Config(shapes=False).trained] == [()]
    assert [wish.shaping for wish in TD3Config().trained] == [("value",)]


def test_a_policys_noise_fades_by_the_updates():
    config = tiny("tdmpc2").config.behaviour.actor
    agent = made(actor=replace(config, normal="fading", fade=4))
    experience, _ = agent.objective(agent.world, random_batch(agent), agent.world.initial(2), torch.Generator())
    experience = experience._replace(
        dreamed=None, trace=experience.trace._replace(stoch=experience.trace.stoch.detach())
    )
    deviations = []
    for _ in range(6):
        deviations.append(float(agent.behaviour.actor.policy.moments(torch.zeros(1))[1]))
        agent.behaviour.learn(agent.world, experience, torch.Generator().manual_seed(0))
    # from 1 to 0.05 by quarters of 0.95, and no further
    assert deviations == pytest.approx([1.0, 0.7625, 0.525, 0.2875, 0.05, 0.05])


def test_targets_have_no_gradient_and_no_graph():
    agent = made()
    experience, _ = agent.objective(agent.world, random_batch(agent), agent.world.initial(2), torch.Generator())
    seen = []
    agent.behaviour._bootstrap = lambda features, generator: (seen.append(features), features.stoch.sum(-1))[1]
    assert not agent.behaviour._targets(agent.world, experience, torch.Generator()).requires_grad
    assert not seen[0].stoch.requires_grad and not seen[0].deter.requires_grad


def test_without_an_unroll_every_step_inside_an_episode_counts_alike():
    agent = made(rho=0.5)
    batch = random_batch(agent)
    experience, _ = agent.objective(agent.world, batch, agent.world.initial(2), torch.Generator())
    assert torch.equal(agent.behaviour._weight(experience._replace(dreamed=None)), 1 - batch.first[:, 1:])


def test_a_dream_is_learned_from_as_if_it_had_been_lived():
    agent = made(horizon=3, starts=0)
    assert [wish.shaping for wish in TD3Config(horizon=3).trained] == [()]
    batch = random_batch(agent)
    batch.terminal[:, 2] = 1
    experience, _ = agent.objective(agent.world, batch, agent.world.initial(2), torch.Generator())
    seen = agent.behaviour._seen(agent.world, experience, torch.Generator().manual_seed(0))
    rows, time = batch.first.shape
    assert seen.batch.action.shape == (rows * time, 4, agent.codec.size) and seen.dreamed is None
    arrived = seen.trace.features.at(slice(1, None))
    unit = agent.world.preprocess.reward_unit
    torch.testing.assert_close(seen.batch.reward[:, 1:], agent.world.reward(arrived) * unit)
    going = agent.world.continue_(arrived)
    alive = 1 - batch.terminal.flatten()
    weight = torch.stack([alive, alive * going[:, 0], alive * going[:, 0] * going[:, 1]], 1)
    torch.testing.assert_close(agent.behaviour._weight(seen), weight)
    losses, _ = agent.behaviour.loss(agent.world, experience, torch.Generator().manual_seed(0))
    assert losses["behaviour/value"].value.shape == (rows * time, 3)
    gradients = torch.autograd.grad(total(losses), list(agent.world.parameters()), allow_unused=True)
    assert not any(g is not None for g in gradients)


@torch.no_grad()
def test_the_end_of_a_plan_is_valued_by_those_critics_that_are_asked():
    agent = made(members=3)
    for parameter in agent.behaviour.critic.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    trace = agent.world.observe(random_batch(agent), agent.world.initial(2))
    features = trace.features.at(-1)
    each = agent.behaviour._values(agent.behaviour.critic, features, agent.behaviour.actor.mode(features))
    for asked, known in ((0, each), (1, each[:1]), (2, each[:2]), (3, each)):
        few = made(members=3, asked=asked)
        few.load_state_dict(agent.state_dict())
        torch.testing.assert_close(few.behaviour.value(features), known.mean(0))


def test_choices_cannot_be_smoothed():
    with pytest.raises(UserError, match="smoothing is for continuous actions"):
        TD3(TD3Config(smoothing=0.2), 2, 2, Actions(3, (3,)))


def lived(rows, generator):
    """Two random steps from random places, as a batch and its trace: z is the place."""
    x = torch.rand(rows, 2, generator=generator) * 2 - 1
    u = torch.rand(rows, 1, generator=generator) * 2 - 1
    y = x @ A.T + u @ B.T
    reward = -((y @ Q) * y).sum(-1) - ((u @ R) * u).sum(-1)
    pad = torch.zeros(rows)
    z = torch.stack([x, y], 1)
    batch = Batch(
        {}, torch.stack([0 * u, u], 1), torch.stack([pad, reward], 1), torch.zeros(rows, 2), torch.zeros(rows, 2)
    )
    trace = Trace(z[..., :0], z, batch.reward, z, z, None)
    return Experience(batch, trace)


@pytest.mark.parametrize("smoothing", [0.2, 0.0])
def test_it_finds_the_best_actions_of_a_linear_quadratic_world(smoothing):
    torch.manual_seed(0)
    generator, gamma = torch.Generator().manual_seed(0), 0.8
    two = MLPConfig(layers=2, units=32, norm="none")
    descends = OptimiserConfig(lr=2e-3)
    config = TD3Config(
        actor=ActorConfig(mlp=two, reads="z", min_std=0.02, max_std=0.3),
        critic=two,
        output="squared",
        members=2,
        gamma=gamma,
        rho=1.0,
        smoothing=smoothing,
        entropy=0.0,
        target_rate=0.05,
        actor_optimiser=descends,
        value=1.0,
    )
    behaviour = TD3(config, 0, 2, Actions(1, ()))
    critics, world = Optimiser(descends, [behaviour.critic]), PushedMass()
    world.preprocess = type("Unit", (), {"reward_unit": torch.tensor(0.05)})()
    for _ in range(500):
        experience = lived(128, generator)
        losses, _ = behaviour.loss(world, experience, generator)
        critics.step(total(losses))
        behaviour.learn(world, experience, generator)
    P = torch.zeros(2, 2)
    for _ in range(200):  # of the endless sum, discounted
        ahead = gamma * P + Q
        gain = torch.linalg.solve(R + B.T @ ahead @ B, B.T @ ahead @ A)
        P = A.T @ ahead @ (A - B @ gain)
    places = torch.rand(256, 2, generator=generator) * 0.4 - 0.2  # where the best action is within its bounds
    cost, weight, state = torch.zeros(256), 1.0, at(places)
    with torch.no_grad():
        for _ in range(60):
            features = Features(state.deter[:, :0], state.deter)
            state = world.imagine(behaviour.actor.mode(features), state)
            cost, weight = cost - weight * world.reward(state.features), weight * gamma
    least = ((places @ P) * places).sum(-1)
    assert cost.mean() < 1.05 * least.mean(), cost.mean() / least.mean()  # 1.014 of either kind


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("members", 0),
        ("asked", -1),
        ("asked", 6),
        ("horizon", -1),
        ("starts", -1),
        ("nstep", 0),
        ("entropy", -1.0),
        ("gamma", 0.0),
        ("rho", 2.0),
    ],
)
def test_values_that_make_no_sense_are_refused(name, value):
    with pytest.raises(UserError, match=f"behaviour.{name} must"):
        TD3Config(**{name: value})
