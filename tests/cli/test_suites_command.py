"""`reverie results` and what `reverie list` says of learning runs."""

import json
import shutil
from pathlib import Path

import pytest
from command import call

from reverie.agents.presets import PRESETS
from reverie.results.fingerprint import fingerprint
from reverie.results.suites import SUITES, Suite


@pytest.fixture
def recorded(trained):
    """A recorded run in ./results, of a suite that there is."""
    kept = Path("results/pendulum/dreamer-s0")
    kept.mkdir(parents=True)
    for name in ("config.json", "versions.json", "metrics.jsonl"):
        shutil.copy(trained.path / name, kept / name)
    (kept / "command.txt").write_text(f"reverie train {SUITES['pendulum'].runs['dreamer-s0']}\n")
    return kept


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name a suite, as in: reverie results pendulum"),
        (("pendulm",), "unknown suite 'pendulm'; did you mean 'pendulum'?"),
        (("pendulum", "--jobs", "0"), "--jobs must be at least 1, not 0"),
        (("--verify", "--frames", "-1"), "--frames must not be negative, not -1"),
        (("--verify",), "results holds no learning run of any preset"),
        (("--verify", "dreamr"), "unknown preset 'dreamr'; did you mean 'dreamer'?"),
        (("pendulum", "--table", "--published", "none.csv"), "the published curves none.csv cannot be read"),
        (("pendulum", "--table", "--write", "none.md"), "the page none.md cannot be read"),
    ],
)
def test_mistakes_are_told_in_a_line(capsys, arguments, message):
    outcome = call(capsys, "results", *arguments)
    assert outcome.code == 2
    assert outcome.err.startswith("reverie: ") and message in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert list(Path().iterdir()) == []


def test_a_command_line_that_is_none_is_told_before_anything_runs(capsys, monkeypatch):
    monkeypatch.setitem(SUITES, "pendulum", Suite(about="", runs={"a": "dreamer --env Pendulum-v1 --steps 0"}))
    outcome = call(capsys, "results", "pendulum")
    assert (outcome.code, outcome.err) == (2, "reverie: --steps must be at least 1, not 0\n")
    assert list(Path().iterdir()) == []


def test_suites_are_listed(capsys, recorded):
    out = call(capsys, "results", "--list").out
    assert "| `pendulum` |" in out and "| 1 of 9 |" in out
    assert all(f"`{name}`" in out for name in SUITES)


def test_a_run_by_other_options_is_none_of_the_suite(capsys, recorded):
    path = recorded / "command.txt"
    words = path.read_text().split(" --")
    path.write_text(f"OMP_NUM_THREADS=1 {words[0]} --{' --'.join(words[:0:-1])}")
    assert "| 1 of 9 |" in call(capsys, "results", "--list").out  # the order does not matter
    path.write_text(path.read_text().replace("--steps 4000", "--steps 5000"))
    assert "| 1 of 9 |" not in call(capsys, "results", "--list").out


def test_the_table_is_printed_and_written(capsys, recorded):
    Path("page.md").write_text("<!-- results: pendulum -->\n<!-- end: pendulum -->\n")
    outcome = call(capsys, "results", "pendulum", "--table", "--write", "page.md")
    assert outcome.code == 0, outcome.err
    row = next(line for line in outcome.out.splitlines() if line.startswith("| dreamer-s0 |"))
    assert "| 72 |" in row
    assert row in Path("page.md").read_text() and row in Path("results/pendulum/README.md").read_text()
    assert Path("results/pendulum/curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_background_says_how_to_look(capsys, monkeypatch):
    import reverie.cli.results as results

    asked = []
    monkeypatch.setattr(results, "in_background", lambda arguments, log: asked.append((arguments, log)) or 17)
    outcome = call(capsys, "results", "pendulum", "--background", "--jobs", "2")
    arguments, log = asked[0]
    assert arguments == ["pendulum", "--jobs", "2"]
    assert log.parent == Path("runs/suites")
    assert "process 17 learns pendulum" in outcome.out and f"tail -f {log}" in outcome.out


def test_a_preset_is_experimental_until_its_run_is_verified(capsys, recorded):
    assert call(capsys, "list").out.count("experimental") == len(PRESETS)
    outcome = call(capsys, "results", "--verify", "dreamer")
    assert outcome.code == 0, outcome.err
    assert "are equal to the bit (pendulum/dreamer-s0)" in outcome.out
    entry = json.loads(Path("results/verified.json").read_text())["dreamer"]
    assert entry["fingerprint"] == fingerprint() and entry["run"] == "pendulum/dreamer-s0" and entry["lines"] >= 1
    out = call(capsys, "list").out
    assert out.count("experimental") == len(PRESETS) - 1
    assert "made pendulum/dreamer-s0 as it is now" in out
    assert call(capsys, "list", "--results", "elsewhere").out.count("experimental") == len(PRESETS)


@pytest.mark.parametrize("broken", [False, True])
def test_what_is_verified_need_not_be_noted(capsys, recorded, broken):
    if broken:
        lines = (recorded / "metrics.jsonl").read_text().splitlines()
        lines[0] = json.dumps(json.loads(lines[0]) | {"loss/world": 1.0})
        (recorded / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    Path("results/verified.json").write_text('{"dreamer": {"run": "pendulum/dreamer-s0"}}')
    assert call(capsys, "results", "--verify", "dreamer", "--no-note").code == (2 if broken else 0)
    assert Path("results/verified.json").read_text() == '{"dreamer": {"run": "pendulum/dreamer-s0"}}'


def test_a_difference_is_an_error_and_makes_it_experimental_again(capsys, recorded):
    assert call(capsys, "results", "--verify").code == 0
    lines = (recorded / "metrics.jsonl").read_text().splitlines()
    lines[0] = json.dumps(json.loads(lines[0]) | {"loss/world": 1.0})
    (recorded / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    outcome = call(capsys, "results", "--verify")
    assert outcome.code == 2
    assert "dreamer no longer makes pendulum/dreamer-s0: line 1 (frames " in outcome.err
    assert "loss/world was 1.0 and is " in outcome.err
    assert call(capsys, "list").out.count("experimental") == len(PRESETS)


def test_a_difference_on_another_processor_is_no_error(capsys, recorded):
    versions = json.loads((recorded / "versions.json").read_text()) | {"cpu": "Abacus"}
    (recorded / "versions.json").write_text(json.dumps(versions))
    lines = (recorded / "metrics.jsonl").read_text().splitlines()
    lines[0] = json.dumps(json.loads(lines[0]) | {"loss/world": 1.0})
    (recorded / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    outcome = call(capsys, "results", "--verify")
    assert outcome.code == 0
    assert "a likely cause is cpu Abacus then and" in outcome.out
