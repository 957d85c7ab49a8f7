"""The recorded runs' configurations rebuild their agents with the code as it is."""

import json
from pathlib import Path

import pytest

from reverie.agents.resolve import from_plain

RECORDED = sorted((Path(__file__).parents[2] / "results").glob("*/*/config.json"))


def test_there_are_recorded_runs():
    assert RECORDED


def within(recorded, read):
    """Whether every recorded value is read as it was; a field that is new since has its default."""
    if isinstance(recorded, dict):
        return all(key in read and within(value, read[key]) for key, value in recorded.items())
    return recorded == read


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.parent.name}/{path.parent.name}")
def test_a_recorded_configuration_is_read(path):
    plain = json.loads(path.read_text())
    assert within(plain, json.loads(json.dumps(from_plain(plain).plain())))
    lines = [json.loads(line) for line in (path.parent / "metrics.jsonl").read_text().splitlines()]
    assert any("eval/return" in line for line in lines)
    assert (path.parent / "command.txt").read_text().strip()
