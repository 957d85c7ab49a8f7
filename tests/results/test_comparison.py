"""Presets beside each other, by figures that were worked out by hand."""

from written import write_run

from reverie.results.comparison import comparison, task_table
from reverie.results.recorded import Recorded


def run(into, suite, name, evaluations, **options):
    write_run(into / suite / name, evaluations, **options)
    return Recorded(into / suite / name)


def test_frames_and_minutes_to_nine_tenths_of_the_best(tmp_path):
    best = run(tmp_path, "swingup-tdmpc2", "tdmpc2-s0", [(10, 10.0), (20, 89.0), (30, 100.0), (40, 101.0), (50, 99.0)])
    late = run(tmp_path, "swingup-s4wm", "s4wm-s0", [(10, 0.0), (20, 90.0)], preset="s4wm")
    never = run(tmp_path, "swingup-s4wm", "s4wm-s1", [(10, 0.0), (20, 60.0)], preset="s4wm")
    lines = task_table({"tdmpc2": [best], "s4wm": [late, never]}).splitlines()
    assert lines[0] == "| preset | runs | action repeat | seeds | at 90 | frames | minutes | at the end |"
    rows = {line.split(" | ")[0].strip("| "): line for line in lines[2:]}
    assert rows["tdmpc2"] == "| tdmpc2 | `swingup-tdmpc2/tdmpc2` | 1 | 1 | 1 | 30 | 3.0 | 100 at 50 |"
    assert rows["s4wm"] == "| s4wm | `swingup-s4wm/s4wm` | 1 | 2 | 1 | 20 | 2.0 | 38 at 20 |"
    assert rows["planet"] == "| planet | - | - | - | - | - | - | - |"


def test_the_most_seeds_speak_for_a_preset_however_they_went(tmp_path, monkeypatch):
    monkeypatch.setattr("reverie.results.comparison.TASKS", ("py:tiny:walk",))
    run(tmp_path, "swingup-repeat2", "dreamer-s0", [(10, 500.0)])
    for seed in (0, 1):
        run(tmp_path, "swingup-repeat4", f"dreamer-s{seed}", [(10, 5.0)])
    run(tmp_path, "an-unknown-suite", "dreamer-s0", [(10, 900.0)])
    row = next(line for line in comparison(tmp_path).splitlines() if line.startswith("| dreamer |"))
    assert row == "| dreamer | `swingup-repeat4/dreamer` | 1 | 2 | 2 | 10 | 1.0 | 5 at 10 |"


def test_nothing_where_no_such_task_is_recorded(tmp_path):
    run(tmp_path, "swingup-repeat2", "dreamer-s0", [(10, 500.0)])
    assert comparison(tmp_path) == ""
