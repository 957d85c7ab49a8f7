"""What holds for all tests: one thread, shapes in annotations enforced, the same draws every time."""

import pytest
import torch
from hypothesis import settings
from jaxtyping import install_import_hook

# Before anything imports reverie: annotations of its functions are checked at every call (shapes.py).
install_import_hook("reverie", "shapes.checked")
torch.set_num_threads(1)

settings.register_profile("reverie", deadline=None, derandomize=True, database=None, max_examples=25)
settings.load_profile("reverie")


def pytest_addoption(parser: pytest.Parser) -> None:
    """A part of one's own can be held to what Reverie's are held to."""
    parser.addoption("--own", action="append", default=[], metavar="KIND=py:module:Class", help="add a part")


def pytest_configure(config: pytest.Config) -> None:
    """Before tests are collected, which go over all parts."""
    from reverie.agents.parts import PARTS, part

    for own in config.getoption("--own"):
        kind, _, name = own.partition("=")
        if kind not in PARTS:
            raise pytest.UsageError(f"--own {own} should read KIND=py:module:Class, KIND one of {', '.join(PARTS)}")
        PARTS[kind][name] = part(kind, name)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)
