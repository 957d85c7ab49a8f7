"""The helpers of these tests, of tests/agents and of tests/cli, importable by name; a run that was recorded."""

import sys
from pathlib import Path

import pytest

sys.path += [str(Path(__file__).parent), *(str(Path(__file__).parents[1] / name) for name in ("agents", "cli"))]


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    """A folder of results with one run, SUITE walks, NAME dreamer-s0: 120 frames, evaluated at 80 and at 120."""
    from tiny import tiny

    from reverie.train.run import run

    into = tmp_path_factory.mktemp("results")
    run(tiny(), into / "walks" / "dreamer-s0", pictures=False, say=lambda line: None)
    return into
