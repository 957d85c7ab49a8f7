"""The log of a run: its lines, its view in TensorBoard, and the cut at a checkpoint."""

import json
import math
import warnings
from typing import Any

import pytest

from reverie.errors import UserError
from reverie.report.log import MetricLog, read_metrics


def scalars(folder, name):
    """What TensorBoard shows: (frames, value) of one scalar."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        events = EventAccumulator(str(folder / "tensorboard"))
        events.Reload()
        if name not in events.Tags()["scalars"]:
            return []
        return [(event.step, event.value) for event in events.Scalars(name)]


@pytest.fixture(autouse=True)
def _first_event_file(monkeypatch):
    """Event files of one second and one process are read in the order of their numbers as text: 10 before 9."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard.summary.writer import event_file_writer

        monkeypatch.setattr(event_file_writer, "_global_uid", event_file_writer.AtomicCounter(0))


def test_a_line_starts_with_the_four_fields_and_holds_the_metrics(tmp_path):
    with MetricLog(tmp_path) as log:
        log.write(1000, 60, 12.5, 9.25, {"loss/reward": 0.5, "eval/returns": [3, 5.5], "eval/return": 4})
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert len(lines) == 1
    assert list(json.loads(lines[0]).items()) == [
        ("frames", 1000),
        ("updates", 60),
        ("seconds", 12.5),
        ("train_seconds", 9.25),
        ("loss/reward", 0.5),
        ("eval/returns", [3.0, 5.5]),
        ("eval/return", 4.0),
    ]


def test_a_line_is_there_as_soon_as_it_is_written(tmp_path):
    with MetricLog(tmp_path) as log:
        log.write(1, 0, 0.0, 0.0, {})
        assert len(read_metrics(log.path)) == 1


def test_a_metric_may_not_take_the_name_of_a_field(tmp_path):
    with MetricLog(tmp_path) as log:
        with pytest.raises(ValueError, match="updates"):
            log.write(1, 0, 0.0, 0.0, {"updates": 3.0})
        assert log.offset == 0


def test_what_is_not_finite_is_null_and_reads_back_as_nan(tmp_path):
    with MetricLog(tmp_path) as log:
        log.write(1, 0, 0.0, 0.0, {"a": math.nan, "b": math.inf, "c": [1.0, -math.inf]})
    assert b'"a": null, "b": null, "c": [1.0, null]' in log.path.read_bytes()
    (record,) = read_metrics(log.path)
    assert math.isnan(record["a"]) and math.isnan(record["b"])
    assert record["c"][0] == 1.0 and math.isnan(record["c"][1])


def test_numbers_of_other_libraries_are_numbers(tmp_path):
    import numpy as np
    import torch

    with MetricLog(tmp_path) as log:
        numbers: dict[str, Any] = {"a": np.float32(0.5), "b": torch.tensor(2.0), "c": [np.float64(3)]}
        log.write(1, 0, 0.0, 0.0, numbers)
    assert read_metrics(log.path)[0] == {
        "frames": 1,
        "updates": 0,
        "seconds": 0.0,
        "train_seconds": 0.0,
        "a": 0.5,
        "b": 2.0,
        "c": [3.0],
    }


def test_tensorboard_gets_the_scalars_by_frames_and_no_lists(tmp_path):
    with MetricLog(tmp_path) as log:
        log.write(10, 1, 0.0, 0.0, {"loss": 0.5, "eval/returns": [1.0, 2.0]})
        log.write(20, 2, 0.0, 0.0, {"loss": 0.25})
    assert scalars(tmp_path, "loss") == [(10, 0.5), (20, 0.25)]
    assert scalars(tmp_path, "eval/returns") == []


