"""The helpers of these tests and of tests/agents, importable by name; a run that many of them look at."""

import contextlib
import io
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1] / "agents")]


class Trained(NamedTuple):
    """A run that the command line made."""

    path: Path
    output: str


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    from command import WALK

    from reverie.cli.main import main

    path, output = tmp_path_factory.mktemp("cli") / "run", io.StringIO()
    with contextlib.redirect_stdout(output):
        main([*WALK, "--run", str(path)])
    return Trained(path, output.getvalue())


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
