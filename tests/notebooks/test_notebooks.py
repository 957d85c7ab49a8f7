"""The notebooks run from their beginning to their end, in small form, and are what their scripts say."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SCRIPTS = sorted(NOTEBOOKS.glob("*.py"))
NAMES = [script.stem for script in SCRIPTS]


def cells(notebook):
    """What a notebook says; identities of cells are drawn anew each time that it is made."""
    return [(cell.cell_type, cell.source, dict(cell.metadata)) for cell in notebook.cells]


def test_there_is_a_notebook_of_each_world_and_kind_of_observation():
    worlds = ("rssm_continuous", "rssm_discrete", "tssm")
    assert sorted(f"{world}_{seen}" for world in worlds for seen in ("images", "state")) == NAMES


@pytest.mark.parametrize("script", SCRIPTS, ids=NAMES)
def test_a_notebook_runs_to_its_last_picture(script, tmp_path):
    for package in ("pygame", "cv2"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    small = {"REVERIE_NOTEBOOK_SMALL": "1", "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env=os.environ | small,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    run = tmp_path / "runs" / f"notebook-{script.stem.replace('_', '-')}"
    assert (run / "pictures" / "side-by-side.gif").read_bytes().startswith(b"GIF8")
    assert (run / "pictures" / "learning-curve.png").exists()
    assert ": 80 frames, " in done.stdout  # small, and whole


@pytest.mark.parametrize("script", SCRIPTS, ids=NAMES)
def test_a_notebook_is_what_its_script_makes(script):
    jupytext = pytest.importorskip("jupytext")
    made, kept = jupytext.read(script), jupytext.read(script.with_suffix(".ipynb"))
    again = f"make it again: jupytext --to ipynb --update notebooks/{script.name}"
    assert cells(kept) == cells(made), again
    assert kept.metadata.kernelspec == made.metadata.kernelspec, again
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in kept.cells), "kept without outputs"


@pytest.mark.parametrize("script", SCRIPTS, ids=NAMES)
def test_a_notebook_is_short(script):
    assert len(script.read_text(encoding="utf-8").splitlines()) < 150
