"""`reverie fit` and `reverie export`: from a run to a dataset, and from both to a run that collects nothing."""

import json
import shutil
from pathlib import Path

import pytest
from command import call

from reverie.report.log import read_metrics

TINY = [
    *("--updates", "4", "--eval-every", "2", "--eval-episodes", "2", "--log-every", "2", "--batch", "2"),
    *("--length", "5", "--replay-mib", "1", "--threads", "1", "--device", "cpu", "--no-pictures"),
    *("--behaviour.horizon", "3", "--behaviour.starts", "4", "--encoder.mlp.units", "8"),
]


@pytest.fixture
def data(trained):
    """The run that is learned from, as `data`."""
    return Path(shutil.copytree(trained.path, "data"))


def fit(capsys, *arguments):
    outcome = call(capsys, "fit", "dreamer", *arguments, *TINY, "--run", "run")
    assert outcome.code == 0, outcome.err
    return outcome


def test_a_fit_is_a_run_like_others(capsys, data):
    outcome = fit(capsys, "--data", "data")
    assert outcome.out.splitlines()[0].startswith("dreamer (laptop) on py:tiny:walk: 4 updates from what is recorded, ")
    assert "data: " in outcome.out and "return " in outcome.out
    config = json.loads(Path("run/config.json").read_text())
    assert config["offline"] == {"data": ["data"], "updates": 4, "eval_every": 2}
    assert config["config"]["env"]["env"] == "py:tiny:walk"  # as the data's own configuration says
    logged = [line for line in read_metrics(Path("run/metrics.jsonl")) if "eval/return" in line]
    assert [line["updates"] for line in logged] == [2, 4]
    assert f"mean {logged[-1]['eval/return']:.1f}," in call(capsys, "eval", "run").out
    assert "the run in run is finished" in call(capsys, "resume", "run").out
    assert call(capsys, "report", "run").code == 0


def test_its_pictures_and_its_help(capsys, data):
    assert call(capsys, "fit", "dreamer", "--data", "data", *TINY, "--run", "run", "--pictures").code == 0
    assert {"learning-curve.png", "dreamed-against-real.png"} <= {path.name for path in Path("run/pictures").iterdir()}
    shown = call(capsys, "fit", "dreamer", "--data", "data", "--help").out
    assert "(default: py:tiny:walk)" in shown
    assert not [option for option in ("--steps ", "--prefill ", "--train-every ", "--num-envs ") if option in shown]


def test_a_dry_run_of_it_writes_nothing(capsys, data):
    before = sorted(Path().iterdir())
    outcome = call(capsys, "fit", "dreamer", "--data", "data", *TINY, "--dry-run")
    assert "4 updates, replay" in outcome.out
    assert "an evaluation of 2 episodes every 2 updates of learn" in outcome.out
    assert sorted(Path().iterdir()) == before


def test_through_a_dataset_it_is_the_same_run(capsys, data, monkeypatch):
    pytest.importorskip("minari")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(Path("datasets").absolute()))
    outcome = call(capsys, "export", "data", "--to", "minari:walk/dreamer-v0")
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[0].startswith("minari:walk/dreamer-v0: ")
    assert outcome.out.splitlines()[-1].endswith("datasets/walk/dreamer-v0")
    fit(capsys, "--data", "data")
    Path("run").rename("first")
    fit(capsys, "--data", "minari:walk/dreamer-v0")
    first, second = (read_metrics(Path(path, "metrics.jsonl")) for path in ("first", "run"))
    clocks = ("seconds", "train_seconds")
    # But for what is told of the data: a dataset does not know that the last episode went on.
    assert [{k: v for k, v in x.items() if k not in clocks} for x in first[1:]] == [
        {k: v for k, v in x.items() if k not in clocks} for x in second[1:]
    ]
    for file in Path("first/replay").iterdir():
        assert file.read_bytes() == (Path("run/replay") / file.name).read_bytes()


def test_what_a_dataset_cannot_say_is_said(capsys, data, monkeypatch):
    """A run whose last episode goes on."""
    pytest.importorskip("minari")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(Path("datasets").absolute()))
    assert call(capsys, "export", "data", "--to", "minari:walk-v0").code == 0
    told = call(capsys, "export", "data", "--to", "minari:walk-v1").out
    assert "careful: 1 of them had not ended, and are marked as truncated" in told
