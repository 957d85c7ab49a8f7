"""`reverie report`: one page, the same figures beside it, and a line for each finding."""

import json
import re
import shutil
from pathlib import Path

from command import WALK, call


def write_copy(run: Path, path: Path, seed: int) -> None:
    """The same run with another seed's name, of which the log alone is kept."""
    path.mkdir(parents=True)
    for name in ("metrics.jsonl", "versions.json"):
        shutil.copy(run / name, path / name)
    config = json.loads((run / "config.json").read_text())
    config["config"]["train"]["seed"] = seed
    (path / "config.json").write_text(json.dumps(config))


def test_a_page_and_its_figures(trained, capsys):
    outcome = call(capsys, "report", str(trained.path), "--episodes", "2", "--into", "told")
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[-1] == "told/report.html"
    html = Path("told/report.html").read_text()
    figures = {path.name for path in Path("told").rglob("*.png")}
    assert figures >= {"curves.png", "signals.png", "dreamed-and-real.png", "errors.png", "calibration.png"}
    assert html.count("<img") == len(figures)
    assert "http" not in html
    assert not re.search(r'(src|href)="(?!data:)', html)
    for line in outcome.out.splitlines()[1:-1]:
        name = re.match(r"run: (violation|note) +([a-z-]+): ", line)
        assert name, line
        assert f"<b>{name[2]}</b>" in html


def test_a_run_that_was_not_evaluated(capsys):
    """Nothing is played of it but what is asked for: its environment may be a robot."""
    outcome = call(capsys, *WALK, "--eval-episodes", "0", "--run", "run")
    assert outcome.code == 0 and "without an evaluation there is no episode to draw" in outcome.out
    outcome = call(capsys, "report", "run")
    assert outcome.code == 0 and "episodes ..." not in outcome.out, outcome.err
    html = Path("report/report.html").read_text()
    assert "No evaluation was made" in html and "What was logged while it learned" in html
    outcome = call(capsys, "report", "run", "--episodes", "2")
    assert "run: 2 random and 2 own episodes ..." in outcome.out
    assert {path.name for path in Path("report/run").iterdir()} >= {"errors.png", "calibration.png"}
    outcome = call(capsys, "eval", "run")
    assert outcome.code == 0 and "standard deviation 0.0" in outcome.out  # of one episode


def test_seeds_stand_together_and_logs_are_enough(trained, capsys):
    for seed in (1, 2):
        write_copy(trained.path, Path(f"runs/walk-s{seed}"), seed)
    outcome = call(capsys, "report", "runs/walk-s1", "runs/walk-s2")
    assert outcome.code == 0, outcome.err
    html = Path("report/report.html").read_text()
    assert "2 seeds of each" in html
    assert html.count("Its log alone is reported") == 2
    assert not list(Path("report").rglob("calibration.png"))


def test_runs_of_one_name_are_told_apart(trained, capsys):
    for folder in ("a", "b"):
        write_copy(trained.path, Path(folder) / "run", 0)
    outcome = call(capsys, "report", "a/run", "b/run", "a/run")
    assert outcome.code == 0, outcome.err
    html = Path("report/report.html").read_text()
    assert html.count("<h2>") == 2
    assert "<h2>a/run</h2>" in html
    assert "a seed of each" in html  # and not two seeds of one thing


def test_published_curves_stand_behind(trained, capsys):
    table = "task,observation,method,source,env_frames,seeds,mean,std\ntiny:walk,proprio,sac,me,0,1,1,0\n"
    Path("curves.csv").write_text(table)
    outcome = call(capsys, "report", str(trained.path), "--episodes", "0", "--published", "curves.csv")
    assert outcome.code == 0, outcome.err
