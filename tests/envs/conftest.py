"""The environments of these tests and of tests/agents, importable by name, as `py:counting:factory`."""

import sys
from pathlib import Path

import pytest

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1] / "agents")]


@pytest.fixture
def game():
    """The class of games with lives."""
    from lives import Game

    return Game
