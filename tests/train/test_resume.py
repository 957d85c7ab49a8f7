"""Resuming: a run that was stopped, at whatever moment, goes on to the bit as if it had not been."""

import json
import random
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from interrupted import Killed, Uninterrupted, after, go, go_through_kills, outcome, wrap
from safetensors.torch import load_file, save_file
from tiny import Walk, tiny

from reverie.data import stream
from reverie.errors import UserError
from reverie.train import checkpoint
from reverie.train.folder import RunFolder
from reverie.train.interrupt import Stopped
from reverie.train.run import resume

KINDS = {
    "dreamer": {},
    "reward": {"preset": "dreamer-reward"},
    "categorical": {"latent": "categorical", "posterior": "encode", "backbone": "markov"},
    "side by side": {"num_envs": 3, "log_every": 1},
    "attention": {"backbone": "attention", "posterior": "encode", "num_envs": 2},
    "pixels": {"pixels": True, "size": 16, "steps": 80, "prefill": 24},
    "small replay": {"replay_mib": 0.002, "steps": 200},
    "balanced": {"preset": "twm", "num_envs": 2, "replay_mib": 0.004},
    "lives": {"env": "py:lives:game", "preset": "dreamerv2", "num_envs": 2, "episodic_lives": True},
    "async": {"num_envs": 2, "vector": "async", "steps": 80},
    "burned in": {"burn_in": 4, "num_envs": 2},
    "not evaluated": {"eval_episodes": 0},
    "planned": {"planner": "mppi", "num_envs": 2},
    "tdmpc2": {"preset": "tdmpc2"},
    "planet": {"preset": "planet"},
    "tcrl": {"preset": "tcrl"},
    "dcwm": {"preset": "dcwm"},
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The uninterrupted run of each kind."""
    return Uninterrupted(tmp_path_factory, lambda kind: tiny(**KINDS[kind]))


@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_random_moments(kind, whole, tmp_path):
    resolved = tiny(**KINDS[kind])
    moments = [("collector.collect", 40), ("learner.update", 9), ("replay.add", 60), ("_write", 5), ("_evaluate", 2)]
    go_through_kills(resolved, tmp_path / "run", moments, random.Random(kind))
    assert outcome(tmp_path / "run") == whole(kind)


@pytest.mark.parametrize("kind", ["dreamer", "side by side", "async", "pixels"])
@pytest.mark.parametrize("moment", [1, 9, 18, 25])
def test_stopped_on_request(kind, moment, whole, tmp_path):
    resolved = tiny(**KINDS[kind])
    with pytest.raises(Stopped):
        go(resolved, tmp_path / "run", stop=after_calls(moment))
    # Exactly where it was stopped: not a line of the log and no step is repeated.
    before = RunFolder(tmp_path / "run").metrics.read_bytes()
    go(resolved, tmp_path / "run")
    assert RunFolder(tmp_path / "run").metrics.read_bytes().startswith(before)
    assert outcome(tmp_path / "run") == whole(kind)


@pytest.mark.parametrize("changes", [{}, {"replay_mib": 0.002}, {"num_envs": 2}], ids=["held", "dropped", "two"])
def test_stopped_again_and_again_in_a_long_prefill(changes, tmp_path):
    resolved = tiny(prefill=300, steps=320, log_every=1, **changes)
    go(resolved, tmp_path / "whole")
    frames = []
    while True:
        trainer = None

        def watch(made):
            nonlocal trainer
            trainer = made

        try:
            go(resolved, tmp_path / "run", watch, after_calls(64))
            break
        except Stopped:
            frames.append(trainer.frames)
    assert [count < 300 for count in frames[:2]] == [True, True]
    assert outcome(tmp_path / "run") == outcome(tmp_path / "whole")


@pytest.mark.parametrize("broken", ["replay", "checkpoint"])
@pytest.mark.parametrize("count", [1, 2])
def test_a_full_disk_loses_nothing(broken, count, whole, tmp_path, monkeypatch):
    full = after(count, OSError(28, "No space left on device"))
    with monkeypatch.context() as patched:
        if broken == "replay":
            patched.setattr(stream, "os", SimpleNamespace(fsync=full))
        else:
            real = checkpoint.save_file
            patched.setattr(checkpoint, "save_file", lambda *a, **o: (full(), real(*a, **o))[1])
        with pytest.raises((UserError, OSError), match="No space left"):
            go(tiny(), tmp_path / "run")
    go(tiny(), tmp_path / "run")
    assert outcome(tmp_path / "run") == whole("dreamer")


class Wilful(Walk):
    """A walk that no seed repeats."""

    made = 0

    def reset(self, *, seed=None, options=None):
        Wilful.made += 1
        super().reset(seed=Wilful.made)
        return self.seen(), {}


def wilful():
    return Wilful()


def test_an_environment_that_does_not_repeat_itself_begins_a_new_episode(tmp_path):
    resolved = tiny(env="py:test_resume:wilful", num_envs=2)
    with pytest.raises(Stopped):
        go(resolved, tmp_path / "run", stop=after_calls(8))
    frames = json.loads(checkpoint_header(tmp_path / "run")["progress"])["frames"]
    trainer = go(resolved, tmp_path / "run")
    assert [line.split(" did not")[0] for line in trainer.changed] == ["environment 0", "environment 1"]
    firsts = [stream_.tail("first", len(stream_)) for stream_ in trainer.replay._streams]
    assert all(first.sum() >= 7 for first in firsts)  # 60 steps in episodes of 10, and the one that was cut
    assert frames < trainer.frames == 120


def after_calls(number):
    calls = 0

    def stop():
        nonlocal calls
        calls += 1
        return Stopped("enough", 75) if calls == number else None

    return stop


def checkpoint_header(path):
    data = RunFolder(path).checkpoint.read_bytes()
    return json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]


def test_a_run_without_a_checkpoint_starts_from_its_beginning(whole, tmp_path):
    with pytest.raises(Killed):
        go(tiny(), tmp_path / "run", lambda trainer: wrap(trainer.collector, "collect", after(3, Killed())))
    assert not RunFolder(tmp_path / "run").checkpoint.exists()
    said = []
    resume(tmp_path / "run", pictures=False, say=said.append)
    assert "no checkpoint yet" in said[0]
    assert outcome(tmp_path / "run") == whole("dreamer")


def test_a_finished_run_is_left_alone(finished, tmp_path):
    path = shutil.copytree(finished.folder.path, tmp_path / "run")
    before = outcome(path)
    said = []
    resume(path, pictures=False, say=said.append)
    assert said == [f"the run in {path} is finished"]
    assert outcome(path) == before


def test_a_run_that_was_stopped_while_it_drew_is_drawn(finished, tmp_path):
    path = shutil.copytree(finished.folder.path, tmp_path / "run")
    before, said, again = outcome(path), [], []
    resume(path, say=said.append)
    drawn = [line.strip() for line in said[1:]]
    assert f"{path / 'pictures' / 'episode.gif'}" in drawn and all(Path(line).exists() for line in drawn)
    resume(path, say=again.append)
    assert again == said[:1]
    assert outcome(path) == before


class Broken(Walk):
    """Cannot be stepped any more once `broken` is set."""

    broken = False

    def step(self, action):
        if Broken.broken:
            raise ValueError("the simulator is not there")
        return super().step(action)


def broken():
    return Broken()


def test_an_environment_that_fails_is_no_spoiled_checkpoint(tmp_path, monkeypatch):
    with pytest.raises(Stopped):
        go(tiny(env="py:test_resume:broken"), tmp_path / "run", stop=after_calls(8))
    monkeypatch.setattr(Broken, "broken", True)
    with pytest.raises(ValueError, match="the simulator is not there"):
        resume(tmp_path / "run", pictures=False)


def test_only_one_process_trains_a_run(finished):
    with finished.folder.locked(), pytest.raises(UserError, match="is being trained by another process"):
        resume(finished.folder.path)


SPOILED = {
    "stage": "x",
    "log": -1,
    "replay": [],
    "draws": {"replay": {"bit_generator": "MT19937"}},
    "collector": {"steps": 1},
    "clocks": None,
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_checkpoint_gives_one_message(finished, tmp_path, name):
    path = shutil.copytree(finished.folder.path, tmp_path / "run")
    tensors, progress = checkpoint.read(RunFolder(path).checkpoint)
    checkpoint.save(RunFolder(path).checkpoint, tensors, progress | {"finished": False, name: SPOILED[name]})
    refused(path)


@pytest.mark.parametrize("where", [[{"first": 0, "total": 10**9}], [{"first": -1, "total": 3}], [{"first": "../x"}]])
def test_a_replay_that_is_not_there_gives_one_message(finished, tmp_path, where):
    path = shutil.copytree(finished.folder.path, tmp_path / "run")
    tensors, progress = checkpoint.read(RunFolder(path).checkpoint)
    checkpoint.save(RunFolder(path).checkpoint, tensors, progress | {"replay": where})
    refused(path)


@pytest.mark.parametrize("name", ["carry.0", "optimiser.world.0.exp_avg", "generator.learn"])
def test_a_tensor_of_another_shape_gives_one_message(finished, tmp_path, name):
    path = shutil.copytree(finished.folder.path, tmp_path / "run")
    file = RunFolder(path).checkpoint
    tensors = load_file(file)
    save_file(tensors | {name: torch.zeros(3, 1, dtype=tensors[name].dtype)}, file, checkpoint_header(path))
    refused(path)


def refused(path):
    with pytest.raises(UserError) as error:
        resume(path, pictures=False)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


def test_a_run_goes_on_on_another_kind_of_device_with_draws_of_its_own(tmp_path, monkeypatch):
    resolved = tiny()
    with monkeypatch.context() as patched:
        real = checkpoint.save
        patched.setattr(checkpoint, "save", lambda path, tensors, told: real(path, elsewhere(tensors), moved(told)))
        with pytest.raises(Stopped):
            go(resolved, tmp_path / "run", stop=after_calls(8))
    trainer = go(resolved, tmp_path / "run")
    assert trainer.changed == [
        "the run was on cuda and goes on on cpu: from here on it draws anew, and no longer repeats itself"
    ]
    assert trainer.frames == 120


def elsewhere(tensors):
    """As CUDA's generators have it: 16 bytes."""
    return {name: x[:16].clone() if name.startswith("generator.") else x for name, x in tensors.items()}


def moved(progress):
    return progress | {"device": "cuda"}


def test_where_to_go_on_can_be_said(tmp_path, whole):
    with pytest.raises(Stopped):
        go(tiny(), tmp_path / "run", stop=after_calls(8))
    with pytest.raises(UserError, match="device 'quantum' cannot be used here"):
        resume(tmp_path / "run", device="quantum")
    resume(tmp_path / "run", device="cpu", pictures=False, say=lambda line: None)
    assert outcome(tmp_path / "run") == whole("dreamer")
