"""Groups of losses: their gradients go into their modules, at their rate, and nowhere else."""

from dataclasses import replace

import pytest
import torch
from tiny import built, changed, random_batch, tiny, weights

from reverie.agents.program import Group, Stage, Until
from reverie.errors import UserError
from reverie.nets.optimiser import OptimiserConfig
from reverie.train.learner import Learner

LR = 1e-3
REST = ("world.dynamics", "world.decoder", "world.reward", "world.continue_")


def learn(*groups, behave=False, agent=None):
    """One update of a tiny agent by these groups: before, the agent after, metrics."""
    torch.manual_seed(0)
    resolved = tiny()
    agent = built(resolved) if agent is None else agent
    stage = Stage(name="learn", until=Until(updates=1), groups=groups, behave=behave)
    learner = Learner(agent, (stage,), torch.Generator().manual_seed(0), "float32")
    before = weights(agent)
    return before, agent, learner.update(stage, random_batch(agent))


def moved(before, agent, prefix):
    """How far the weights of a module moved at most: after one step of Adam, its learning rate."""
    return max(float((x - before[n]).abs().max()) for n, x in agent.state_dict().items() if n.startswith(prefix))


def group(name, modules, losses=("*",), lr=LR, lr_scales=()):
    adam = OptimiserConfig(lr=lr, clip=1e9)
    return Group(name=name, modules=modules, losses=losses, optimiser=adam, lr_scales=lr_scales)


def test_one_group_moves_the_world_alone():
    before, agent, metrics = learn(group("world", ("world",)))
    assert {name.split(".")[0] for name in changed(before, agent)} == {"world"}
    assert moved(before, agent, "world.encoder") == pytest.approx(LR, rel=0.05)
    assert metrics["loss/world"] > 0


@pytest.mark.parametrize("order", [1, -1])
def test_two_groups_at_two_rates(order):
    groups = [group("encoder", ("world.encoder",), lr=0.3 * LR), group("rest", REST)][::order]
    before, agent, metrics = learn(*groups)
    assert moved(before, agent, "world.encoder") == pytest.approx(0.3 * LR, rel=0.05)
    for module in REST:
        assert moved(before, agent, module) == pytest.approx(LR, rel=0.05)
    assert metrics["grad/encoder"] > 0
    assert metrics["grad/rest"] > 0


def test_a_module_may_have_a_share_of_the_rate():
    before, agent, _ = learn(group("world", ("world",), lr_scales=(("world.encoder", 0.3), ("world.reward", 2.0))))
    for module, scale in {"encoder": 0.3, "reward": 2, "dynamics": 1, "decoder": 1, "continue_": 1}.items():
        assert moved(before, agent, f"world.{module}") == pytest.approx(scale * LR, rel=0.05), module


def test_rates_change_no_gradient():
    _, _, one = learn(group("world", ("world",)))
    _, _, other = learn(group("world", ("world",), lr_scales=(("world.encoder", 0.3),)))
    torch.testing.assert_close(other["grad/world"], one["grad/world"])


@pytest.mark.parametrize("order", [1, -1])
def test_two_groups_have_the_gradients_of_one(order):
    """Each weight's gradient is that of the weights before the update, whichever group steps first."""
    _, together, _ = learn(group("world", ("world",)))
    groups = [group("encoder", ("world.encoder",)), group("rest", REST)][::order]
    _, apart, _ = learn(*groups)
    for (name, one), other in zip(together.named_parameters(), apart.parameters(), strict=True):
        if name.startswith("world"):
            torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7, msg=name)


def test_a_module_without_a_group_stands_still():
    before, agent, _ = learn(group("encoder", ("world.encoder",)))
    assert changed(before, agent) and all(name.startswith("world.encoder.") for name in changed(before, agent))


