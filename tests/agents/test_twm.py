"""TWM's program: two models that learn apart, and when."""

import pytest
import torch
from tiny import built, changed, learner, random_batch, tiny, weights

from reverie.agents.build import build_world
from reverie.agents.presets import PRESETS
from reverie.agents.program import count_updates
from reverie.agents.resolve import resolve
from reverie.report.progress import Progress
from reverie.train.folder import RunFolder
from reverie.train.trainer import Trainer

PROGRAM = ("prefill", "see", "predict", "pretrain", "learn")
SEEN = ("world.encoder", "world.dynamics.posterior", "world.decoder")


def stages(**changes):
    resolved = tiny("twm", **changes)
    return resolved, {stage.name: stage for stage in PRESETS["twm"].program(resolved.config)}


def test_every_weight_of_the_world_belongs_to_one_of_the_two():
    resolved, program = stages()
    agent = built(resolved)
    owners = {name: [] for name, _ in agent.world.named_parameters(prefix="world")}
    for group in program["learn"].groups[:2]:
        for name in owners:
            if name.startswith(group.modules):
                owners[name].append(group.name)
    assert all(len(names) == 1 for names in owners.values()), owners


@pytest.mark.parametrize("stage", ["see", "predict"])
def test_each_model_learns_without_the_other(stage):
    resolved, program = stages()
    agent = built(resolved)
    before = weights(agent)
    learner(resolved, agent).update(program[stage], random_batch(agent))
    moved = changed(before, agent)
    assert moved and all(name.startswith(SEEN) == (stage == "see") for name in moved)
    assert not any(name.startswith("behaviour") for name in moved)


@pytest.mark.parametrize("pretrain", [0, 1, 7, 100])
def test_the_pretraining_is_shared_out(pretrain):
    _, program = stages(pretrain=pretrain)
    assert tuple(program) == PROGRAM
    counts = [program[name].until.updates for name in PROGRAM[1:4]]
    assert counts[:2] == [int(0.6 * pretrain), int(0.3 * pretrain)] and sum(counts) == pretrain
    # 80 frames in steps of 8 follow the prefill
    assert count_updates(tuple(program.values()), 1) == pretrain + 10


def test_actor_and_critic_read_latents_alone():
    config = tiny("twm").config
    assert config.behaviour.actor.reads == config.behaviour.critic.reads == config.decoder.reads == "z"
    assert config.reward.reads == config.continue_.reads == "h"


def test_pretraining_counts_no_visits(tmp_path):
    resolved = tiny("twm", pretrain=10, steps=48, prefill=40, eval_every=40)
    trainer = Trainer(resolved, RunFolder(tmp_path / "run"))
    seen = []
    update = trainer._update

    def counted(stage, log):
        update(stage, log)
        seen.append((stage.name, sum(int(x.sum()) for n, x in trainer.replay.draws.state().items() if "visits" in n)))

    trainer._update = counted
    try:
        trainer.folder.create(resolved)
        trainer.run(Progress(resolved.config.train.steps, quiet=True))
    finally:
        trainer.close()
    assert [name for name, _ in seen] == ["see"] * 6 + ["predict"] * 3 + ["pretrain"] + ["learn"]
    assert [count for _, count in seen] == [0] * 10 + [resolved.config.train.batch]


def test_the_laptops_latents_tell_how_long_an_observation_is():
    resolved = resolve("twm", "gym:CartPole-v1")
    torch.manual_seed(0)
    world = build_world(resolved.config, resolved.parts, {"state": (4,)}, 2)
    x = torch.randn(32, 4)
    once, twice = (world.dynamics.posterior.mlp(world.encoder({"state": x * scale})) for scale in (1, 2))
    assert (twice - once).norm() > 0.1 * once.norm()
