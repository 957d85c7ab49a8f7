"""`reverie doctor`: each condition is found, with its cure."""

import importlib
import os
import shutil
from collections import namedtuple
from importlib import metadata
from pathlib import Path

import pytest
import torch
from command import call
from packaging.requirements import Requirement

from reverie.errors import MissingExtra, UserError
from reverie.train import device as train_device

doctor = importlib.import_module("reverie.cli.doctor")


def levels(findings):
    return [finding.level for finding in findings]


@pytest.fixture
def drawing(monkeypatch):
    """Without a real picture: what draws depends on the machine."""
    monkeypatch.setattr(doctor, "draws", lambda: "egl")


@pytest.mark.usefixtures("drawing")
def test_a_machine_that_is_ready(capsys, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    outcome = call(capsys, "doctor")
    assert (outcome.code, outcome.err) == (0, ""), outcome.err
    assert outcome.out.splitlines()[-1] == "ready"
    for words in (f"torch: {torch.__version__}", "device: cpu computes", "MUJOCO_GL=egl", "can be written"):
        assert words in outcome.out
    assert list(Path().iterdir()) == []


@pytest.mark.usefixtures("drawing")
def test_what_is_in_the_way_ends_in_2(capsys):
    outcome = call(capsys, "doctor", "--folder", "nowhere")
    assert outcome.code == 2
    assert outcome.err == "reverie: this machine is not ready: folder\n"
    assert f"violation  folder: {Path('nowhere').absolute()} cannot be written: No such file" in outcome.out


def test_a_device_that_does_not_compute(monkeypatch):
    def refuse(name):
        raise UserError(f"device '{name}' cannot be used here: too old")

    monkeypatch.setattr(doctor, "choose_device", refuse)
    (found,) = doctor.devices()
    assert (found.level, found.name) == ("violation", "device")
    assert "cpu does not compute" in found.message and "--device" in found.cure


def test_a_device_that_computes_wrongly(monkeypatch):
    monkeypatch.setattr(doctor, "choose_device", lambda name: torch.device("cpu"))
    monkeypatch.setattr(torch, "ones", lambda *shape, device: torch.zeros(*shape, device=device))
    assert "cpu computes wrongly" in doctor.devices()[0].message


def test_a_graphics_card_that_torch_does_not_see(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    found = doctor.devices()
    assert levels(found) == ["fine", "note"] and "CUDA build" in found[1].cure


@pytest.mark.parametrize(
    "error",
    [MissingExtra("mujoco", "dmc", "drawing with MuJoCo"), UserError("set MUJOCO_GL=egl (apt install libegl1)")],
)
def test_no_rendering_is_a_note_with_its_cure(monkeypatch, error):
    def fail():
        raise error

    monkeypatch.setattr(doctor, "draws", fail)
    (found,) = doctor.rendering()
    assert (found.level, found.message) == ("note", str(error))


def test_drawing_is_refused_where_the_backend_is_switched_off(monkeypatch):
    from reverie.envs.rendering import draws

    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("MUJOCO_GL", "disabled")
    with pytest.raises(UserError, match=r"cannot draw here.*libosmesa6"):
        draws()


def declared(monkeypatch, *texts):
    monkeypatch.setattr(doctor, "_requirements", lambda: [Requirement(text) for text in texts])


def test_extras(monkeypatch):
    declared(
        monkeypatch,
        "torch",
        "numpy; extra == 'first'",
        "no-such-package>=2; extra == 'second'",
        "no-other; extra == 'dev'",
    )
    found = doctor.extras()
    assert [(f.level, f.message) for f in found] == [
        ("fine", "first: installed"),
        ("note", "second: no-such-package not installed"),
    ]
    assert found[1].cure == "pip install 'reverie[second]'"


def test_versions(monkeypatch):
    declared(
        monkeypatch, "numpy<1", "no-such-package>=2", "torch>=1", "gymnasium<1; extra == 'old'", "no; extra == 'x'"
    )
    found = doctor.versions()
    assert levels(found) == ["violation", "violation", "note"]
    assert found[0].message == f"numpy is {metadata.version('numpy')}, which is not <1"
    assert found[0].cure == "pip install 'numpy<1'"
    assert found[1].message == "no-such-package is not installed"
    assert found[2].message.startswith("gymnasium is ")


def test_versions_that_fit_and_versions_that_nobody_declares(monkeypatch):
    declared(monkeypatch, "numpy>=1")
    assert levels(doctor.versions()) == ["fine"]
    declared(monkeypatch)
    assert levels(doctor.versions()) == ["note"]


def test_a_development_version_of_torch_is_within_its_bounds(monkeypatch):
    declared(monkeypatch, "torch>=2.4")
    monkeypatch.setattr(doctor, "_version", lambda package: "2.14.0.dev20261001+cu130")
    assert levels(doctor.versions()) == ["fine"]


@pytest.mark.parametrize(("asked", "level"), [("", "fine"), ("1", "fine"), ("2,1", "fine"), ("64", "violation")])
def test_threads(monkeypatch, asked, level):
    monkeypatch.setattr(doctor, "cores", lambda: 2)
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert doctor.threads()[-1].level == level


@pytest.mark.parametrize(("free", "level"), [(None, "fine"), (100.0, "note"), (16_000.0, "fine")])
def test_memory(monkeypatch, free, level):
    monkeypatch.setattr(doctor, "free_memory_mib", lambda: free)
    (found,) = doctor.memory()
    assert found.level == level
    assert ("--replay-mib" in found.cure) == (level == "note")


def test_free_memory_is_what_the_system_says(monkeypatch, tmp_path):
    text = "MemTotal:       100000 kB\nMemAvailable:    20480 kB\n"
    monkeypatch.setattr(Path, "read_text", lambda path: text)
    assert train_device.free_memory_mib() == 20.0
    monkeypatch.setattr(Path, "read_text", lambda path: "")
    assert train_device.free_memory_mib() is None


def test_little_room_is_a_note(monkeypatch, tmp_path):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(0, 0, 10 * 2**20))
    (found,) = doctor.disk(tmp_path)
    assert (found.level, "has 10 MiB free" in found.message) == ("note", True)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    (found,) = doctor.disk(tmp_path)
    tmp_path.chmod(0o700)
    assert found.level == "violation" and "--run" in found.cure
