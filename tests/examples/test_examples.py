"""The examples run, one after the other, as a reader would run them."""

import runpy
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")


def test_train_then_act_then_dream(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run("train.py", monkeypatch, "160")
    assert (tmp_path / "runs/example/pictures/dream.png").exists()
    run("act.py", monkeypatch, "runs/example")
    returned = float(capsys.readouterr().out.strip().splitlines()[-1].removeprefix("return "))
    assert -2200 < returned < 0  # whatever is done in Pendulum, 200 steps cost up to 16.3 each
    run("dream.py", monkeypatch, "runs/example")
    printed = capsys.readouterr().out
    assert "dreamed state (2, 15, 3)" in printed
    rewards = [float(x) for x in printed.split("[")[1].split("]")[0].split(",")]
    assert len(rewards) == 15 and all(-30 < reward < 10 for reward in rewards)
