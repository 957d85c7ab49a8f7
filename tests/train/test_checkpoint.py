"""Checkpoints: no pickle, and one message where they cannot be read."""

import json
import pickle
import shutil

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tiny import built, learner, random_batch, tiny, weights

from reverie.agents.presets import PRESETS
from reverie.errors import UserError
from reverie.train import checkpoint
from reverie.train.folder import load


def progress_of(path):
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["progress"])


def save(path, agent, progress):
    checkpoint.save(path, {checkpoint.AGENT + name: x for name, x in agent.state_dict().items()}, progress)


@pytest.fixture
def path(finished, tmp_path):
    """A copy of a run's checkpoint, to spoil."""
    return shutil.copy(finished.folder.checkpoint, tmp_path / "run.safetensors")


def test_there_is_no_pickle(finished):
    assert [path.name for path in finished.folder.checkpoint.parent.iterdir()] == ["run.safetensors"]
    data = finished.folder.checkpoint.read_bytes()
    # The format's own layout: the header's length, the header as JSON, then nothing but the tensors' bytes.
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    assert max(entry["data_offsets"][1] for entry in header.values()) == len(data) - 8 - length


def test_it_holds_weights_moments_and_progress(finished):
    tensors = load_file(finished.folder.checkpoint)
    for name, value in finished.weights.items():
        assert torch.equal(tensors[f"agent.{name}"], value)
    for name in ("world", "actor", "critic"):
        assert tensors[f"optimiser.{name}.0.exp_avg"].abs().max() > 0
    progress, evaluation = progress_of(finished.folder.checkpoint), finished.evaluations()[-1]
    assert (progress["frames"], progress["updates"]) == (evaluation["frames"], evaluation["updates"])
    assert progress["eval/returns"] == evaluation["eval/returns"]


def test_there_and_back(tmp_path):
    resolved = tiny()
    agent = built(resolved)
    learner(resolved, agent).update(PRESETS["dreamer"].program(resolved.config)[1], random_batch(agent))
    save(tmp_path / "file", agent, {"frames": 7, "odd": float("nan")})
    other = built(resolved)
    assert any(not torch.equal(value, other.state_dict()[name]) for name, value in weights(agent).items())
    tensors, progress = checkpoint.read(tmp_path / "file")
    checkpoint.load_agent(other, tensors, tmp_path / "file")
    assert progress == {"frames": 7, "odd": None}
    for name, value in weights(agent).items():
        assert torch.equal(other.state_dict()[name], value), name


def test_a_failed_write_leaves_the_old_checkpoint(path, monkeypatch):
    before = path.read_bytes()

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(UserError, match=r"cannot be written \(.*No space left.*the one before it is whole"):
        save(path, built(tiny()), {"frames": 1})
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("kept", [0, 7, 100, 0.5, 0.99])
def test_a_file_cut_short_gives_one_message(path, kept):
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data)) if kept < 1 else kept])
    refused(path, "cannot be read")


def test_a_pickle_in_disguise_is_never_opened(path):
    class Hostile:
        def __reduce__(self):
            return print, ("owned",)

    path.write_bytes(pickle.dumps(Hostile()))
    refused(path, "cannot be read")


def test_an_absurd_shape_is_refused(path):
    header = {"a": {"dtype": "F32", "shape": [2**40, 2**20], "data_offsets": [0, 4]}}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(4))
    refused(path, "cannot be read")


@pytest.mark.parametrize("progress", [None, "", "{", "[]", "7"])
def test_a_spoiled_progress_gives_one_message(path, progress):
    header = {"format": str(checkpoint.FORMAT)} | ({} if progress is None else {"progress": progress})
    save_file(load_file(path), path, header)
    refused(path, "cannot be read")


@pytest.mark.parametrize("number", ["99", "1"])
def test_another_format_is_refused(path, number):
    save_file(load_file(path), path, {"format": number, "progress": "{}"})
    refused(path, f"has format {number}, and this version of Reverie reads 2: load it with the version in")


def refused(path, message):
    with pytest.raises(UserError, match=message) as error:
        checkpoint.read(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_gives_one_message(finished, path):
    path.unlink()
    refused(path, "no checkpoint")
    copy = shutil.copytree(finished.folder.path, path.parent / "copy")
    (copy / "checkpoint" / "run.safetensors").unlink()
    with pytest.raises(UserError, match="no checkpoint"):
        load(copy)


def test_weights_of_another_agent_are_refused_in_one_line(path):
    agent = built(tiny(backbone="markov"))
    tensors, _ = checkpoint.read(path)
    with pytest.raises(UserError, match="does not fit its configuration") as error:
        checkpoint.load_agent(agent, tensors, path)
    assert len(str(error.value)) < 500
    assert "\n" not in str(error.value)
