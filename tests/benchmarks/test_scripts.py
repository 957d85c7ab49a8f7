"""The scripts of benchmarks/ run, in their smallest form."""

import json
import os
import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def run(script, options):
    command = [sys.executable, str(BENCHMARKS / script), *options.split()]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_corridor(tmp_path):
    options = "--lengths 3 40 --seeds 1 --updates 1 --rows 2 --episodes 4 --held-out 4"
    out = run("corridor.py", f"{options} --into {tmp_path}")
    rows = json.loads((tmp_path / "corridor.json").read_text())["rows"]
    assert len(rows) == 12 and all(0 <= row["accuracy"] <= 1 for row in rows.values())
    assert "| gru, cut |" in out
    again = run("corridor.py", f"{options} --into {tmp_path}")
    assert again == "\n".join(out.splitlines()[12:]) + "\n"  # nothing is done twice


def test_slide(tmp_path):
    out = run("slide.py", f"--repeats 1 --output {tmp_path / 'slide.json'}")
    rows = json.loads((tmp_path / "slide.json").read_text())["rows"]
    assert [row["preset"] for row in rows] == ["tssm", "awm"] and "tssm: " in out
    assert all(row["update_ms"][way] > 0 for row in rows for way in ("slide", "attend"))


def test_action_gradients(tmp_path):
    options = "--backbones gru markov --horizon 4 --episodes 3 --updates 1 --seeds 1"
    run("action_gradients.py", f"{options} --into {tmp_path}")
    result = json.loads((tmp_path / "action-gradients.json").read_text())
    assert list(result["worlds"]) == ["gru, history", "gru, action", "markov"]
    assert (tmp_path / "action-gradients.png").exists()
