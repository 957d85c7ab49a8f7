"""Actor-critic in whole agents: the program's groups train it, and nothing else of the world changes."""

import dataclasses
import io

import pytest
import torch
from tiny import TRAIN, built, changed, learner, random_batch, tiny, weights

from reverie.agents.programs import joint, one_world
from reverie.agents.resolve import Resolved, resolve
from reverie.behaviour.actor_critic import ActorCriticConfig
from reverie.nets.optimiser import OptimiserConfig
from reverie.report.log import read_metrics
from reverie.report.progress import Progress
from reverie.train.folder import RunFolder
from reverie.train.learner import Learner
from reverie.train.trainer import Trainer
from reverie.types import total

ENVS = pytest.mark.parametrize("env", ["py:tiny:walk", "py:tiny:choosing"])


def still(before, agent):
    return {name for name in set(before) - changed(before, agent) if "preprocess" not in name}


@ENVS
def test_a_group_for_each(env):
    resolved = tiny(env=env, behaviour="actor-critic")
    program = one_world(resolved.config)
    assert [group.name for group in program[-1].groups] == ["world", "actor", "critic"]
    agent = built(resolved)
    before, learning = weights(agent), learner(resolved, agent)
    for seed in range(3):
        metrics = learning.update(program[-1], random_batch(agent, seed=seed))
    assert still(before, agent) == set()
    names = {f"loss/behaviour/{name}" for name in ("policy", "value", "replay")}
    assert names | {"loss/actor", "loss/critic", "grad/actor", "grad/critic", "return/scale"} <= set(metrics)
    config = resolved.config.behaviour
    expected = metrics["loss/behaviour/value"] + config.replay * metrics["loss/behaviour/replay"]
    torch.testing.assert_close(metrics["loss/critic"], expected)


@ENVS
def test_one_optimiser_for_all(env):
    resolved = tiny(env=env, behaviour="actor-critic")
    program = joint(resolved.config)
    assert [group.name for group in program[-1].groups] == ["agent"]
    assert program[-1].groups[0].modules == ("world", "behaviour.actor", "behaviour.critic.value")
    agent = built(resolved)
    before, learning = weights(agent), Learner(agent, program, torch.Generator().manual_seed(0), "float32")
    for seed in range(3):
        metrics = learning.update(program[-1], random_batch(agent, seed=seed))
    assert still(before, agent) == set()
    assert {"loss/agent", "grad/agent"} <= set(metrics)
    assert list(learning.optimisers) == ["agent"]


@pytest.mark.parametrize("replay", [0.0, 0.3])
def test_the_worlds_loss_is_what_shapes_the_world(replay):
    """Without those that train actor and critic alone; the replayed returns shape it where they have a weight."""
    resolved = tiny(behaviour="actor-critic")
    behaviour = dataclasses.replace(resolved.config.behaviour, replay=replay)
    resolved = dataclasses.replace(resolved, config=dataclasses.replace(resolved.config, behaviour=behaviour))
    agent = built(resolved)
    program = one_world(resolved.config)
    metrics = learner(resolved, agent).update(program[-1], random_batch(agent))
    weights = {"reward": "reward", "continue": "continuation", "dynamics": "dynamics", "observation/state": "vector"}
    weights["representation"] = "representation"
    objective = resolved.config.objective
    expected = sum(getattr(objective, weight) * metrics[f"loss/{name}"] for name, weight in weights.items())
    if replay:
        expected = expected + replay * metrics["loss/behaviour/replay"]
    torch.testing.assert_close(metrics["loss/world"], expected)


@pytest.mark.parametrize("program", [one_world, joint])
def test_where_a_stage_does_not_behave_nothing_is_dreamed(program):
    resolved = tiny(behaviour="actor-critic")
    stage = program(resolved.config)[-1]
    groups = tuple(group for group in stage.groups if "world" in group.modules)
    agent = built(resolved)
    before = weights(agent)
    learning = Learner(agent, (stage,), torch.Generator().manual_seed(0), "float32")
    metrics = learning.update(dataclasses.replace(stage, behave=False, groups=groups), random_batch(agent))
    assert {name.split(".")[0] for name in changed(before, agent)} == {"world"}
    assert not [name for name in metrics if "behaviour" in name]


