"""What the pages tell one to type is understood."""

import re
import shlex
from pathlib import Path

import pytest
import tyro

from reverie.cli import reading
from reverie.cli.arguments import parse
from reverie.cli.main import main

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "results" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands(page):
    """Every `reverie` of a page's blocks of shell commands, lines joined, without comments and what is optional."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    found = [re.sub(r" \[[^\]]*\]", "", line) for line in lines if line.startswith("reverie ")]
    words = [shlex.split(line, comments=True)[1:] for line in found]
    return [command for command in words if "--help" not in command]


COMMANDS = [(page, words) for page in PAGES for words in commands(page)]
TRAIN = [(page, words[1:]) for page, words in COMMANDS if words[0] == "train"]
OTHERS = [(page, words) for page, words in COMMANDS if words[0] != "train"]


def _ids(commands):
    return [f"{page.stem}: {' '.join(words)}" for page, words in commands]


@pytest.fixture(autouse=True)
def _in_examples(monkeypatch):
    """Pages on parts of one's own say `cd examples` first."""
    monkeypatch.syspath_prepend(str(ROOT / "examples"))


@pytest.mark.parametrize(("page", "words"), TRAIN, ids=_ids(TRAIN))
def test_a_command_of_a_page(page, words):
    parse(words)


class Understood(Exception):
    """Raised in place of doing what was asked for."""


@pytest.mark.parametrize(("page", "words"), OTHERS, ids=_ids(OTHERS))
def test_another_command_of_a_page(page, words, monkeypatch):
    understand = tyro.cli

    def stop(*arguments, **options):
        understand(*arguments, **options)
        raise Understood

    monkeypatch.setattr(reading.tyro, "cli", stop)
    with pytest.raises(Understood):
        main(words)


@pytest.mark.parametrize("words", [["evaluate", "RUN"], ["eval", "RUN", "--seeds", "3"], ["eval"]])
def test_what_does_not_exist_would_be_noticed(words, monkeypatch):
    with pytest.raises(SystemExit):
        test_another_command_of_a_page(None, words, monkeypatch)


def test_the_pages_have_commands():
    assert {page.stem for page, _ in TRAIN} >= {"README", "configuration", "dreamer", "tssm", "awm", "s4wm", "twm"}
    assert {page.stem for page, _ in TRAIN} & {page.stem for page, _ in OTHERS} >= {"README", "tutorial"}
