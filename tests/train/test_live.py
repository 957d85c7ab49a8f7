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
from reverie.train import supply
from reverie.train.folder import RunFolder
from reverie.train.interrupt import Stopped
from reverie.train.supply import InTurn, Live, Nothing, check_live, supply_of
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
    with supply_of(made, made.program[0]) as prefill:
        while not made.over(made.program[0]):
            prefill.bring()
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
    assert trainer.supply.waits  # its last evaluation is no training
    assert result.frames == 120 == trainer.collector.steps == result.metrics[-1]["frames"]
    resets = int(sum(columns["first"].sum() for _, _, columns in trainer.replay.episodes()))
    assert len(trainer.replay) == 120 + resets
    assert result.walks[0].taken == 120
    assert result.evaluations()[-1]["frames"] == 120
    assert not acting()


@pytest.mark.parametrize("preset", ["daydreamer", "dreamerv3", "twm", "planet", "tdmpc2"])
def test_other_behaviours_and_programs_act_live_too(preset, tmp_path):
    result = run(live(preset=preset), tmp_path / "run")
    assert result.frames == 120 and result.updates >= 2
    assert len(result.evaluations()) >= 1


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

    result = run(live(env="py:test_live:gated", steps=400, eval_every=1000), tmp_path / "run", watch)
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
    with Live(trainer, stage_of(trainer)) as live_supply:
        for _ in range(3):
            with live_supply.still():
                steps, records = trainer.collector.steps, len(trainer.replay)
                assert trainer.steps == steps
                threading.Event().wait(0.05)
                assert (trainer.collector.steps, len(trainer.replay)) == (steps, records)
        assert waited(lambda: trainer.collector.steps == 120)


def test_who_acts_gets_the_weights_as_often_as_asked(trainer):
    with Live(trainer, stage_of(trainer)) as live_supply:
        begun = weights(trainer.agent)
        with torch.no_grad():
            for weight in trainer.agent.parameters():
                weight += 1.0
        every = trainer.config.train.share_every
        for updates, shared in ((every - 1, begun), (every, weights(trainer.agent))):
            trainer.learner.updates = trainer.began[0] + updates
            live_supply.bring()
            with live_supply.still():
                live_supply.take_weights()  # as before the next step
                acting = weights(live_supply.agent)
            learned = {name: shared[name] for name in dict(trainer.agent.named_parameters())}
            assert all(torch.equal(acting[name], x) for name, x in learned.items())


def test_what_fails_in_the_thread_ends_the_run_in_a_line(tmp_path):
    with pytest.raises(UserError, match="the environment returned an observation 'state' of nan"):
        run(live(env="py:tiny:poisoned", prefill=20, eval_every=200), tmp_path / "run")
    assert not acting()


def test_what_fails_while_it_evaluates_leaves_the_checkpoint_before(tmp_path):
    held = []

    def watch(trainer):
        held.append(trainer)
        evaluate = trainer.evaluator.__call__
        trainer.evaluator = lambda agent: (waited(lambda: not acting()), evaluate(agent))[1]
        trainer.evaluator.close = lambda: None

    # Episodes of 10 steps; the third one turns to nan in its midst, while the first evaluation goes on.
    resolved = live(env="py:tiny:poisoned", prefill=20, eval_every=24)
    with pytest.raises(UserError, match="the environment returned an observation 'state' of nan"):
        run(resolved, tmp_path / "run", watch)
    assert held[0].collector.steps == held[0].steps + 1  # half a step, which no checkpoint may hold
    trainer = Trainer(resolved, RunFolder(tmp_path / "run"))
    try:
        trainer.resume()
        (first,) = trainer.replay.whole("first")
        assert trainer.frames == trainer.collector.steps == int((~first).sum()) <= 25
    finally:
        trainer.close()


def acting() -> bool:
    """Whether a thread acts."""
    return any(thread.name == "acting" for thread in threading.enumerate())


def test_no_step_is_taken_after_the_last_checkpoint(tmp_path):
    resolved, stopping = live(steps=4000), Stopped("enough", 0)
    with pytest.raises(Stopped):
        run(resolved, tmp_path / "run", stop=lambda trainer: stopping if trainer.learner.updates > 4 else None)
    taken = Walk.alive[0].taken
    trainer = Trainer(resolved, RunFolder(tmp_path / "run"))
    try:
        trainer.resume()
        assert trainer.frames == taken
    finally:
        trainer.close()


def test_an_environment_that_does_not_come_back_is_told(trainer, monkeypatch):
    monkeypatch.setattr(supply, "PATIENCE", 0.05)
    gate = threading.Event()
    act, trainer.act = trainer.act, lambda *seen: (gate.wait(PATIENCE), act(*seen))[1]
    with pytest.raises(UserError, match=r"has not come back from a step for 0\.05 seconds"):  # noqa: SIM117
        with Live(trainer, stage_of(trainer)):
            assert waited(acting)
    gate.set()
    assert waited(lambda: not acting())


def test_acting_waits_before_memory_ends(trainer, monkeypatch):
    monkeypatch.setattr(supply, "MOST", 3)
    with Live(trainer, stage_of(trainer)) as live_supply:
        before = trainer.steps
        assert waited(lambda: trainer.collector.steps >= before + 2)
        assert not gap(lambda: trainer.collector.steps > before + 3)
        while not trainer.over(stage_of(trainer)):
            live_supply.bring()
    assert trainer.steps == trainer.collector.steps == 120


def gap(happens) -> bool:
    """Whether something happens in a short while."""
    tick = threading.Event()
    return any(happens() or tick.wait(0.01) for _ in range(10))


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
        assert trainer.frames >= 400
        for column, count in zip(trainer.replay.whole("first"), held, strict=True):
            assert len(column) > count and column[count]  # the next record begins an episode
    finally:
        trainer.close()
    assert folder.metrics.read_bytes().startswith(before)


REFUSED = [
    ({"graphs": True}, "--graphs records what no other thread may disturb, and --live acts in one"),
    ({"pixels": True}, "where --pixels cannot be drawn: add --vector async, which draws in a process, or --no-live"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED, ids=["graphs", "pixels"])
def test_what_two_threads_cannot_share_is_refused(changes, message):
    resolved = live(**changes)
    with pytest.raises(UserError, match=message):
        check_live(resolved.program(), resolved.config)
    check_live(tiny(**changes).program(), resolved.config)  # in turn
    staged = tiny("worldmodels", live=True, **changes)  # which acts live in no stage
    check_live(staged.program(), staged.config)


def test_images_are_drawn_in_a_process():
    resolved = live(pixels=True, vector="async")
    check_live(resolved.program(), resolved.config)
