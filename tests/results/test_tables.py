"""Tables hold what was worked out by hand."""

import pytest
from tiny import tiny
from written import write_run

from reverie.errors import UserError
from reverie.results.pages import blocks_of, write_blocks
from reverie.results.picture import draw_suite
from reverie.results.published import COLUMNS, labels, read_published, task_of
from reverie.results.recorded import recorded
from reverie.results.suites import Suite
from reverie.results.tables import suite_page

WALKS = Suite(about="walks", runs={}, solved=30.0)

PUBLISHED = [
    # Around 40 frames: 36 and 44 are just near enough, 35 and 45 are not.
    *(("walk", "proprio", "sac", "repo", frames, mean) for frames, mean in ((35, 1), (36, 10), (44, 30), (45, 900))),
    ("walk", "proprio", "far", "repo", 100, 5),
    ("walk", "vision", "curl", "repo", 40, 5),
    ("walk", "proprio", "two", "one", 40, 7),
    ("walk", "proprio", "two", "other", 40, 8),
]


@pytest.fixture
def curves(tmp_path):
    path = tmp_path / "curves.csv"
    rows = [(*row[:5], 3, row[5], 0.5) for row in PUBLISHED]
    path.write_text("\n".join(",".join(map(str, row)) for row in [COLUMNS, *rows]) + "\n")
    return path


@pytest.fixture
def into(tmp_path):
    into = tmp_path / "results"
    write_run(into / "walks" / "a-s0", [(10, 0.0), (20, 30.0), (30, 60.0), (40, 90.0)])
    write_run(into / "walks" / "a-s10", [(10, 0.0), (20, 10.0), (30, 20.0), (40, 30.0)], commit="fedcba9876543210")
    write_run(into / "walks" / "a-s2", [(10, 0.0), (40, 6.0)])
    return into


def test_a_row_for_each_run(into):
    page = suite_page("walks", WALKS, into, {}).splitlines()
    assert (
        page[0]
        == "| run | frames to 30 | minutes | evaluation there | frames | mean of last three | dreamed | minutes |"
    )
    assert page[2:5] == [
        "| a-s0 | 20 | 2.0 | 30 | 40 | 60 | 30 | 4.0 |",
        "| a-s2 | never | - | - | 40 | 3 | 2 | 2.0 |",
        "| a-s10 | 40 | 4.0 | 30 | 40 | 20 | 10 | 4.0 |",
    ]
    assert page[-1] == (
        "`reverie train dreamer --env py:tiny:walk` and so on, one core of Abacus each; commit 0123456, fedcba9; files "
        "in `results/walks/`."
    )


def test_without_a_threshold_no_frames_to_it(into):
    page = suite_page("walks", Suite(about="", runs={}), into, {})
    assert page.splitlines()[0] == "| run | frames | mean of last three | dreamed | minutes |"


def test_runs_of_atari_games_have_human_normalised_scores(into):
    for seed, value in ((0, -3.05), (1, 14.6)):  # half way from -20.7 to 14.6, and there
        write_run(into / "games" / f"pong-s{seed}", [(10, value)], env="ale:Pong")
    write_run(into / "games" / "other-s0", [(10, 7.0)], env="ale:Adventure")
    of_each, of_seeds, _ = suite_page("games", Suite(about="", runs={}), into, {}).split("\n\n")
    assert of_each.splitlines() == [
        "| run | frames | mean of last three | human-normalised | dreamed | minutes |",
        "|---|---|---|---|---|---|",
        "| other-s0 | 10 | 7 | - | 4 | 1.0 |",
        "| pong-s0 | 10 | -3 | 0.50 | -2 | 1.0 |",
        "| pong-s1 | 10 | 15 | 1.00 | 7 | 1.0 |",
    ]
    assert of_seeds.splitlines() == [
        "| runs | seeds | frames | mean of last three | human-normalised | range | minutes |",
        "|---|---|---|---|---|---|---|",
        "| other | 1 | 10 | 7 | - | - | 1.0 |",
        "| pong | 2 | 10 | 6 | 0.75 | -3 to 15 | 1.0 |",
    ]


def test_published_means_stand_beside_the_seeds(into, curves):
    walk = {(["tiny", "walk"][-1], "proprio"): read_published(curves)["walk", "proprio"]}
    head, _, row = suite_page("walks", WALKS, into, walk).split("\n\n")[1].splitlines()
    assert head.endswith("| minutes | first at 30, mean frames | sac | two (one) | two (other) |")
    # (60 + 20 + 3) / 3, over (4 + 4 + 2) / 3 minutes; solved at 20 and at 40; (10 + 30) / 2.
    assert row == "| a | 3 | 40 | 28 | 3 to 60 | 3.3 | 30 (2 of 3) | 20 | 7 | 8 |"


