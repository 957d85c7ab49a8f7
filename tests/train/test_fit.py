"""Learning from what is recorded alone: the same records, the same updates after any kill, and nothing collected."""

import random
import shutil
from dataclasses import replace

import numpy as np
import pytest
from interrupted import Killed, Uninterrupted, after, go, go_through_kills, outcome, wrap
from running import run
from tiny import tiny

from reverie.agents.offline import Offline
from reverie.envs.codec import codec
from reverie.envs.make import make_vector
from reverie.errors import UserError
from reverie.report.evaluate import Evaluator
from reverie.report.log import read_metrics
from reverie.train import run as whole_run
from reverie.train.folder import RunFolder, load
from reverie.train.sources import open_source
from reverie.train.trainer import Trainer


def fitted(*data, updates=6, eval_every=2, **changes):
    """A tiny agent that learns from these folders."""
    resolved = tiny(**{"log_every": 1, **changes})
    return replace(resolved, offline=Offline(data=tuple(map(str, data)), updates=updates, eval_every=eval_every))


KINDS = {
    "dreamer": {},
    "planet": {"preset": "planet"},
    "tdmpc2": {"preset": "tdmpc2"},
    "twm": {"preset": "twm", "pretrain": 5},
    "worldmodels": {"preset": "worldmodels", "updates": 0, "eval_every": 0},
    "planned": {"planner": "cem"},
    "dropped": {"replay_mib": 0.002},
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory, finished):
    """The uninterrupted fit of each kind."""
    return Uninterrupted(tmp_path_factory, lambda kind: fitted(finished.folder.path, **KINDS[kind]))


def records(path):
    return b"".join(file.read_bytes() for file in sorted(RunFolder(path).replay.iterdir()))


def columns(path, name):
    """A column of all that a run's checkpoint knows of."""
    folder = RunFolder(path)
    resolved = folder.resolved()
    env = resolved.config.env.make()
    return folder.experience(resolved, env.observation_space, codec(env.action_space)).whole(name)


@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_random_moments_it_goes_on_to_the_bit(kind, whole, finished, tmp_path):
    resolved = fitted(finished.folder.path, **KINDS[kind])
    moments = [("learner.update", 6), ("replay.add", 100), ("_write", 6), ("_evaluate", 2)]
    go_through_kills(resolved, tmp_path / "run", moments, random.Random(kind))
    assert outcome(tmp_path / "run") == whole(kind)


def test_the_replay_is_the_data_and_nothing_is_collected(finished, tmp_path):
    left = run(fitted(finished.folder.path), tmp_path / "run")
    assert records(tmp_path / "run") == records(finished.folder.path)
    assert (left.frames, left.updates) == (0, 6)
    assert left.walks[0].taken == 0  # the training environment
    # Statistics and the reward's unit are those of all that was recorded.
    seen, reward = columns(tmp_path / "run", "observation/state")[0], columns(tmp_path / "run", "reward")[0]
    statistics = {name.rpartition(".")[2]: x for name, x in left.weights.items() if "preprocess" in name}
    np.testing.assert_allclose(statistics["mean"], seen.mean(0), rtol=1e-5)
    np.testing.assert_allclose(statistics["reward_unit"], max(1.0, float(np.sqrt(np.mean(reward**2)))), rtol=1e-5)


def test_it_is_evaluated_by_updates_beside_the_data(finished, tmp_path):
    left = run(fitted(finished.folder.path), tmp_path / "run")
    assert [line["updates"] for line in left.evaluations()] == [2, 4, 6]
    assert {line["frames"] for line in left.metrics} == {0}
    rewards, firsts = columns(finished.folder.path, "reward")[0], columns(finished.folder.path, "first")[0]
    episodes = [part.sum() for part in np.split(rewards, np.flatnonzero(firsts)[1:])]
    assert len(firsts) == 132  # 12 episodes of 10 steps, the last one over as well
    data = left.metrics[0]
    assert data["data/records"] == 132
    assert data["data/return"] == pytest.approx(np.mean(episodes), rel=1e-5)
    assert data["data/best"] == pytest.approx(max(episodes), rel=1e-5)
    assert f"{finished.folder.path}: 12 episodes, 132 records, returns of whole ones: mean" in left.output
    assert "2 updates  " in left.output


def test_the_agent_is_loaded_and_plays_its_last_evaluation(finished, tmp_path):
    left = run(fitted(finished.folder.path), tmp_path / "run")
    agent, resolved = load(tmp_path / "run", "cpu")
    assert resolved == fitted(finished.folder.path)
    evaluator = Evaluator(make_vector([resolved.config.env.make] * 2), resolved.config.train.seed)
    try:
        assert [x.total for x in evaluator(agent)] == left.evaluations()[-1]["eval/returns"]
    finally:
        evaluator.close()


