"""The commands do what they say, and say where."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command import TINY, WALK, call

from reverie.report.log import read_metrics


def evaluations(path):
    return [line for line in read_metrics(path / "metrics.jsonl") if "eval/return" in line]


def test_a_run_leaves_everything_in_its_folder(trained):
    files = {str(path.relative_to(trained.path)) for path in trained.path.rglob("*") if path.is_file()}
    pictures = {"learning-curve.png", "dreamed-against-real.png", "dream.png", "episode.gif"}
    assert {"config.json", "versions.json", "metrics.jsonl", "checkpoint/run.safetensors"} <= files
    assert {f"pictures/{name}" for name in pictures} <= files
    assert not [name for name in files if "partial" in name]
    for name in pictures:
        data = (trained.path / "pictures" / name).read_bytes()
        assert data[:4] in (b"\x89PNG", b"GIF8")
    versions = json.loads((trained.path / "versions.json").read_text())
    assert {"reverie", "python", "torch", "numpy", "gymnasium", "machine", "system", "cpu"} <= set(versions)
    config = json.loads((trained.path / "config.json").read_text())
    assert config["preset"] == "dreamer"
    assert config["config"]["train"]["steps"] == 72
    assert config["config"]["behaviour"]["horizon"] == 3


def test_a_run_says_what_it_does_and_where(trained):
    first = trained.output.splitlines()[0]
    assert re.fullmatch(r"dreamer \(laptop\) on py:tiny:walk: 72 frames, [\d,]+ parameters, cpu, 1 threads", first), (
        first
    )
    assert f"the run is in {trained.path}" in trained.output
    for picture in (trained.path / "pictures").iterdir():
        assert str(picture) in trained.output
    assert "\x1b" not in trained.output
    assert "\r" not in trained.output


def test_a_dry_run_writes_nothing(capsys):
    outcome = call(capsys, *WALK, "--dry-run")
    assert outcome.code == 0
    assert "nothing was written (--dry-run)" in outcome.out
    assert "runs/dreamer-walk-s0" in outcome.out
    assert "5 updates" in outcome.out  # 1 of pretraining, (72 - 40) / 8
    assert list(Path().iterdir()) == []


def test_a_dry_run_forecasts_the_updates_of_the_run(trained):
    assert read_metrics(trained.path / "metrics.jsonl")[-1]["updates"] == 5


def test_without_a_name_the_folder_is_new(capsys):
    arguments = [*WALK, "--no-pictures", "--steps", "48"]
    for folder in ("runs/dreamer-walk-s0", "runs/dreamer-walk-s0-2"):
        assert f"the run is in {folder}" in call(capsys, *arguments).out
        assert Path(folder, "checkpoint", "run.safetensors").exists()
    assert list(Path("runs/dreamer-walk-s0/pictures").iterdir()) == []


def test_eval_repeats_the_last_evaluation(capsys, trained):
    shutil.copytree(trained.path, "run")
    outcome = call(capsys, "eval", "run")
    logged = evaluations(trained.path)[-1]
    assert outcome.code == 0
    assert f"py:tiny:walk: mean {logged['eval/return']:.1f}," in outcome.out
    assert json.loads(Path("run/evaluation.json").read_text())["eval/returns"] == logged["eval/returns"]


def test_eval_with_another_seed_is_another_evaluation(capsys, trained):
    shutil.copytree(trained.path, "run")
    call(capsys, "eval", "run", "--episodes", "3", "--seed", "5")
    written = json.loads(Path("run/evaluation.json").read_text())
    assert written["seed"] == 5
    assert len(written["eval/returns"]) == 3
    assert written["eval/returns"][:2] != evaluations(trained.path)[-1]["eval/returns"]


def test_eval_in_parts_plays_the_same_episodes(capsys, trained):
    shutil.copytree(trained.path, "run")

    def returns(*options):
        call(capsys, "eval", "run", "--episodes", "5", *options)
        return json.loads(Path("run/evaluation.json").read_text())["eval/returns"]

    whole = returns()
    assert len(set(whole)) == 5
    # The same but for rounding, which depends on how many act at once.
    assert returns("--side", "2") == pytest.approx(whole, rel=1e-4)
    outcome = call(capsys, "eval", "run", "--side", "0")
    assert (outcome.code, "--side must be at least 1, not 0" in outcome.err) == (2, True)


def test_eval_of_an_atari_game_compares_it_with_a_human(capsys, trained, monkeypatch):
    mean = evaluations(trained.path)[-1]["eval/return"]
    monkeypatch.setattr("reverie.cli.look.human_normalised", lambda env, score: score / mean / 4)
    shutil.copytree(trained.path, "run")
    assert call(capsys, "eval", "run").out.splitlines()[0].endswith(", human-normalised 0.25")


def test_eval_changes_nothing_of_the_run(capsys, trained):
    shutil.copytree(trained.path, "run")
    before = {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()}
    call(capsys, "eval", "run", "--episodes", "2")
    assert {path: path.read_bytes() for path in before} == before


def test_video_writes_pictures_and_names_them(capsys, trained):
    shutil.copytree(trained.path, "run")
    shutil.rmtree("run/pictures")
    outcome = call(capsys, "video", "run", "--episodes", "2")
    assert outcome.code == 0
    written = outcome.out.split()
    assert sorted(Path(name).name for name in written) == ["dream.png", "episode.gif"]
    assert all(Path(name).stat().st_size > 100 for name in written)


def test_a_run_of_another_behaviour_and_from_pixels(capsys):
    arguments = ["train", "dreamer-reward", "--env", "py:tiny:walk", "--pixels", "--size", "16", *TINY]
    outcome = call(capsys, *arguments, "--backbone", "markov", "--posterior", "encode", "--run", "run")
    assert outcome.code == 0, outcome.err
    assert Path("run/pictures/dream-image.gif").read_bytes()[:4] == b"GIF8"
    assert call(capsys, "eval", "run", "--episodes", "2").code == 0


def test_a_run_that_cannot_be_filmed_says_so(capsys):
    outcome = call(capsys, "train", "dreamer", "--env", "py:tiny:poisoned", *TINY, "--prefill", "9", "--steps", "17")
    assert outcome.code == 0, outcome.err
    assert "no film of a real episode: " in outcome.out
    assert outcome.err == ""


def test_quiet_on_a_pipe(tmp_path):
    """A whole run from a shell, colours asked for: no escape codes, no warnings, nothing on standard error."""
    code = "import sys; sys.path.append(sys.argv.pop(1)); from reverie.cli import main; main()"
    helpers = str(Path(__file__).parents[1] / "agents")
    ended = subprocess.run(
        [sys.executable, "-c", code, helpers, *WALK, "--run", "run"],
        capture_output=True,
        text=True,
        timeout=120,
        env={"FORCE_COLOR": "1", "PATH": "", "HOME": str(tmp_path), "OMP_NUM_THREADS": "1", "MPLCONFIGDIR": "mpl"},
    )
    assert ended.returncode == 0, ended.stderr
    assert "\x1b" not in ended.stdout
    assert ended.stderr == ""
    assert "the run is in run" in ended.stdout


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_devices(capsys, device):
    assert call(capsys, *WALK, "--device", device, "--dry-run").code == 0


@pytest.mark.parametrize("preset", ["tssm", "dreamerv2"])
def test_bench_measures_any_preset(capsys, preset):
    words = f"bench {preset} --scales laptop --observations state --repeats 1 --threads 1 --output bench.json"
    outcome = call(capsys, *words.split())
    assert outcome.code == 0, outcome.err
    [row] = json.loads(Path("bench.json").read_text())["rows"]
    assert row["name"] == "laptop state float32"
    assert row["update_ms"] > 0 and row["world_ms"] > 0
    assert row["gflop"] > 0.1
