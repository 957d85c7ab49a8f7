"""The helpers of these tests and of tests/agents, importable by name; a run that many of them look at."""

import sys
from pathlib import Path

import pytest

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1] / "agents")]


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """120 frames of Walk: 40 at random, 2 updates, then one update for each 8 steps; evaluated at 80 and at 120."""
    from running import run
    from tiny import tiny

    return run(tiny(), tmp_path_factory.mktemp("runs") / "finished")
