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
    options = "--lengths 3 40 --seeds 0 --updates 1 --rows 2 --episodes 4 --held-out 4"
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


def test_planning(tmp_path):
    run("planning.py", f"--repeats 1 --threads 1 --output {tmp_path / 'planning.json'}")
    rows = json.loads((tmp_path / "planning.json").read_text())["rows"]
    assert [row["candidates"] for row in rows] == [128, 512, 128, 1000, None, 512]
    assert all(row["act_ms"] > 0 for row in rows)


def test_action_gradients(tmp_path):
    options = "--backbones gru markov --horizon 4 --episodes 3 --updates 1 --seeds 1"
    run("action_gradients.py", f"{options} --into {tmp_path}")
    result = json.loads((tmp_path / "action-gradients.json").read_text())
    assert list(result["worlds"]) == ["gru, history", "gru, action", "markov"]
    assert (tmp_path / "action-gradients.png").exists()


def test_dream_rate(tmp_path):
    options = "--units 8 --population 4 --rollouts 2 --repeats 1 --threads 1 2"
    out = run("dream_rate.py", f"{options} --output {tmp_path / 'rate.json'}")
    rows = json.loads((tmp_path / "rate.json").read_text())["rows"]
    assert "LSTM 8, 4 x 2, threads 1: " in out and [row["threads"] for row in rows] == [1, 2]
    assert all(row["steps_per_second"] > 0 and 0 < row["share"] < 1 for row in rows)


def test_dream_and_reality(tmp_path):
    from reverie import resolve
    from reverie import run as train
    from reverie.behaviour.evolution import EvolutionConfig
    from reverie.behaviour.search import SearchConfig
    from reverie.world.vision_memory import ControlConfig, MemoryConfig, VisionConfig, VisionMemoryConfig

    resolved = resolve(
        "worldmodels",
        "gym:CartPole-v1",
        steps=300,
        length=4,
        batch=2,
        eval_episodes=2,
        objective=VisionMemoryConfig(
            vision=VisionConfig(updates=2), memory=MemoryConfig(updates=2), control=ControlConfig(updates=1)
        ),
        behaviour=EvolutionConfig(search=SearchConfig(population=4), rollouts=2, horizon=5),
    )
    train(resolved, tmp_path / "run", pictures=False, say=lambda line: None)
    options = "--episodes 3 --side 2 --dreams 4 --temperatures 0.5 --generations 1 --report 2"
    out = run("dream_and_reality.py", f"{tmp_path / 'run'} {options} --output {tmp_path / 'both.json'}")
    found = json.loads((tmp_path / "both.json").read_text())
    assert list(found["policies"]) == ["agent", "random", "choice 0", "choice 1"]
    assert found["policies"]["agent"]["real"]["episodes"] == 3
    # Each step of CartPole pays 1, and a dream has five of them at most.
    assert all(0 < both["dreamed"]["mean"] <= 5.5 for both in found["policies"].values())
    assert list(found["temperatures"]) == ["0.5", "0.5, other seeds"] and "| tau 0.5 |" in out
    assert found["temperatures"]["0.5, other seeds"]["real"]["episodes"] == 2
    # The same run, moments of its episodes.
    out = run("hazard.py", f"{tmp_path / 'run'} --episodes 3 --side 2 --stride 1")
    rows = json.loads((tmp_path / "run" / "hazard.json").read_text())["rows"]
    assert "of age 0 to 25 | dreamed |" in out and rows[0]["moments"] > 10
    assert all(0 <= x <= 1 for row in rows for name in ("real", "dreamed") for x in row[name])


def test_pole_response(tmp_path):
    from reverie import resolve
    from reverie import run as train

    env = {"action_repeat": 8, "episode_limit": 20}
    options = {"steps": 200, "prefill": 100, "pretrain": 1, "length": 4, "batch": 2}
    resolved = resolve("tssm", "dmc:cartpole-balance", **env, **options, eval_every=200, eval_episodes=1)
    train(resolved, tmp_path / "run", pictures=False, say=lambda line: None)
    run("pole_response.py", f"{tmp_path / 'run'} --steps 2 --output {tmp_path / 'pole.json'}")
    rows = json.loads((tmp_path / "pole.json").read_text())
    assert [(row["what"], row["step"]) for row in rows] == [("angle", 2), ("speed", 2)]
    assert all(row["miss"] >= 0 and row["moments"] > 0 for row in rows)


def test_page(tmp_path):
    from reverie import resolve
    from reverie import run as train

    options = {"steps": 200, "prefill": 100, "pretrain": 1, "length": 4, "batch": 2}
    resolved = resolve("dreamer", "gym:CartPole-v1", **options, eval_every=200, eval_episodes=1)
    train(resolved, tmp_path / "run", pictures=False, say=lambda line: None)
    out = run("page.py", f"{tmp_path / 'run'} --seconds 1 --output {tmp_path / 'page.json'}")
    rows = json.loads((tmp_path / "page.json").read_text())
    assert list(rows) == ["beside", "alone"] and "beside: " in out
    assert all(row["frames_per_second"] > 0 and row["latency_ms"] > 0 for row in rows.values())


def test_pole_foresight(tmp_path):
    options = f"--degrees 0 20 --start 3 --steps 12 --episodes 2 --output {tmp_path / 'pole.json'}"
    run("pole_foresight.py", options)
    right, wrong = json.loads((tmp_path / "pole.json").read_text())
    assert right["share"] == 0 and wrong["share"] > 0
