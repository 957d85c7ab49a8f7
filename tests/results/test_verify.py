"""A recorded run is made again to the bit, and what differs is found."""

import json
import shutil
from dataclasses import replace

import pytest

from reverie.errors import UserError
from reverie.results import verify as module
from reverie.results.recorded import Recorded
from reverie.results.verify import difference, learned_by, note, presets_to_verify, read_verified, verify
from reverie.train.folder import versions


@pytest.fixture
def into(results, tmp_path):
    shutil.copytree(results, tmp_path / "results")
    return tmp_path / "results"


def run_of(into):
    return Recorded(into / "walks" / "dreamer-s0")


def change(into, number, field, value):
    path = into / "walks" / "dreamer-s0" / "metrics.jsonl"
    lines = path.read_text().splitlines()
    lines[number] = json.dumps(json.loads(lines[number]) | {field: value})
    path.write_text("\n".join(lines) + "\n")


def logged(into):
    return [json.loads(line) for line in (into / "walks" / "dreamer-s0" / "metrics.jsonl").read_text().splitlines()]


def test_a_run_is_equal_to_its_first_evaluation(into):
    lines = logged(into)
    first = next(number for number, line in enumerate(lines) if "eval/return" in line)
    outcome = verify(run_of(into), 0, 60)
    assert (outcome.difference, outcome.versions) == ("", "")
    assert (outcome.lines, outcome.frames) == (first + 1, lines[first]["frames"])
    assert outcome.lines < len(lines)


def test_to_as_many_frames_as_asked(into):
    lines = logged(into)
    assert verify(run_of(into), 10_000, 60).lines == len(lines)
    below = [line for line in lines if line["frames"] <= 60]
    assert verify(run_of(into), 60, 60).lines == len(below)


def test_a_planted_difference_is_named(into):
    was = logged(into)[0]["loss/world"]
    change(into, 0, "loss/world", was * (1 + 1e-15))
    outcome = verify(run_of(into), 0, 60)
    assert outcome.lines == 0
    assert outcome.difference.startswith("line 1 (frames ") and "loss/world was" in outcome.difference


def test_no_line_in_time_is_said(into):
    with pytest.raises(UserError, match="no line of walks/dreamer-s0 was logged within 1e-09 seconds"):
        verify(run_of(into), 0, 1e-9)
    with pytest.raises(UserError, match="within 1 frames and 60 seconds; allow more with --frames or --seconds"):
        verify(run_of(into), 1, 60)


def test_lines_are_compared_field_by_field_but_for_clocks():
    line = {"frames": 8, "seconds": 1.0, "train_seconds": 1.0, "a": 0.5, "b": None}
    assert difference([line, line], [line | {"seconds": 9.0, "train_seconds": 9.0}]) == (1, "")
    assert difference([line, line], [line, line | {"a": 0.25}]) == (1, "line 2 (frames 8): a was 0.5 and is 0.25")
    assert difference([line], [line | {"c": 1}]) == (0, "line 1 (frames 8): c was absent and is 1")
    assert difference([line], [{k: v for k, v in line.items() if k != "b"}])[1].endswith("b was null and is absent")
    assert difference([line | {"a": 0.0}], [line | {"a": -0.0}])[1].endswith("a was 0.0 and is -0.0")


def test_another_processor_is_named_as_a_likely_cause(into):
    path = into / "walks" / "dreamer-s0" / "versions.json"
    path.write_text(json.dumps(versions() | {"cpu": "Abacus", "commit": "other"}))
    change(into, 0, "loss/world", 1.0)
    outcome = verify(run_of(into), 0, 60)
    assert outcome.versions.startswith("cpu Abacus then and ") and "commit" not in outcome.versions


def test_runs_of_this_machine_are_chosen_before_shorter_ones(into):
    other = into / "walks" / "dreamer-s1"
    shutil.copytree(into / "walks" / "dreamer-s0", other)
    lines = [line | {"seconds": 0.0} for line in logged(into)]
    (other / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert presets_to_verify(into, ["dreamer"], 60)["dreamer"].name == "walks/dreamer-s1"
    (other / "versions.json").write_text(json.dumps(versions() | {"torch": "0.1"}))
    assert presets_to_verify(into, [], 60)["dreamer"].name == "walks/dreamer-s0"


def test_a_run_whose_first_line_takes_too_long_is_not_chosen_for_being_of_this_machine(into):
    other = into / "walks" / "dreamer-s1"
    shutil.copytree(into / "walks" / "dreamer-s0", other)
    (other / "versions.json").write_text(json.dumps(versions() | {"torch": "0.1"}))
    change(into, 0, "seconds", 475.0)
    assert presets_to_verify(into, ["dreamer"], 60)["dreamer"].name == "walks/dreamer-s1"
    assert presets_to_verify(into, ["dreamer"], 500)["dreamer"].name == "walks/dreamer-s0"


@pytest.mark.parametrize("what", [{"device": "cuda"}, {"live": True}], ids=["gpu", "live"])
def test_a_run_that_need_not_repeat_itself_is_not_asked(what, into):
    shutil.copytree(into / "walks" / "dreamer-s0", into / "walks" / "dreamer-s1")
    first = presets_to_verify(into, ["dreamer"], 60)["dreamer"]
    path = first.path / "config.json"
    config = json.loads(path.read_text())
    config["config"]["train"] |= what
    path.write_text(json.dumps(config))
    assert presets_to_verify(into, ["dreamer"], 60)["dreamer"].name != first.name


def test_a_pace_is_not_waited_for(into):
    path = run_of(into).path / "config.json"
    config = json.loads(path.read_text())
    config["config"]["env"]["rate"] = 0.01
    path.write_text(json.dumps(config))
    assert verify(run_of(into), 0, 60).difference == ""


def test_presets_without_a_run_are_refused(into, tmp_path):
    with pytest.raises(UserError, match="unknown preset 'dreamr'; did you mean 'dreamer'"):
        presets_to_verify(into, ["dreamr"], 60)
    with pytest.raises(UserError, match="holds no learning run of dreamer-reward"):
        presets_to_verify(into, ["dreamer", "dreamer-reward"], 60)
    with pytest.raises(UserError, match="holds no learning run of any preset"):
        presets_to_verify(tmp_path, [], 60)


def test_what_is_noted(into, monkeypatch):
    outcome = verify(run_of(into), 0, 60)
    assert learned_by(into) == {}
    note(into, "dreamer", outcome)
    assert learned_by(into) == {"dreamer": "walks/dreamer-s0"}
    assert read_verified(into)["dreamer"]["lines"] == outcome.lines
    # On another machine a difference says nothing about the code; on this one it does.
    note(into, "dreamer", replace(outcome, difference="x", versions="cpu"))
    assert learned_by(into) == {"dreamer": "walks/dreamer-s0"}
    note(into, "dreamer", replace(outcome, difference="x"))
    assert learned_by(into) == {}
    note(into, "dreamer", outcome)
    monkeypatch.setattr(module, "fingerprint", lambda: "of changed code")
    assert learned_by(into) == {}
    monkeypatch.undo()
    shutil.rmtree(into / "walks")
    assert learned_by(into) == {}


def test_a_broken_file_is_named(into):
    (into / "verified.json").write_text("[]")
    with pytest.raises(UserError, match=r"verified.json cannot be read: .*; remove it and repeat"):
        learned_by(into)
