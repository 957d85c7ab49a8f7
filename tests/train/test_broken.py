"""Weights and losses that are not finite stop a run, and nothing is kept of them."""

import pytest
import torch
from running import run
from tiny import tiny

from reverie.errors import UserError
from reverie.report.log import read_metrics
from reverie.train import checkpoint
from reverie.train.folder import RunFolder, load
from reverie.train.interrupt import Stopped


def break_weights(at):
    """Into the trainer: broken weights after so many updates."""

    def watch(trainer):
        update = trainer.learner.update

        def broken(*arguments, **options):
            metrics = update(*arguments, **options)
            if trainer.learner.updates == at:
                trainer.agent.world.encoder.mlp[0].weight.data.fill_(float("nan"))
            return metrics

        trainer.learner.update = broken

    return watch


def test_broken_weights_stop_the_run_before_an_evaluation(tmp_path):
    # Update 7 is the last before the evaluation at 80 frames, and no line of the log is due.
    with pytest.raises(
        UserError, match=r"the weight \S+ is nan after 7 updates, so the run stopped; its last checkpoint is whole"
    ):
        run(tiny(log_every=1000), tmp_path / "run", break_weights(7))


def test_a_loss_that_is_not_finite_stops_the_run_and_names_it(tmp_path):
    with pytest.raises(UserError, match=r"^\S+ is nan after 2 updates, so the run stopped"):
        run(tiny(log_every=2), tmp_path / "run", break_weights(1))


def test_an_action_that_is_not_finite_is_not_the_environments_fault(tmp_path):
    with pytest.raises(UserError, match=r"the agent chose an action that is not a number"):
        run(tiny(), tmp_path / "run", break_weights(5))


def test_broken_weights_replace_no_checkpoint(tmp_path):
    # Updates 7 and 12 are those before the evaluations at 80 and 120 frames.
    with pytest.raises(UserError, match=r"so the run stopped; its last checkpoint is whole"):
        run(tiny(log_every=1000), tmp_path / "run", break_weights(12))
    agent, _ = load(tmp_path / "run", "cpu")
    assert all(torch.isfinite(x).all() for x in agent.state_dict().values())
    assert [line["frames"] for line in read_metrics(tmp_path / "run" / "metrics.jsonl")] == [80]


@pytest.mark.parametrize("at", [3, 9])
def test_a_stop_keeps_no_broken_weights(at, tmp_path):
    def stop(trainer):
        return Stopped("enough", 143) if trainer.learner.updates == at else None

    # Checkpoints are those of the prefill's and the pretraining's end, and of the evaluation at 80 frames, after 7
    # updates; no line of the log is due.
    kept = "its last checkpoint is whole"
    with pytest.raises(UserError, match=rf"the weight \S+ is nan after {at} updates, so the run stopped; {kept}"):
        run(tiny(log_every=1000), tmp_path / "run", break_weights(at), stop)
    agent, _ = load(tmp_path / "run", "cpu")
    assert all(torch.isfinite(x).all() for x in agent.state_dict().values())


def test_a_stage_that_ends_with_broken_weights_leaves_the_checkpoint_before(tmp_path):
    # The second update is the pretraining's last.
    with pytest.raises(UserError, match=r"is nan after 2 updates, so the run stopped; its last checkpoint is whole"):
        run(tiny(log_every=1000), tmp_path / "run", break_weights(2))
    _, progress = checkpoint.read(RunFolder(tmp_path / "run").checkpoint)
    assert (progress["stage"], progress["updates"]) == (1, 0)
