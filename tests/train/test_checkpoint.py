"""Checkpoints: no pickle, and one message where they cannot be read."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file
from tiny import built, learner, random_batch, tiny, weights

from reverie.agents.presets import PRESETS
from reverie.errors import UserError
from reverie.train import checkpoint


@pytest.fixture
def folder(finished, tmp_path):
    """A copy of a run's checkpoint, to spoil."""
    return shutil.copytree(finished.folder.checkpoint, tmp_path / "checkpoint")


def test_there_is_no_pickle(finished):
    files = sorted(path.name for path in finished.folder.checkpoint.iterdir())
    assert files == ["agent.safetensors", "progress.json"]
    data = (finished.folder.checkpoint / "agent.safetensors").read_bytes()
    # The format's own layout: the header's length, the header as JSON, then nothing but the tensors' bytes.
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    assert max(entry["data_offsets"][1] for entry in header.values()) == len(data) - 8 - length
    json.loads((finished.folder.checkpoint / "progress.json").read_text())


def test_it_holds_weights_moments_and_progress(finished):
    tensors = load_file(finished.folder.checkpoint / "agent.safetensors")
    for name, value in finished.weights.items():
        assert torch.equal(tensors[f"agent.{name}"], value)
    for name in ("world", "actor", "critic"):
        assert tensors[f"optimiser.{name}.0.exp_avg"].abs().max() > 0
    progress = json.loads((finished.folder.checkpoint / "progress.json").read_text())
    evaluation = finished.evaluations()[-1]
    assert (progress["frames"], progress["updates"]) == (evaluation["frames"], evaluation["updates"])
    assert progress["eval/returns"] == evaluation["eval/returns"]


def test_there_and_back(tmp_path):
    resolved = tiny()
    agent = built(resolved)
    learning = learner(resolved, agent)
    learning.update(PRESETS["dreamer"].program(resolved.config)[1], random_batch(agent))
    checkpoint.save(tmp_path, agent, {**learning.optimisers, **agent.behaviour.optimisers}, {"frames": 7})
    other = built(resolved)
    assert any(not torch.equal(value, other.state_dict()[name]) for name, value in weights(agent).items())
    progress = checkpoint.load(tmp_path, other)
    assert progress["frames"] == 7
    for name, value in weights(agent).items():
        assert torch.equal(other.state_dict()[name], value), name


def test_a_failed_write_leaves_the_old_checkpoint(finished, folder, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save(folder, built(tiny()), {}, {"frames": 1})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("kept", [0, 7, 100, 0.5, 0.99])
def test_a_file_cut_short_gives_one_message(folder, kept):
    path = folder / "agent.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data)) if kept < 1 else kept])
    with pytest.raises(UserError, match="cannot be read") as error:
        checkpoint.load(folder, built(tiny()))
    assert str(folder) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "7"])
def test_a_spoiled_progress_gives_one_message(folder, text):
    (folder / "progress.json").write_text(text)
    with pytest.raises(UserError) as error:
        checkpoint.load(folder, built(tiny()))
    assert str(folder) in str(error.value)


def test_a_missing_file_gives_one_message(folder):
    (folder / "progress.json").unlink()
    with pytest.raises(UserError, match="cannot be read"):
        checkpoint.load(folder, built(tiny()))
    (folder / "agent.safetensors").unlink()
    with pytest.raises(UserError, match="no checkpoint in"):
        checkpoint.load(folder, built(tiny()))


def test_another_format_is_refused(folder):
    path = folder / "progress.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(UserError, match="has format 99, this version reads 1"):
        checkpoint.load(folder, built(tiny()))


def test_weights_of_another_agent_are_refused_in_one_line(folder):
    agent = built(tiny(backbone="markov"))
    before = weights(agent)
    with pytest.raises(UserError, match="does not fit its configuration") as error:
        checkpoint.load(folder, agent)
    assert len(str(error.value)) < 500
    assert "\n" not in str(error.value)
    del before
