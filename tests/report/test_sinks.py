"""Those who are shown a run's scalars, beside its log."""

import json
import sys
import types

import pytest

from reverie.errors import MissingExtra, UserError
from reverie.report.log import MetricLog, read_metrics
from reverie.report.sinks import TensorBoard, WeightsAndBiases, check_sinks, sinks_of


class Recorder:
    """A sink that keeps what it is told."""

    def __init__(self):
        self.told = []

    def show(self, scalars, place):
        self.told.append(("show", dict(scalars), place))

    def forget(self, place):
        self.told.append(("forget", place))

    def close(self):
        self.told.append(("close",))


class FakeRun:
    """What wandb.init gives."""

    def __init__(self):
        self.metrics, self.lines, self.finished = [], [], 0

    def define_metric(self, name, step_metric):
        self.metrics.append((name, step_metric))

    def log(self, line):
        self.lines.append(line)

    def finish(self):
        self.finished += 1


@pytest.fixture
def wandb(monkeypatch):
    """The package's face, as far as it is used here."""
    fake = types.ModuleType("wandb")
    fake.Error = type("Error", (Exception,), {})
    fake.Settings = lambda **values: values
    fake.asked, fake.runs = [], []

    def init(**values):
        fake.asked.append(values)
        fake.runs.append(FakeRun())
        return fake.runs[-1]

    fake.init = init
    monkeypatch.setitem(sys.modules, "wandb", fake)
    return fake


def configured(folder, project):
    """A run's folder whose configuration names a project."""
    plain = {"preset": "dreamer", "config": {"train": {"wandb": project}}}
    (folder / "config.json").write_text(json.dumps(plain))
    return plain


def test_sinks_are_shown_scalars_alone_and_are_closed(tmp_path):
    sink = Recorder()
    with MetricLog(tmp_path, [sink]) as log:
        log.write(10, 1, 0.0, 0.0, {"loss": 0.5, "eval/returns": [1.0, 2.0]})
        log.write(20, 1, 0.0, 0.0, {"eval/returns": [1.0]})
    assert sink.told == [("show", {"loss": 0.5}, 10), ("close",)]
    assert not (tmp_path / "tensorboard").exists()


def test_sinks_forget_what_the_log_is_cut_back_by(tmp_path):
    sink = Recorder()
    with MetricLog(tmp_path, [sink]) as log:
        log.write(10, 1, 0.0, 0.0, {"loss": 0.5})
        offset = log.offset
        log.truncate(offset)
        log.write(20, 1, 0.0, 0.0, {"loss": 0.25})
        log.truncate(offset)
    assert [told for told in sink.told if told[0] == "forget"] == [("forget", 11)]


def test_without_a_project_there_is_tensorboard_alone(tmp_path):
    assert [type(sink) for sink in sinks_of(tmp_path)] == [TensorBoard]
    configured(tmp_path, "")
    assert [type(sink) for sink in sinks_of(tmp_path)] == [TensorBoard]
    check_sinks("")


def test_a_run_of_weights_and_biases(tmp_path, wandb):
    plain = configured(tmp_path, "dreams")
    with MetricLog(tmp_path) as log:
        log.write(10, 1, 0.0, 0.0, {"loss": 0.5, "eval/returns": [1.0]})
    (asked,), (run,) = wandb.asked, wandb.runs
    assert (asked["project"], asked["name"], asked["dir"]) == ("dreams", tmp_path.name, str(tmp_path))
    assert asked["config"] == plain
    assert asked["settings"] == {"silent": True, "console": "off", "disable_git": True}
    assert run.metrics == [("*", "frames")]
    assert run.lines == [{"frames": 10, "loss": 0.5}]
    assert run.finished == 1
    assert (tmp_path / "tensorboard").exists()  # beside it, not instead


def test_a_resumed_run_goes_on_in_the_same_one(tmp_path, wandb):
    for _ in range(2):
        WeightsAndBiases("dreams", tmp_path, {}).close()
    first, second = (asked["id"] for asked in wandb.asked)
    assert first == second and len(first) == 8
    assert {asked["resume"] for asked in wandb.asked} == {"allow"}


def test_closing_twice_does_no_harm(tmp_path, wandb):
    sink = WeightsAndBiases("dreams", tmp_path, {})
    sink.forget(3)
    sink.close()
    sink.close()
    assert wandb.runs[0].finished == 1


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(MissingExtra, match=r"--wandb needs the package 'wandb'.*pip install 'reverie\[wandb\]'"):
        check_sinks("dreams")


def test_a_run_that_cannot_begin_is_one_line_with_the_cure(tmp_path, wandb):
    def refuse(**values):
        raise wandb.Error("api_key not configured (no-tty)\nand more")

    wandb.init = refuse
    with pytest.raises(UserError, match=r"'dreams' \(api_key not configured \(no-tty\)\).*WANDB_MODE=offline") as error:
        WeightsAndBiases("dreams", tmp_path, {})
    assert "\n" not in str(error.value)


def test_the_package_itself_offline(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    configured(tmp_path, "dreams")
    with MetricLog(tmp_path) as log:
        log.write(10, 1, 0.0, 0.0, {"loss": 0.5})
    assert list((tmp_path / "wandb").glob("offline-run-*/*.wandb"))
    assert read_metrics(log.path)[0]["loss"] == 0.5


def test_weights_and_biases_by_updates(tmp_path, wandb):
    configured(tmp_path, "dreams")
    with MetricLog(tmp_path, axis="updates") as log:
        log.write(10, 3, 0.0, 0.0, {"loss": 0.5})
    (run,) = wandb.runs
    assert (run.metrics, run.lines) == ([("*", "updates")], [{"updates": 3, "loss": 0.5}])