def test_a_group_takes_the_losses_it_names():
    _, _, every = learn(group("world", ("world",)))
    before, agent, metrics = learn(
        group("heads", ("world.reward", "world.continue_"), losses=("reward",)),
        group("model", ("world.encoder", "world.dynamics"), losses=("observation/*", "dynamics")),
    )
    # The continuation's loss is in no group: its head has no gradient.
    assert moved(before, agent, "world.reward") == pytest.approx(LR, rel=0.05)
    assert moved(before, agent, "world.continue_") == 0
    assert moved(before, agent, "world.decoder") == 0
    assert moved(before, agent, "world.dynamics") == pytest.approx(LR, rel=0.05)
    weight = tiny().config.objective
    torch.testing.assert_close(metrics["loss/heads"], weight.reward * every["loss/reward"])
    expected = weight.vector * every["loss/observation/state"] + weight.dynamics * every["loss/dynamics"]
    torch.testing.assert_close(metrics["loss/model"], expected)


def test_a_behaviour_learns_where_the_stage_says_so():
    before, agent, metrics = learn(group("world", ("world",)), behave=True)
    assert {name.split(".")[0] for name in changed(before, agent)} == {"world", "behaviour"}
    assert metrics["grad/actor"] > 0


def test_a_stage_without_groups_leaves_the_world_alone():
    before, agent, _ = learn(behave=True)
    assert {name.split(".")[0] for name in changed(before, agent)} == {"behaviour"}


def test_a_group_without_losses_is_a_mistake():
    with pytest.raises(UserError, match=r"group 'world' learns from \('rewards',\), but the losses are"):
        learn(group("world", ("world",), losses=("rewards",)))


def test_a_group_is_the_same_in_every_stage():
    agent = built(tiny())
    one, other = group("world", ("world",)), group("world", ("world.encoder",))
    stages = [Stage(name=name, until=Until(updates=1), groups=(g,)) for name, g in (("a", one), ("b", other))]
    with pytest.raises(UserError, match="two different groups of the name 'world'"):
        Learner(agent, tuple(stages), torch.Generator(), "float32")
    learner = Learner(agent, (stages[0], stages[0]), torch.Generator(), "float32")
    assert list(learner.optimisers) == ["world"]


@pytest.mark.parametrize("preset", ["dreamer", "tssm", "twm", "tdmpc2"])
def test_a_chunk_that_is_burned_in_follows_the_state_after_the_steps_before(preset):
    resolved = tiny(preset)
    agent, program = built(resolved), resolved.program()
    stage, batch = program[-1], random_batch(agent, length=9)
    learner = Learner(agent, program, torch.Generator().manual_seed(0), "float32", burn_in=4)
    seen = []
    objective = type(agent.objective)
    forward = objective.forward

    def watched(self, world, chunk, state, generator):
        seen.append((chunk, state))
        return forward(self, world, chunk, state, generator)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objective, "forward", watched)
        before = agent.world.observe(batch.at(slice(4)), agent.world.initial(2), torch.Generator().manual_seed(0))
        learner.update(stage, batch)
    ((chunk, state),) = seen
    assert torch.equal(chunk.reward, batch.reward[:, 4:]) and chunk.first.shape == (2, 5)
    expected = before.last()
    assert torch.equal(state.stoch, expected.stoch) and torch.equal(state.deter, expected.deter)
    assert state.stoch.any() and not state.stoch.requires_grad
    seen.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objective, "forward", watched)
        learner.update(replace(stage, draw="beginnings"), batch.at(slice(5)))
    ((chunk, state),) = seen
    assert chunk.first.shape == (2, 5) and not state.stoch.any()


def test_a_backbone_may_learn_where_it_begins():
    resolved = tiny()
    agent = built(resolved)
    begin = torch.nn.Parameter(torch.zeros(agent.world.dynamics.stoch_size))
    agent.world.begin = begin
    initial = agent.world.initial
    agent.world.initial = lambda rows: (lambda state: state._replace(stoch=state.stoch + begin))(initial(rows))
    program = resolved.program()
    batch = random_batch(agent)
    batch.first.zero_()
    Learner(agent, program, torch.Generator().manual_seed(0), "float32").update(program[-1], batch)
    assert begin.any()


def test_two_optimisers_of_one_name_are_refused():
    torch.manual_seed(0)
    agent = built(tiny())
    agent.behaviour.optimisers = {"world": None}
    stage = Stage(name="learn", until=Until(updates=1), groups=(group("world", ("world",)),))
    with pytest.raises(UserError, match="both have an optimiser of the name 'world'"):
        Learner(agent, (stage,), torch.Generator().manual_seed(0), "float32")
