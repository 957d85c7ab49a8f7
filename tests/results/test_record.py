"""Suites run what is missing, go on where they were interrupted, and keep what proves it."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from written import write_run

from reverie.errors import UserError
from reverie.report.log import read_metrics
from reverie.results import record
from reverie.results.fingerprint import fingerprint
from reverie.results.record import Workshop
from reverie.results.suites import ALONE, Suite
from reverie.train import checkpoint
from reverie.train.folder import RunFolder

OPTIONS = "dreamer --env py:tiny:walk --steps 120"
STUB = """
import json, pathlib, shutil, sys, time
command, *rest = sys.argv[2:]
with open({calls!r}, "a") as file:
    print(json.dumps(sys.argv[2:]), file=file)
if "--fail" in rest:
    sys.exit("reverie: no such luck")
run = pathlib.Path(rest[-1])
if command == "train":
    shutil.copytree({whole!r}, run)
else:
    shutil.copy({whole!r} + "/metrics.jsonl", run)
time.sleep({seconds})
"""


@pytest.fixture
def calls(tmp_path, monkeypatch):
    """In place of `reverie`, a script that copies a whole run; returns a reader of how it was called."""
    write_run(tmp_path / "whole", [(80, 1.0), (120, 2.0)])
    path = tmp_path / "calls.jsonl"

    def stub(seconds=0.0):
        script = tmp_path / "stub.py"
        script.write_text(STUB.format(calls=str(path), whole=str(tmp_path / "whole"), seconds=seconds))
        monkeypatch.setattr(record, "REVERIE", (sys.executable, str(script), "reverie"))

    def read():
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    stub()
    read.stub = stub
    return read


@pytest.fixture
def shop(tmp_path):
    said = []
    shop = Workshop(tmp_path / "into", tmp_path / "work", said.append)
    shop.said = said
    return shop


def suite(*names, options=OPTIONS):
    return {"walks": Suite(about="", runs={name: options for name in names})}


def interrupted(shop, options=OPTIONS, code=None, saved=True, finished=False):
    """A run in the work folder that came to an evaluation."""
    path = shop.work / "walks" / "a"
    write_run(path, [(80, 1.0)])
    if saved:
        checkpoint.save(RunFolder(path).checkpoint, {"weight": torch.zeros(1)}, {"finished": finished})
    path.with_name("a.json").write_text(json.dumps({"options": options, "fingerprint": code or fingerprint()}))
    return path


def test_what_is_missing_is_run_and_kept(shop, calls):
    shop.learn(suite("a"), 1)
    shop.learn(suite("a", "b"), 2)
    runs = [["train", *OPTIONS.split(), *ALONE.split(), "--run", str(shop.work / "walks" / name)] for name in "ab"]
    assert calls() == runs
    kept = shop.into / "walks" / "b"
    assert {path.name for path in kept.iterdir()} == {"config.json", "versions.json", "metrics.jsonl", "command.txt"}
    assert (kept / "command.txt").read_text() == f"reverie train {OPTIONS} {ALONE}\n"
    assert {path.name for path in kept.parent.iterdir()} == {"a", "b"}
    assert shop.said == ["walks/a learned", "walks/a is there already", "walks/b learned"]


def test_a_run_that_was_made_by_other_options_is_told_and_kept(shop, calls):
    shop.learn(suite("a"), 1)
    before = (shop.into / "walks" / "a" / "command.txt").read_text()
    shop.learn(suite("a", options=f"{OPTIONS} --batch 3"), 1)
    assert len(calls()) == 1
    assert shop.said[-1] == f"walks/a is there by other options; to make it anew move {shop.into / 'walks' / 'a'}"
    assert (shop.into / "walks" / "a" / "command.txt").read_text() == before


def test_an_interrupted_run_goes_on(shop, calls):
    path = interrupted(shop)
    shop.learn(suite("a"), 1)
    assert calls() == [["resume", str(path)]]
    assert read_metrics(shop.into / "walks" / "a" / "metrics.jsonl")[-1]["frames"] == 120


def test_a_run_whose_frames_are_evaluated_may_have_more_to_learn(shop, calls):
    path = interrupted(shop)
    write_run(path.parent / "b", [(80, 1.0), (120, 2.0)])
    (path.parent / "b" / "metrics.jsonl").replace(path / "metrics.jsonl")
    shop.learn(suite("a"), 1)
    assert calls() == [["resume", str(path)]]


def test_a_whole_run_is_only_kept(shop, calls):
    interrupted(shop, finished=True)
    shop.learn(suite("a"), 1)
    assert calls() == []
    assert (shop.into / "walks" / "a" / "metrics.jsonl").exists()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"code": "older"}, "its options or the code changed since"),
        ({"options": "dreamer-reward"}, "its options or the code changed since"),
        ({"saved": False}, "it has no checkpoint yet"),
    ],
)
def test_half_a_run_that_cannot_go_on_begins_anew(shop, calls, changes, why):
    path = interrupted(shop, **changes)
    shop.learn(suite("a"), 1)
    assert [call[0] for call in calls()] == ["train"]
    assert shop.said[0] == f"{path} begins anew: {why}"


def test_a_failure_is_told_and_the_others_run(shop, calls):
    with pytest.raises(UserError, match="1 of 2 runs failed: walks/a; see"):
        shop.learn({"walks": Suite(about="", runs={"a": f"{OPTIONS} --fail", "b": OPTIONS})}, 1)
    assert shop.said == ["walks/a failed: reverie: no such luck", "walks/b learned"]
    assert not (shop.into / "walks" / "a").exists()


def test_stopping_ends_what_runs_and_begins_nothing(shop, calls):
    calls.stub(seconds=60)
    learning = threading.Thread(target=lambda: shop.learn(suite("a", "b"), 1), daemon=True)
    learning.start()
    began = time.monotonic()
    while not calls() and time.monotonic() - began < 20:
        time.sleep(0.05)
    shop.stop()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading, "excepthook", lambda _: None)
        learning.join(20)
    assert not learning.is_alive() and time.monotonic() - began < 40
    assert len(calls()) == 1
    assert not shop.into.exists()


def test_a_run_that_another_process_makes_is_left_to_it(shop, calls):
    record.fcntl or pytest.skip("this system has no locks")
    shop.work.joinpath("walks").mkdir(parents=True)
    with record._alone(shop.work / "walks" / "a.lock") as lock:
        assert lock is not None
        shop.learn(suite("a"), 1)
    assert calls() == [] and shop.said == ["walks/a is being learned by another process"]
    shop.learn(suite("a"), 1)
    assert len(calls()) == 1


TINY = (
    "dreamer --env py:tiny:walk --steps 56 --prefill 40 --pretrain 1 --train-every 8 --batch 2 --length 5 "
    "--replay-mib 1 --eval-every 8 --eval-episodes 2 --log-every 2 --behaviour.horizon 3 --behaviour.starts 4"
)


@pytest.fixture
def importable(monkeypatch):
    helpers = str(Path(__file__).parents[1] / "agents")
    paths = [helpers, str(Path(record.__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))


def test_a_real_run_from_pixels_with_its_dreams(shop, importable):
    runs = suite("a", options=f"{TINY} --pixels --size 16")["walks"].runs
    short = "--episodes 4 --start 1 --context 2 --steps 5"
    shop.learn({"walks": Suite(about="walks", runs=runs, held_out=short)}, 1)
    kept = shop.into / "walks" / "a"
    figures = json.loads((kept / "open-loop.json").read_text())["image"]
    assert set(figures) >= {"dream", "repeat", "mean"} and [figures[x] for x in ("context", "steps")] == [2, 5]
    assert (kept / "held-out.gif").read_bytes().startswith(b"GIF8")
    lines = read_metrics(kept / "metrics.jsonl")
    assert lines[-1]["frames"] == 56 and "eval/return" in lines[-1]
    assert json.loads((kept / "config.json").read_text())["config"]["train"]["threads"] == 1
    assert "torch" in json.loads((kept / "versions.json").read_text())


def test_a_real_run_is_killed_and_resumed_to_the_same_figures(shop, importable, tmp_path):
    shop.learn(suite("a", options=TINY), 1)
    other = Workshop(tmp_path / "into-2", tmp_path / "work-2", print)
    path = other.work / "walks" / "a"
    learning = threading.Thread(target=lambda: other.learn_one("walks", "a", TINY), daemon=True)
    learning.start()
    began = time.monotonic()
    while not RunFolder(path).checkpoint.exists() and time.monotonic() - began < 60:
        time.sleep(0.01)
    other.stop()
    learning.join(60)
    Workshop(tmp_path / "into-2", tmp_path / "work-2", print).learn(suite("a", options=TINY), 1)
    clocks = ("seconds", "train_seconds")
    once, twice = (
        [{k: v for k, v in line.items() if k not in clocks} for line in read_metrics(into / "walks/a/metrics.jsonl")]
        for into in (shop.into, other.into)
    )
    assert once == twice


def test_the_background_outlives_its_parent(tmp_path, importable):
    """A process that starts it and ends at once, and the log that tells of its end."""
    log = tmp_path / "work" / "log.txt"
    code = "import sys; from pathlib import Path; from reverie.results.record import in_background as b; "
    code += "print(b(['--list', '--into', 'nowhere'], Path(sys.argv[1])))"
    ended = subprocess.run([sys.executable, "-c", code, str(log)], capture_output=True, text=True, timeout=60)
    assert int(ended.stdout) > 0, ended.stderr
    began = time.monotonic()
    while "ablations" not in log.read_text() and time.monotonic() - began < 60:
        time.sleep(0.1)
    assert "0 of 5" in log.read_text()
