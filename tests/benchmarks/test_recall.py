"""What benchmarks/recall.py counts, against slow computations, and that it runs."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "recall.py"


@pytest.fixture(scope="module")
def recall():
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("recall", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_auc_by_all_pairs(recall):
    rng = np.random.default_rng(0)
    ends, others = rng.integers(3, 9, 7) / 10, rng.integers(0, 8, 30) / 10  # with equal ones
    pairs = [(end > other) + 0.5 * (end == other) for end in ends for other in others]
    assert recall.auc(ends, others) == pytest.approx(np.mean(pairs))


def test_ends_are_told_from_cuts_and_from_what_lies_before(recall):
    each = [np.array([0.0, 0.0, 0.1, 0.2, 0.3, 0.4]), np.array([0.0, 0.6]), np.array([0.2, 0.0, 0.9])]
    figures = recall.ends_of(each, [True, True, False])
    assert (figures["ends"], figures["steps"]) == (2, 11)
    assert [figures[f"recall {x}"] for x in (0.1, 0.3, 0.5)] == [1.0, 1.0, 0.5]
    assert figures["false 0.5"] == pytest.approx(1 / 9)  # the cut one's last step is no end
    assert figures["before"] == pytest.approx([0.1, 0.2, 0.15, 0.5])
    assert figures["elsewhere"] == pytest.approx((0.0 + 0.0 + 0.2 + 0.0 + 0.9) / 5)
    assert figures["expected / real"] == pytest.approx(2.7 / 2)
    assert recall.ends_of(each[2:], [False]) == {"ends": 0, "steps": 3}


def test_bright_pixels_by_the_size_of_their_blob(recall):
    true, decoded = np.zeros((1, 8, 8, 3)), np.zeros((1, 8, 8, 3))
    true[0, 0, 0] = true[0, 1, 1] = 1  # two pixels that touch at a corner
    true[0, 4:8, 4:8] = 0.6
    decoded[0, 1, 1] = decoded[0, 4:6, 4:7] = 0.9
    decoded[0, 0, 7] = 0.9  # nothing is there
    bright = recall.Bright(0.5)
    bright.add(true, decoded)
    assert bright.figures() == {
        "1-3": {"blobs": 1, "kept": 0.5, "found": 1.0},
        "12-39": {"blobs": 1, "kept": 6 / 16, "found": 0.0},
        "invented": 1 / 8,
    }


def test_it_runs(tmp_path):
    from reverie import resolve
    from reverie import run as train
    from reverie.behaviour.evolution import EvolutionConfig
    from reverie.behaviour.search import SearchConfig
    from reverie.world.vision_memory import ControlConfig, MemoryConfig, VisionConfig, VisionMemoryConfig

    resolved = resolve(
        "worldmodels",
        "gym:CartPole-v1",
        pixels=True,
        size=16,
        steps=100,
        length=4,
        batch=2,
        eval_episodes=1,
        objective=VisionMemoryConfig(
            vision=VisionConfig(updates=1, bright=1.0), memory=MemoryConfig(updates=1), control=ControlConfig(updates=1)
        ),
        behaviour=EvolutionConfig(search=SearchConfig(population=4), rollouts=2, horizon=5),
    )
    train(resolved, tmp_path / "run", pictures=False, say=lambda line: None)
    command = [sys.executable, str(SCRIPT), str(tmp_path / "run"), "--episodes", "3", "--side", "2", "--draws", "2"]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads((tmp_path / "run" / "recall.json").read_text())["policies"]
    assert list(found) == ["agent", "random"] and "| random, foreseen | 3 | " in ended.stdout
    assert all(0 <= figures["ends"]["seen"]["auc"] <= 1 for figures in found.values())
    assert "40+" in found["random"]["bright"]  # the background is white