@pytest.mark.parametrize("updates", [1, 5])
def test_once_it_is_read_the_data_may_go(updates, finished, whole, tmp_path):
    shutil.copytree(finished.folder.path, tmp_path / "data")
    resolved = fitted(tmp_path / "data")
    with pytest.raises(Killed):
        go(resolved, tmp_path / "run", lambda trainer: wrap(trainer.learner, "update", after(updates, Killed())))
    shutil.rmtree(tmp_path / "data")
    go(resolved, tmp_path / "run")
    lines, tensors, *_ = outcome(tmp_path / "run")
    assert lines == whole("dreamer")[0]
    assert tensors == whole("dreamer")[1]


def test_several_sources_one_after_the_other(finished, tmp_path):
    two = run(tiny(num_envs=2, seed=1), tmp_path / "two")
    left = run(fitted(two.folder.path, finished.folder.path), tmp_path / "run")
    streams = [file.read_bytes() for file in sorted(two.folder.replay.iterdir())]
    assert records(tmp_path / "run") == b"".join(streams) + records(finished.folder.path)
    assert left.metrics[0]["data/records"] == len(columns(tmp_path / "run", "reward")[0])


def test_what_has_not_ended_and_what_has_no_beginning_is_told_and_does_not_count(tmp_path):
    made = run(tiny(replay_mib=0.002, steps=205), tmp_path / "data").folder
    source = open_source(str(made.path))
    found = list(source.episodes())
    assert (found[0].begun, found[-1].ended) == (False, False)
    left = run(fitted(made.path), tmp_path / "run")
    assert "1 still running, 1 without their beginning, returns of whole ones" in left.output
    mean = np.mean([x.total for x in found if x.whole])
    assert left.metrics[0]["data/return"] == pytest.approx(mean)


def test_what_the_replay_cannot_keep_is_told(finished, tmp_path):
    left = run(fitted(finished.folder.path, replay_mib=0.002), tmp_path / "run")
    kept = len(columns(tmp_path / "run", "reward")[0])
    assert f"careful: the replay keeps the last {kept} of 132 records; --replay-mib would keep more" in left.output
    assert kept < 132


def test_a_run_on_data_of_which_nothing_is_known_twice(finished, tmp_path):
    """A fitted run has the data in its replay, and can be learned from itself."""
    first = run(fitted(finished.folder.path), tmp_path / "first")
    again = run(fitted(first.folder.path), tmp_path / "again")
    assert records(tmp_path / "again") == records(finished.folder.path)
    assert again.metrics[0]["data/records"] == 132


REFUSED = {
    "no data": ({}, (), "name what was recorded"),
    "side by side": ({"num_envs": 2}, ("run",), "--num-envs 2 is for collecting"),
    "another environment": ({"env": "py:tiny:senses"}, ("run",), r"has observations state \(2,\) float32, and py:tiny"),
    "other actions": ({"env": "py:tiny:choosing", "preset": "dreamerv2"}, ("run",), r"has actions \(1,\) from -2.0 to"),
    "another repeat": ({"action_repeat": 2}, ("run",), "was recorded with --action-repeat 1, and here it is 2"),
    "too little": ({"length": 200}, ("run",), "holds 132 records, fewer than a chunk of --length 200"),
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_what_does_not_fit_leaves_no_folder(mistake, finished, tmp_path):
    changes, data, message = REFUSED[mistake]
    resolved = fitted(*[finished.folder.path for _ in data], **changes)
    with pytest.raises(UserError, match=message):
        whole_run.run(resolved, tmp_path / "run", say=lambda line: None)
    assert not (tmp_path / "run").exists()


def test_numbers_that_are_none_are_told(finished, tmp_path):
    shutil.copytree(finished.folder.path, tmp_path / "data")
    (file,) = RunFolder(tmp_path / "data").replay.iterdir()
    spoiled = bytearray(file.read_bytes())
    place = 50 * len(spoiled) // 132 + 12  # the reward of record 50, after two numbers seen and an action
    spoiled[place : place + 4] = np.float32(np.inf).tobytes()
    file.write_bytes(spoiled)
    with pytest.raises(UserError, match="data holds a reward of inf in its episode 4; a world cannot be learned"):
        run(fitted(tmp_path / "data"), tmp_path / "run")


def test_the_last_line_compares(finished, tmp_path):
    lines = []
    folder = whole_run.run(fitted(finished.folder.path), tmp_path / "run", pictures=False, say=lines.append)
    last = [line for line in read_metrics(folder.metrics) if "eval/return" in line][-1]["eval/return"]
    data = read_metrics(folder.metrics)[0]
    own = f"mean {data['data/return']:.1f}, best {data['data/best']:.1f}"
    assert f"return {last:.1f}; of the episodes that it was learned from: {own}" in lines
    assert "6 updates from what is recorded" in lines[0]


def test_runs_that_collect_say_nothing_of_data(finished):
    assert not [line for line in finished.metrics if "data/return" in line]
    trainer = Trainer(tiny(), finished.folder)
    try:
        assert (trainer.recorded.records, trainer.recorded.check()) == (0, None)
    finally:
        trainer.close()
