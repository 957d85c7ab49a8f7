"""Acting while learning: nobody waits for the other, no record is lost, and any moment can be kept."""

import threading

import numpy as np
import pytest
import torch
from running import run
from tiny import Walk, tiny, weights

from reverie.agents.resolve import Resolved
from reverie.errors import UserError
from reverie.report.progress import Progress
from reverie.train.folder import RunFolder
from reverie.train.interrupt import Stopped
from reverie.train.supply import InTurn, Live, Nothing, supply_of
from reverie.train.trainer import Trainer

PATIENCE = 60
"""Seconds after which something that should happen at once counts as never."""


def live(**changes) -> Resolved:
    return tiny(live=True, **changes)


@pytest.fixture
def trainer(tmp_path):
    """One whose prefill is over."""
    made = Trainer(live(), RunFolder(tmp_path / "run"))
    made.folder.create(live())
    with supply_of(made, made.program[0]) as supply:
        while not made.over(made.program[0]):
            supply.bring()
    yield made
    made.close()


def waited(happened) -> bool:
    """Whether it happens before patience ends."""
    tick = threading.Event()
    return any(happened() or tick.wait(0.01) for _ in range(100 * PATIENCE))


def stage_of(trainer):
    return next(stage for stage in trainer.program if stage.live)


def test_what_supplies_a_stage(trainer):
    prefill, pretrain, learn = trainer.program
    assert [stage.live for stage in trainer.program] == [False, False, True]
    kinds = [type(supply_of(trainer, stage)) for stage in (prefill, pretrain, learn)]
    assert kinds == [InTurn, Nothing, Live]


def test_a_run_has_exactly_its_frames_and_all_its_records(tmp_path):
    held = []
    result = run(live(), tmp_path / "run", lambda trainer: held.append(trainer))
    trainer = held[0]
    assert result.frames == 120 == trainer.collector.steps == result.metrics[-1]["frames"]
    resets = int(sum(columns["first"].sum() for _, _, columns in trainer.replay.episodes()))
    assert len(trainer.replay) == 120 + resets
    assert result.walks[0].taken == 120
    assert result.evaluations()[-1]["frames"] == 120
    assert not [thread for thread in threading.enumerate() if thread.name == "acting"]


def test_records_are_those_of_the_environment_in_its_order(tmp_path):
    held = []
    run(live(), tmp_path / "run", lambda trainer: held.append(trainer))
    for _, _, columns in held[0].replay.episodes():
        place, action = columns["observation/state"][:, 0], columns["action"][:, 0]
        # A walk moves by a tenth of its action, which is within [-2, 2]; the replay's is within [-1, 1].
        moved = np.diff(place)
        scale = moved / np.where(action[1:] == 0, 1, action[1:])
        np.testing.assert_allclose(scale, scale[0], atol=1e-3)


class Gated(Walk):
    """A walk each of whose steps waits at a gate."""

    gate = threading.Event()

    def step(self, action):
        assert Gated.gate.wait(PATIENCE)
        return super().step(action)


def gated():
    return Gated()


def test_learning_does_not_wait_for_the_environment(tmp_path):
    Gated.gate.set()

    def watch(trainer):
        update = trainer.learner.update
        begun = []

        def counted(stage, batch, **options):
            if stage.live:
                begun.append(trainer.learner.updates)
                # The environment stands still from the first live update on, until ten are made.
                Gated.gate.set() if len(begun) > 10 else Gated.gate.clear()
            return update(stage, batch, **options)

        trainer.learner.update = counted

    result = run(live(env="py:test_live:gated", steps=400), tmp_path / "run", watch)
    assert result.frames == 400 and result.updates > 2 + 10


def test_acting_does_not_wait_for_an_update(tmp_path):
    def watch(trainer):
        update = trainer.learner.update

        def slow(stage, batch, **options):
            if stage.live:
                before = trainer.collector.steps
                assert waited(lambda: trainer.collector.steps >= min(before + 3, 120))
            return update(stage, batch, **options)

        trainer.learner.update = slow

    assert run(live(), tmp_path / "run", watch).frames == 120


def test_nothing_is_collected_while_it_holds_still(trainer):
    with Live(trainer, stage_of(trainer)) as supply:
        for _ in range(3):
            with supply.still():
                steps, records = trainer.collector.steps, len(trainer.replay)
                assert trainer.steps == steps
                threading.Event().wait(0.05)
                assert (trainer.collector.steps, len(trainer.replay)) == (steps, records)
        assert waited(lambda: trainer.collector.steps == 120)


def test_who_acts_gets_the_weights_as_often_as_asked(trainer):
    with Live(trainer, stage_of(trainer)) as supply:
        begun = weights(trainer.agent)
        with torch.no_grad():
            for weight in trainer.agent.parameters():
                weight += 1.0
        every = trainer.config.train.share_every
        for updates, shared in ((every - 1, begun), (every, weights(trainer.agent))):
            trainer.learner.updates = trainer.began[0] + updates
            supply.bring()
            with supply.still():
                supply.take_weights()
                acting = weights(supply.agent)
            learned = {name: shared[name] for name in dict(trainer.agent.named_parameters())}
            assert all(torch.equal(acting[name], x) for name, x in learned.items())


def test_what_fails_in_the_thread_ends_the_run_in_a_line(tmp_path):
    with pytest.raises(UserError, match="the environment returned an observation 'state' of nan"):
        run(live(env="py:tiny:poisoned", prefill=20, eval_every=200), tmp_path / "run")
    assert not [thread for thread in threading.enumerate() if thread.name == "acting"]


@pytest.mark.parametrize("vector", ["sync", "async"])
def test_stopped_and_resumed_without_a_gap(vector, tmp_path):
    resolved = live(num_envs=2, vector=vector, steps=400)
    stopping = Stopped("enough", 0)
    with pytest.raises(Stopped):
        run(resolved, tmp_path / "run", stop=lambda trainer: stopping if trainer.learner.updates > 2 else None)
    folder = RunFolder(tmp_path / "run")
    before = folder.metrics.read_bytes()
    Walk.alive.clear()
    trainer = Trainer(resolved, folder)
    try:
        told = trainer.resume()
        cut = "acts live, and is not made to repeat itself; its episode is cut, and a new one begins"
        assert set(told) <= {f"environment {row} {cut}" for row in range(2)}
        assert not [walk.taken for walk in Walk.alive if walk.taken]  # no action is done again
        frames, held = trainer.frames, [len(column) for column in trainer.replay.whole("first")]
        assert 40 <= frames <= 400 and sum(held) >= frames
        with Progress(400, quiet=True) as progress:
            trainer.run(progress)
        assert trainer.frames == 400
        for column, count in zip(trainer.replay.whole("first"), held, strict=True):
            assert len(column) > count and column[count]  # the next record begins an episode
    finally:
        trainer.close()
    assert folder.metrics.read_bytes().startswith(before)


def test_graphs_are_refused():
    with pytest.raises(UserError, match="--graphs records what no other thread may disturb, and --live acts in one"):
        live(graphs=True)


def test_images_are_drawn_in_a_process_or_not_at_all():
    with pytest.raises(UserError, match="where --pixels cannot be drawn: add --vector async"):
        live(pixels=True)
    assert live(pixels=True, vector="async").config.train.live
