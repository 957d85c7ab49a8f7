"""A whole run: what it counts, what it writes, and that it repeats to the bit."""

import json

import numpy as np
import pytest
import torch
from running import CLOCKS, run
from tiny import tiny

from reverie.envs.make import make_vector
from reverie.errors import UserError
from reverie.report.evaluate import Evaluator
from reverie.report.log import read_metrics
from reverie.report.progress import Progress
from reverie.train.folder import RunFolder, default_path, load
from reverie.train.run import draw  # noqa: F401  (imported early: its libraries warn only once)
from reverie.train.trainer import Trainer


def assert_equal(one, other):
    assert set(one) == set(other)
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=0, atol=0, msg=name)


def differ(one, other):
    return {name for name in one if not torch.equal(one[name], other[name])}


def test_the_same_seed_gives_the_same_run(finished, tmp_path):
    again = run(tiny(), tmp_path / "again")
    assert_equal(again.weights, finished.weights)
    assert again.timeless() == finished.timeless()
    assert len(again.metrics) > 4


@pytest.mark.parametrize("parts", [{"latent": "categorical", "posterior": "encode"}, {"num_envs": 2}], ids=str)
def test_other_parts_repeat_as_well(parts, tmp_path):
    # What others draw from torch's own generator is of no concern.
    torch.manual_seed(1)
    first = run(tiny(**parts), tmp_path / "first")
    torch.manual_seed(2)
    again = run(tiny(**parts), tmp_path / "again")
    assert_equal(again.weights, first.weights)
    assert again.timeless() == first.timeless()


def test_another_seed_gives_another_run(finished, tmp_path):
    other = run(tiny(seed=1), tmp_path / "other")
    assert differ(other.weights, finished.weights) >= {"world.reward.mlp.0.weight", "behaviour.actor.mlp.0.weight"}
    assert other.evaluations()[-1]["eval/returns"] != finished.evaluations()[-1]["eval/returns"]


def test_torchs_own_generator_is_left_alone(tmp_path):
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    run(tiny(steps=60, prefill=40), tmp_path / "run")
    assert torch.equal(torch.random.get_rng_state(), before)


def test_evaluation_does_not_disturb_training(finished, tmp_path):
    rare = run(tiny(eval_every=1000), tmp_path / "rare")
    assert len(rare.evaluations()) == 1 < len(finished.evaluations())
    assert_equal(rare.weights, finished.weights)
    often = run(tiny(eval_every=9, eval_episodes=3), tmp_path / "often")
    assert len(often.evaluations()) > 5
    assert_equal(often.weights, finished.weights)


def test_logging_does_not_disturb_training(finished, tmp_path):
    # Diagnosis costs extra, but draws nothing.
    assert_equal(run(tiny(log_every=1), tmp_path / "log").weights, finished.weights)


def test_frames_are_those_of_training_alone(finished):
    assert finished.frames == 120
    training, *evaluating = finished.walks
    assert training.taken == 120
    assert [walk.taken for walk in evaluating] == [2 * 10, 2 * 10]  # two evaluations of 10 steps in each


@pytest.mark.parametrize(("repeat", "envs"), [(2, 1), (5, 1), (2, 2)])
def test_frames_are_agent_steps_times_action_repeat(tmp_path, repeat, envs):
    result = run(tiny(action_repeat=repeat, num_envs=envs, steps=160, prefill=40, pretrain=3), tmp_path / "run")
    assert result.frames == 160
    assert sum(walk.taken for walk in result.walks[:envs]) == 160
    # 3 of pretraining, and one for each 8 agent steps: (160 - 40) / repeat / 8
    assert result.updates == 3 + 120 // repeat // 8
    assert result.metrics[-1]["frames"] == 160


def test_prefill_is_random_and_comes_first(tmp_path):
    seen = []

    def watch(trainer):
        act = trainer._act

        def asked(*known):
            seen.append((trainer.frames, trainer.learner.updates))
            return act(*known)

        trainer._act = asked

    run(tiny(), tmp_path / "run", watch)
    # The agent is asked from frame 40 on, after the 2 updates of pretraining; once for each step and each reset.
    assert seen[0] == (40, 2)
    assert len(seen) == 80 + 8


def test_updates_and_evaluations_come_when_they_are_due(finished):
    assert finished.updates == 2 + (120 - 40) // 8
    assert [line["frames"] for line in finished.evaluations()] == [80, 120]
    logged = [line for line in finished.metrics if "loss/world" in line]
    assert [line["updates"] for line in logged] == [4, 8, 12]
    assert [line["frames"] for line in logged] == [56, 88, 120]


def test_a_line_of_metrics_has_the_fixed_names(finished):
    line = next(line for line in finished.metrics if "loss/world" in line)
    fixed = {"frames", "updates", *CLOCKS, "kl", "entropy", "value/mean", "return/dreamed", "reward/error"}
    losses = {"world", "actor", "critic", "reward", "continue", "dynamics", "representation", "observation/state"}
    gradients = {"grad/world", "grad/actor", "grad/critic"}
    assert fixed | gradients | {f"loss/{name}" for name in losses} <= set(line)
    assert {"replay/records", "replay/mib", "train/return"} <= set(line)
    evaluation = finished.evaluations()[-1]
    assert {"frames", "updates", *CLOCKS, "eval/return", "eval/returns", "eval/dreamed", "eval/length"} == set(
        evaluation
    )


