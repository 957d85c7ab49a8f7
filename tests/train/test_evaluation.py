"""The evaluations of a run: what they count, and what they leave alone."""

import numpy as np
import pytest
from running import run
from tiny import tiny

from reverie.envs.make import EnvConfig, make_vector
from reverie.report.evaluate import Evaluator
from reverie.report.open_loop import dreamed_returns
from reverie.train.folder import load
from reverie.train.run import run as whole_run


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


def test_of_rows_that_are_not_kept_only_the_beginning_is(finished):
    """A thousand episodes of images would fill any memory."""
    agent, resolved = load(finished.folder.path, "cpu")
    played = []
    for kept in (None, 1, 0):
        evaluator = Evaluator(make_vector([resolved.config.env.make] * 2), 0, kept)
        played.append(evaluator(agent))
        evaluator.close()
    assert [[len(episode.observation["state"]) for episode in row] for row in played] == [[11, 11], [11, 1], [1, 1]]
    for row in played[1:]:
        for episode, whole in zip(row, played[0], strict=True):
            np.testing.assert_array_equal(episode.reward, whole.reward)
            np.testing.assert_array_equal(episode.observation["state"][0], whole.observation["state"][0])
        np.testing.assert_array_equal(dreamed_returns(agent, row), dreamed_returns(agent, played[0]))


def test_without_evaluations_one_environment_is_opened_and_the_same_is_learned(finished, tmp_path, monkeypatch):
    opened, make = [], EnvConfig.make
    monkeypatch.setattr(EnvConfig, "make", lambda env, **options: opened.append(env) or make(env, **options))
    none = run(tiny(eval_episodes=0), tmp_path / "none")
    assert len(opened) == 1 and none.evaluations() == []
    assert all(none.weights[name].equal(weights) for name, weights in finished.weights.items())
    agent, _ = load(none.folder.path, "cpu")
    assert all(weights.equal(finished.weights[name]) for name, weights in agent.state_dict().items())


def test_without_evaluations_there_is_nothing_to_draw(tmp_path):
    said = []
    folder = whole_run(tiny(eval_episodes=0), tmp_path / "none", say=said.append)
    assert said[-1].startswith("  no pictures: without an evaluation there is no episode to draw; `reverie video")
    assert not list(folder.pictures.glob("*.*"))


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
