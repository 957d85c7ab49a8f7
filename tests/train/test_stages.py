"""Programs of several stages: World Models' V, M and C, killed in any of them, in rounds, and in the real arena."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from interrupted import Killed, Uninterrupted, after, go, outcome, wrap
from running import run
from tiny import Walk, tiny

from reverie.agents.presets import PRESETS
from reverie.envs.seeds import ARENA
from reverie.errors import UserError
from reverie.report import evaluate
from reverie.train import forecast, trainer
from reverie.train.encoding import encode_once
from reverie.train.environments import seeded
from reverie.train.folder import RunFolder
from reverie.train.trainer import Trainer
from reverie.world.vision_memory import STORED, posterior_of

ROUNDS = {"steps": 60, "hold": (2, 3), "num_envs": 2}


def staged(rounds=1, arena=None, **changes):
    resolved = tiny("worldmodels", **{**ROUNDS, **changes})
    config = resolved.config
    objective = replace(config.objective, rounds=rounds)
    behaviour = replace(config.behaviour, arena=arena) if arena else config.behaviour
    return replace(resolved, config=replace(config, objective=objective, behaviour=behaviour))


KINDS = {
    "dream": staged(),
    "rounds": staged(2),
    "real": staged(arena="real"),
    "pixels": staged(pixels=True, size=16, num_envs=1),
    "gradient": staged(behaviour="actor-critic"),
    "lives": staged(arena="real", env="py:lives:game", episodic_lives=True),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The uninterrupted run of each kind."""
    return Uninterrupted(tmp_path_factory, KINDS.__getitem__)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("where", ["collector.collect", "learner.update", "_write"])
def test_killed_in_any_stage_it_goes_on_to_the_bit(kind, where, whole, tmp_path):
    draw = random.Random(f"{kind} {where}")
    for _ in range(5):
        count = draw.randint(1, 12)

        def spoil(trainer, count=count):
            *owners, name = where.split(".")
            wrap(getattr(trainer, owners[0]) if owners else trainer, name, after(count, Killed()))

        try:
            go(KINDS[kind], tmp_path / "run", spoil)
        except Killed:
            continue
        break
    else:
        go(KINDS[kind], tmp_path / "run")
    assert outcome(tmp_path / "run") == whole(kind)


@pytest.mark.parametrize(("where", "stage"), [("collector.collect", 0), ("learner.update", 1)])
def test_a_long_stage_that_is_killed_keeps_what_it_had(where, stage, whole, tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "LONG", -1.0)  # after every step

    def spoil(made):
        owner, name = where.split(".")
        wrap(getattr(made, owner), name, after(3, Killed()))

    with pytest.raises(Killed):
        go(KINDS["dream"], tmp_path / "run", spoil)
    made = Trainer(KINDS["dream"], RunFolder(tmp_path / "run"))
    try:
        made.resume()
        assert made.stage == stage
        assert (made.frames if stage == 0 else made.learner.updates) > 0
    finally:
        made.close()
    go(KINDS["dream"], tmp_path / "run")
    assert outcome(tmp_path / "run") == whole("dream")


def test_a_stage_that_is_over_is_not_done_again(tmp_path):
    """What is killed in the second stage keeps all that the first collected."""
    with pytest.raises(Killed):
        go(KINDS["dream"], tmp_path / "run", lambda trainer: wrap(trainer.learner, "update", after(3, Killed())))
    trainer = Trainer(KINDS["dream"], RunFolder(tmp_path / "run"))
    try:
        trainer.resume()
        assert (trainer.stage, trainer.frames, trainer.learner.updates) == (1, 60, 0)
    finally:
        trainer.close()


def test_what_each_stage_learns_and_when_it_is_evaluated(tmp_path):
    moved = {}

    def watch(trainer):
        update = trainer.learner.update

        def watched(stage, batch, **options):
            before = {name: x.clone() for name, x in trainer.agent.state_dict().items()}
            metrics = update(stage, batch, **options)
            after_it = trainer.agent.state_dict()
            still = {name for name, x in after_it.items() if x.shape == before[name].shape and x.equal(before[name])}
            moved.setdefault(stage.name, set()).update(set(after_it) - still)
            shapes.setdefault(stage.name, (tuple(batch.first.shape), set(batch.opaque)))
            return metrics

        trainer.learner.update = watched

    shapes = {}
    left = run(staged(), tmp_path, watch)
    parts = {stage: {".".join(name.split(".")[:3]) for name in names} for stage, names in moved.items()}
    assert parts["vision"] == {
        "world.encoder.mlp",
        "world.dynamics.posterior",
        "world.decoder.mlp",
    }
    assert parts["memory"] == {
        "world.dynamics.entry",
        "world.dynamics.backbone",
        "world.dynamics.prior_net",
        "world.reward.mlp",
        "world.continue_.mlp",
    }
    assert parts["control"] == {"behaviour.weights", "behaviour._extra_state"}
    assert shapes == {
        "vision": ((4, 1), set()),
        "memory": ((2, 5), {STORED}),
        "control": ((2, 1), set()),
    }
    # Two evaluations of the four generations: after two, and when all is over.
    assert [line["updates"] for line in left.evaluations()] == [10, 12]
    assert [line["updates"] for line in left.metrics if "population/mean" in line] == [9, 10, 11, 12]


