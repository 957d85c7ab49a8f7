"""Files appear whole or not at all."""

import json
import math

import pytest

from reverie.report.write import aside, plain, write_json, write_text


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "config.json"
    write_text(path, "old")
    with pytest.raises(RuntimeError, match="half way"), aside(path) as partial:
        partial.write_text("ne")
        raise RuntimeError("half way")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_name_changes_hands_only_at_the_end(tmp_path):
    path = tmp_path / "new folder" / "film.mp4"
    with aside(path) as partial:
        partial.write_text("whole")
        assert not path.exists()
        assert partial.parent == path.parent and partial.suffix == ".mp4" and partial != path
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_an_interruption_cleans_up_too(tmp_path):
    with pytest.raises(KeyboardInterrupt), aside(tmp_path / "a") as partial:
        partial.write_text("x")
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_a_block_that_writes_nothing_fails_and_keeps_the_old_file(tmp_path):
    write_text(tmp_path / "a", "old")
    with pytest.raises(FileNotFoundError), aside(tmp_path / "a"):
        pass
    assert (tmp_path / "a").read_text() == "old"


def test_text_keeps_its_line_ends_and_its_letters(tmp_path):
    write_text(tmp_path / "a", "ä\r\nλ\n")
    assert (tmp_path / "a").read_bytes() == "ä\r\nλ\n".encode()


def test_json_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert json.loads(path.read_text()) == {"a": 1}


def test_json_is_strict(tmp_path):
    write_json(tmp_path / "a.json", {"a": [1.5, math.nan], "b": {"c": -math.inf}, "d": "nan"})

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    read = json.loads((tmp_path / "a.json").read_text(), parse_constant=refuse)
    assert read == {"a": [1.5, None], "b": {"c": None}, "d": "nan"}


def test_plain_leaves_what_is_finite():
    value = {"a": [1, 2.5, True, None], "b": "text"}
    assert plain(value) == value
