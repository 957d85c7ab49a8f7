"""Tiny runs to dream of; the helpers of tests/agents and tests/train are importable by name."""

import sys
from pathlib import Path

import pytest

sys.path += [str(Path(__file__).parents[1] / name) for name in ("agents", "train")]

from dreaming import made


@pytest.fixture(scope="module")
def pendulum(tmp_path_factory):
    """Gaussian latents, one episode that has not ended."""
    return made(tmp_path_factory.mktemp("runs") / "pendulum", env="gym:Pendulum-v1")


@pytest.fixture(scope="module")
def cartpole(tmp_path_factory):
    """Categorical latents, short episodes that end; two streams."""
    return made(tmp_path_factory.mktemp("runs") / "cartpole", "dreamerv2", env="gym:CartPole-v1", num_envs=2)


@pytest.fixture(scope="module")
def senses(tmp_path_factory):
    """Two images, one without colour, and two vectors."""
    return made(tmp_path_factory.mktemp("runs") / "senses", env="py:tiny:senses")