def test_tasks_have_their_published_names():
    assert task_of(tiny(env="dmc:ball_in_cup-catch")) == ("cup-catch", "proprio")
    assert task_of(tiny(env="dmc:walker-walk", pixels=True)) == ("walker-walk", "vision")


def test_published_files_are_checked(tmp_path, curves):
    assert {curve.method for curve in read_published(curves, ["sac"])["walk", "proprio"]} == {"sac"}
    assert set(labels(read_published(curves)["walk", "vision"]).values()) == {"curl"}
    with pytest.raises(UserError, match=r"holds no method 'ppo'; it holds curl, far, sac, two"):
        read_published(curves, ["ppo"])
    with pytest.raises(UserError, match=r"nowhere\.csv cannot be read"):
        read_published(tmp_path / "nowhere.csv")
    curves.write_text("task,method\n")
    with pytest.raises(UserError, match="lacks the column observation"):
        read_published(curves)
    curves.write_text(",".join(COLUMNS) + "\nwalk,proprio,sac,repo,many,1,2,3\n")
    with pytest.raises(UserError, match=r"line 2 of .* must be numbers, not 'many'"):
        read_published(curves)


def test_compared_at_frames(into):
    suite = Suite(about="", runs={}, beside="walks/a-s0", frames=(20, 25, 40))
    write_run(into / "tricks" / "none", [(20, 1.0), (25, 2.0), (40, 3.0)])
    rows = suite_page("tricks", suite, into, {}).splitlines()
    assert rows[:4] == [
        "| run | 20 | 25 | 40 |",
        "|---|---|---|---|",
        "| walks/a-s0 | 30 | - | 90 |",
        "| none | 1 | 2 | 3 |",
    ]


def test_the_curves_are_drawn_with_the_published_ones(into, curves):
    published = {("walk", "proprio"): read_published(curves)["walk", "proprio"]}
    assert draw_suite("walks", WALKS, into, published) == into / "walks" / "curves.png"
    assert (into / "walks" / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert draw_suite("nothing", WALKS, into, published) is None


def test_a_folder_that_is_being_written_is_no_run(into):
    (into / "walks" / "a-s0").rename(into / "walks" / ".a-s0.partial")
    assert [run.name for run in recorded(into)] == ["walks/a-s2", "walks/a-s10"]


PAGE = """# Results

<!-- results: walks -->
| old |

by hand long ago; files in `results/walks/`.

What people found.
<!-- end: walks -->

<!-- results: other -->
left alone
<!-- end: other -->
"""


def test_a_block_is_replaced_and_what_was_written_by_hand_stays(into, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    suites = {"walks": WALKS}
    for _ in range(2):  # the second time changes nothing
        assert write_blocks(page, blocks_of(page, suites, into, {})) == ["walks"]
        text = page.read_text()
        made = suite_page("walks", WALKS, into, {})
        assert f"<!-- results: walks -->\n{made}\n\nWhat people found.\n<!-- end: walks -->" in text
        assert "left alone" in text and "old" not in text and text.startswith("# Results\n")


def test_what_was_written_by_hand_below_no_run_stays_too(tmp_path):
    page, suites = tmp_path / "page.md", {"walks": WALKS}
    page.write_text("<!-- results: walks -->\n<!-- end: walks -->\n")
    write_blocks(page, blocks_of(page, suites, tmp_path, {}))
    page.write_text(page.read_text().replace("<!-- end", "\nWhat people found.\n<!-- end"))
    before = page.read_text()
    assert "No run of `walks` is recorded yet." in before
    write_blocks(page, blocks_of(page, suites, tmp_path, {}))
    assert page.read_text() == before


def test_on_a_presets_page_stand_its_own_runs(into, tmp_path):
    write_run(into / "walks" / "b-s0", [(10, 1.0)], preset="dreamer-reward")
    made = blocks_of(tmp_path / "dreamer-reward.md", {"walks": WALKS}, into, {})["walks"]
    assert "| b-s0 |" in made and "| a-s0 |" not in made


def test_pages_without_marks_are_refused(into, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("nothing\n")
    with pytest.raises(UserError, match="has no mark"):
        write_blocks(page, {"walks": "x"})
    page.write_text("<!-- results: walks -->\n")
    with pytest.raises(UserError, match="no <!-- end: walks --> after it"):
        write_blocks(page, {"walks": "x"})
    with pytest.raises(UserError, match="cannot be read"):
        write_blocks(tmp_path / "none.md", {"walks": "x"})