def test_rounds_share_the_frames_and_go_on_with_what_was_learned():
    program = PRESETS["worldmodels"].program(staged(3).config)
    collecting = [(stage.actor, stage.until.frames, stage.measure) for stage in program if stage.name == "collect"]
    assert collecting == [("random", 20, True), ("behaviour", 40, False), ("behaviour", 60, False)]
    assert [stage.name for stage in program[:4]] == ["collect", "vision", "memory", "control"]
    assert len(program) == 12


def test_what_is_encoded_once_is_what_v_says(tmp_path):
    trainer = Trainer(KINDS["dream"], RunFolder(tmp_path))
    try:
        trainer.collector.collect(60, trainer.random)
        world = trainer.agent.world
        encode_once(world, trainer.replay, torch.device("cpu"))
        batch = trainer.replay.sample(8, np.random.default_rng(0))
        seen = posterior_of(world, world.preprocess(batch.observation))
        torch.testing.assert_close(batch.opaque[STORED], seen)
        trainer.collector.collect(1, trainer.random)
        assert trainer.replay.sample(8, np.random.default_rng(0)).opaque == {}  # what is new was not encoded
    finally:
        trainer.close()


class Paying(Walk):
    """Two steps, each of which pays what was done."""

    def __init__(self):
        super().__init__(length=2)

    def step(self, action):
        observation, _, terminated, truncated, info = super().step(action)
        return observation, float(action[0]), terminated, truncated, info


def paying():
    return Paying()


@pytest.mark.parametrize("side", [1, 3, 8])
def test_the_arena_pays_each_individual_for_its_own_episodes(side, tmp_path):
    resolved = staged(arena="real", env="py:test_stages:paying", num_envs=side)
    trainer = Trainer(resolved, RunFolder(tmp_path))
    try:
        controller = trainer.agent.behaviour.controller
        population = torch.zeros(5, controller.size)
        population[:, -1] = torch.tensor([-20.0, -0.5, 0.0, 0.5, 20.0])  # the bias alone
        returns, length = trainer.learner._fitness(population, 2, 0)
        # actions of [-2, 2], two steps
        torch.testing.assert_close(returns, 2 * 2 * torch.tanh(population[:, -1]))
        assert length == 2.0
    finally:
        trainer.close()


def test_a_generation_s_episodes_are_its_own(tmp_path):
    resolved = staged(arena="real", num_envs=2)
    trainer = Trainer(resolved, RunFolder(tmp_path))
    try:
        arena = trainer.learner._fitness
        population = torch.randn(4, trainer.agent.behaviour.controller.size, generator=torch.Generator().manual_seed(0))
        first, other, again = (arena(population, 2, generation)[0] for generation in (0, 1, 0))
        assert torch.equal(first, again) and not torch.equal(first, other)
    finally:
        trainer.close()


def test_its_seeds_are_not_those_of_training():
    config = staged().config.env
    training, arena = (seeded(config, 0, number) for number in (0, ARENA))
    assert not np.array_equal(training.reset()[0]["state"], arena.reset()[0]["state"])


def test_the_arena_does_not_wait_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate, "LONGEST", 5)
    resolved = staged(arena="real")  # walks of more steps than that
    trainer = Trainer(resolved, RunFolder(tmp_path))
    try:
        with pytest.raises(UserError, match="an episode did not end within 5 steps"):
            trainer.learner._fitness(torch.zeros(2, trainer.agent.behaviour.controller.size), 1, 0)
    finally:
        trainer.close()


def test_a_forecast_encodes_once_as_the_run_does(tmp_path, monkeypatch):
    trainer, encoded = Trainer(staged(), RunFolder(tmp_path)), []
    monkeypatch.setattr(forecast, "encode_once", lambda *_: encoded.append(1))
    try:
        forecast.measure(trainer)
        assert len(encoded) == sum(stage.encode for stage in trainer.program if stage.learns)
        assert encoded
    finally:
        trainer.close()