def test_a_resumed_run_cuts_the_log_to_its_checkpoint(tmp_path):
    with MetricLog(tmp_path) as log:
        log.write(10, 1, 0.0, 0.0, {"loss": 1.0})
        checkpoint = log.sync()
        log.write(20, 2, 0.0, 0.0, {"loss": 2.0})
        log.write(30, 3, 0.0, 0.0, {"loss": 3.0})
    assert checkpoint == len(log.path.read_bytes().split(b"\n")[0]) + 1
    with MetricLog(tmp_path) as log:
        log.truncate(checkpoint)
        assert log.offset == checkpoint
        log.write(20, 2, 0.0, 0.0, {"loss": 7.0})
    assert [(r["frames"], r["loss"]) for r in read_metrics(log.path)] == [(10, 1.0), (20, 7.0)]
    assert scalars(tmp_path, "loss") == [(10, 1.0), (20, 7.0)]


def test_where_frames_stand_still_updates_are_the_axis_and_a_resume_doubles_nothing(tmp_path):
    with MetricLog(tmp_path, axis="updates") as log:
        log.write(10, 1, 0.0, 0.0, {"loss": 1.0})
        checkpoint = log.sync()
        log.write(10, 2, 0.0, 0.0, {"loss": 2.0})
        log.write(10, 3, 0.0, 0.0, {"loss": 3.0})
    with MetricLog(tmp_path, axis="updates") as log:
        log.truncate(checkpoint)
        log.write(10, 2, 0.0, 0.0, {"loss": 7.0})
    assert scalars(tmp_path, "loss") == [(1, 1.0), (2, 7.0)]


def test_a_log_can_be_cut_while_it_is_written_and_to_nothing(tmp_path):
    with MetricLog(tmp_path) as log:
        log.write(10, 1, 0.0, 0.0, {"loss": 1.0})
        log.truncate(0)
        log.write(5, 1, 0.0, 0.0, {"loss": 4.0})
    assert [(r["frames"], r["loss"]) for r in read_metrics(log.path)] == [(5, 4.0)]


@pytest.mark.parametrize(("offset", "words"), [(10_000, "10000"), (-1, "-1"), (7, "no line ends at byte 7")])
def test_a_log_that_is_not_the_checkpoints_is_refused_untouched(tmp_path, offset, words):
    with MetricLog(tmp_path) as log:
        log.write(10, 1, 0.0, 0.0, {"loss": 1.0})
        before = log.path.read_bytes()
        with pytest.raises(UserError, match=words):
            log.truncate(offset)
        assert log.path.read_bytes() == before


def test_a_cut_last_line_is_left_out_by_the_reader_and_removed_by_the_writer(tmp_path):
    with MetricLog(tmp_path) as log:
        log.write(10, 1, 0.0, 0.0, {"loss": 1.0})
        log.write(20, 2, 0.0, 0.0, {"loss": 2.0})
    whole = log.path.read_bytes()
    for cut in range(len(whole.split(b"\n")[0]) + 2, len(whole) - 2):
        log.path.write_bytes(whole[:cut])
        assert [r["frames"] for r in read_metrics(log.path)] == [10]
    with MetricLog(tmp_path) as log:
        log.write(30, 3, 0.0, 0.0, {"loss": 3.0})
    assert [r["frames"] for r in read_metrics(log.path)] == [10, 30]


def test_a_file_of_one_long_cut_line_opens_empty(tmp_path):
    (tmp_path / "metrics.jsonl").write_bytes(b'{"frames": 1, "a": [' + b"1.0, " * 40_000)
    with MetricLog(tmp_path) as log:
        assert log.offset == 0


def test_a_broken_line_in_the_middle_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"frames": 1}\n{"fra\n{"frames": 3}\n')
    with pytest.raises(UserError, match="line 2"):
        read_metrics(path)


def test_a_missing_log_is_an_error_that_names_it(tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        read_metrics(tmp_path / "nowhere.jsonl")


def test_closing_twice_does_no_harm(tmp_path):
    log = MetricLog(tmp_path)
    log.write(1, 0, 0.0, 0.0, {"loss": 1.0})
    log.close()
    log.close()