def test_one_optimiser_with_learning_rates_of_the_behaviours_own():
    """The rates asked for the actor and the critic hold; nothing else of their optimisers is read."""
    resolved = tiny(env="py:tiny:walk", behaviour="actor-critic")
    behaviour = dataclasses.replace(
        resolved.config.behaviour,
        actor_optimiser=OptimiserConfig(lr=3e-4, algorithm="laprop"),
        critic_optimiser=OptimiserConfig(lr=2e-3),
    )
    config = dataclasses.replace(resolved.config, behaviour=behaviour)
    agent = built(resolved)
    optimiser = Learner(agent, joint(config), torch.Generator().manual_seed(0), "float32").optimisers["agent"]
    rates = {p: group["lr"] for group in optimiser._algorithm.param_groups for p in group["params"]}
    for module, lr in ("behaviour.actor", 3e-4), ("behaviour.critic.value", 2e-3), ("world", 1e-3):
        assert all(rates[p] == pytest.approx(lr) for p in agent.get_submodule(module).parameters())


def test_a_behaviour_with_optimisers_of_its_own_leaves_the_world_as_one_group():
    resolved = tiny()
    assert [group.name for group in one_world(resolved.config)[-1].groups] == ["world"]
    assert joint(resolved.config)[-1].groups[0].modules == ("world",)


@pytest.mark.parametrize("gradient", ["score", "dynamics"])
def test_the_worlds_own_gradients_are_what_they_were(gradient):
    resolved = tiny(behaviour="actor-critic")
    agent, found = built(resolved), []
    behaviour = type(agent.behaviour)(
        ActorCriticConfig(gradient=gradient, horizon=3, starts=0),
        agent.world.dynamics.deter_size,
        agent.world.dynamics.stoch_size,
        agent.behaviour.actor.actions,
    )
    for dreams in (False, True):
        batch = random_batch(agent)
        generator = torch.Generator().manual_seed(0)
        experience, losses = agent.objective(agent.world, batch, agent.world.initial(len(batch.first)), generator)
        if dreams:
            # While it dreams the weights owe no gradient; the graph that was there before still does.
            more, _ = behaviour.loss(agent.world, experience, generator)
            losses |= {name: loss for name, loss in more.items() if name != "behaviour/replay"}
        parameters = list(agent.world.parameters())
        total(losses).backward(inputs=parameters)
        found.append([p.grad.clone() for p in parameters])
        agent.zero_grad()
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


def test_the_replay_loss_shapes_the_world():
    resolved = tiny(behaviour="actor-critic")
    agent = built(resolved)
    # A value that starts at zero has no gradient to its features.
    torch.nn.init.normal_(agent.behaviour.critic.value.mlp[-1].weight)
    batch, generator = random_batch(agent), torch.Generator().manual_seed(0)
    experience, _ = agent.objective(agent.world, batch, agent.world.initial(len(batch.first)), generator)
    losses, _ = agent.behaviour.loss(agent.world, experience, generator)
    encoder = list(agent.world.encoder.parameters())
    reached = torch.autograd.grad(losses["behaviour/replay"].value.mean(), encoder, retain_graph=True)
    assert all(g.abs().max() > 0 for g in reached)


def test_a_stage_without_groups_learns_nothing():
    resolved = tiny(behaviour="actor-critic")
    agent = built(resolved)
    before = weights(agent)
    stage = type(one_world(resolved.config)[-1])(name="idle", until=one_world(resolved.config)[-1].until, behave=True)
    learner(resolved, agent).update(stage, random_batch(agent))
    assert changed(before, agent) == {"behaviour.updates"}


def test_half_precision_learns():
    resolved = tiny(env="py:tiny:choosing", behaviour="actor-critic", precision="bfloat16")
    learning = learner(resolved)
    metrics = learning.update(one_world(resolved.config)[-1], random_batch(learning.agent))
    assert all(torch.isfinite(torch.as_tensor(value)) for value in metrics.values())


def test_cart_pole_from_end_to_end(tmp_path):
    small = {**TRAIN, "steps": 80, "eval_every": 80, "eval_episodes": 1}
    optimiser = OptimiserConfig(lr=1e-3)
    behaviour = ActorCriticConfig(horizon=3, starts=4, actor_optimiser=optimiser, critic_optimiser=optimiser)
    resolved = resolve("dreamer", "gym:CartPole-v1", parts={"behaviour": "actor-critic"}, behaviour=behaviour, **small)
    assert isinstance(resolved, Resolved) and resolved.parts.behaviour == "actor-critic"
    folder = RunFolder(tmp_path / "run")
    folder.create(resolved)
    trainer = Trainer(resolved, folder)
    try:
        with Progress(80, stream=io.StringIO()) as progress:
            trainer.run(progress)
    finally:
        trainer.close()
    lines = read_metrics(folder.metrics)
    assert any("eval/return" in line for line in lines)
    assert any("loss/behaviour/policy" in line for line in lines)
