"""What the pages tell one to type is understood."""

import re
import shlex
from pathlib import Path

import pytest

from reverie.cli.arguments import parse

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands(page):
    """Every `reverie train` of a page's blocks of shell commands, lines joined, without comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    found = [shlex.split(line, comments=True)[2:] for line in lines if line.startswith("reverie train ")]
    return [words for words in found if "--help" not in words]


COMMANDS = [(page, words) for page in PAGES for words in commands(page)]


@pytest.mark.parametrize(("page", "words"), COMMANDS, ids=[f"{p.stem}: {' '.join(w)}" for p, w in COMMANDS])
def test_a_command_of_a_page(page, words):
    parse(words)


def test_the_pages_have_commands():
    assert {page.stem for page, _ in COMMANDS} >= {"README", "configuration", "dreamer", "tssm", "awm", "s4wm", "twm"}
