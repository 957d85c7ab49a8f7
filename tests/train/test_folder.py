"""The folder of a run."""

import pytest
import torch
from tiny import tiny

from reverie.errors import UserError
from reverie.train.folder import RunFolder, default_path, load


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


def test_a_loaded_agent_computes_with_the_runs_threads(finished):
    torch.set_num_threads(2)
    try:
        load(finished.folder.path)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(1)


def test_no_run_at_all(tmp_path):
    with pytest.raises(UserError, match=r"holds no run: it has no config\.json"):
        load(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match="is no JSON"):
        load(tmp_path)