def test_every_line_is_json_of_its_own(finished):
    lines = finished.folder.metrics.read_text().splitlines()
    assert [set(json.loads(line)) for line in lines] == [set(line) for line in finished.metrics]


def test_an_evaluation_is_the_mean_of_its_episodes(finished):
    evaluation = finished.evaluations()[-1]
    returns = [float(episode.reward.sum()) for episode in finished.episodes]
    assert evaluation["eval/returns"] == pytest.approx(returns)
    assert evaluation["eval/return"] == pytest.approx(sum(returns) / 2)
    assert evaluation["eval/length"] == 10
    assert returns[0] != returns[1]  # two seeds


def test_training_time_leaves_evaluation_out(finished):
    first, last = finished.evaluations()
    assert 0 < first["train_seconds"] < first["seconds"]
    assert last["seconds"] - last["train_seconds"] > first["seconds"] - first["train_seconds"]
    times = [line["seconds"] for line in finished.metrics]
    assert times == sorted(times)


def test_a_checkpoint_gives_the_logged_evaluation_exactly(finished):
    agent, resolved = load(finished.folder.path, "cpu")
    assert resolved == tiny()
    train = resolved.config.train
    evaluator = Evaluator(make_vector([resolved.config.env.make] * train.eval_episodes), train.seed)
    try:
        returns = [episode.total for episode in evaluator(agent)]
    finally:
        evaluator.close()
    assert returns == finished.evaluations()[-1]["eval/returns"]


def test_the_reward_is_measured_on_the_prefill(tmp_path):
    units = []

    def watch(trainer):
        act = trainer._act
        trainer._act = lambda *seen: (units.append(float(trainer.agent.world.preprocess.reward_unit)), act(*seen))[1]

    run(tiny(steps=60), tmp_path / "run", watch)
    assert set(units) == {1.0}  # at least 1: Walk pays less


def test_progress_is_told_in_plain_lines(finished):
    assert "\x1b" not in finished.output
    assert "80 frames" in finished.output
    assert "120 frames" in finished.output


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
        UserError, match=r"the weight \S+ is nan after 7 updates, so the run stopped; it has no checkpoint"
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


def test_modules_are_in_training_again_after_an_evaluation(tmp_path):
    modes = []

    def watch(trainer):
        trainer.agent.world.decoder.eval()  # one that shall stay as it is
        update = trainer.learner.update

        def watched(*arguments, **options):
            modes.append({name: module.training for name, module in trainer.agent.named_modules()})
            return update(*arguments, **options)

        trainer.learner.update = watched

    run(tiny(), tmp_path / "run", watch)
    assert modes[0] == modes[-1]
    assert modes[0]["world"] and not modes[0]["world.decoder"]


@pytest.mark.parametrize("training", [True, False])
def test_an_evaluation_leaves_the_mode_as_it_was(finished, training):
    agent, resolved = load(finished.folder.path, "cpu")
    agent.train(training)
    seen = []
    agent.world.encoder.register_forward_hook(lambda *_: seen.append(agent.training))
    evaluator = Evaluator(make_vector([resolved.config.env.make]), 0)
    evaluator(agent)
    assert agent.training is training
    assert seen and not any(seen)  # it acts in evaluation mode
    agent.world.encoder.register_forward_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        evaluator(agent)
    assert agent.training is training
    evaluator.close()


def test_an_evaluation_plays_the_policys_mode(finished):
    agent, _ = load(finished.folder.path, "cpu")
    for episode in finished.episodes:
        carry = agent.initial(1)
        for step in range(10):
            seen = {key: x[step : step + 1] for key, x in episode.observation.items()}
            reward = episode.reward[step : step + 1]
            action, carry = agent.act(seen, reward, np.array([step == 0]), carry, "evaluate")
            np.testing.assert_allclose(action[0], episode.action[step + 1], atol=1e-6)


def test_a_folder_that_is_in_use_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "run"
    path.mkdir()
    (path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="exists already; choose another with --run"):
        RunFolder(path).create(tiny())
    assert [(file.name, file.read_text()) for file in path.iterdir()] == [("mine.txt", "mine")]


def test_an_empty_folder_is_taken(tmp_path):
    RunFolder(tmp_path).create(tiny())
    assert RunFolder(tmp_path).resolved() == tiny()


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(UserError, match="run folder"):
            RunFolder(path).create(tiny())
    assert (tmp_path / "file").read_text() == "mine"


def test_the_default_folder_is_new(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = default_path("dreamer", "dmc:cartpole-swingup", 3)
    assert str(first) == "runs/dreamer-cartpole-swingup-s3"
    first.mkdir(parents=True)
    assert str(default_path("dreamer", "dmc:cartpole-swingup", 3)) == "runs/dreamer-cartpole-swingup-s3-2"
    assert str(default_path("dreamer", "gym:ALE/Pong-v5", 0)) == "runs/dreamer-ALE-Pong-v5-s0"


def test_no_run_at_all(tmp_path):
    with pytest.raises(UserError, match=r"holds no run: it has no config\.json"):
        load(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match="is no JSON"):
        load(tmp_path)


def test_environments_are_closed_whatever_happens(tmp_path):
    trainer = Trainer(tiny(), RunFolder(tmp_path))
    trainer.close()
    assert trainer.envs.closed
    assert list(tmp_path.iterdir()) == []  # making a trainer writes nothing
    assert isinstance(Progress(10), Progress)
