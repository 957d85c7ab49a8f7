"""What the command line says of itself."""

import re

import pytest
from command import call

from reverie.agents.parts import PARTS
from reverie.agents.presets import PRESETS
from reverie.cli.main import COMMANDS
from reverie.version import __version__

CHOICES = [
    ("dreamer",),
    ("dreamer-reward",),
    ("dreamer", "--scale", "paper"),
    ("dreamer", "--backbone", "lstm"),
    ("dreamer", "--backbone", "attention", "--posterior", "encode"),
    ("dreamer", "--backbone", "transformer-xl", "--posterior", "encode"),
    ("dreamer", "--backbone", "s5"),
    ("dreamer", "--backbone", "markov", "--latent", "categorical", "--posterior", "encode"),
]


def without_help(text):
    """The options of a help text that have no meaning beside their default."""
    lines = [line.strip("│ ").rstrip() for line in text.splitlines()]
    blocks, now = {}, None
    for line in lines:
        option = re.match(r"(-h, )?(--[a-z][\w.-]*)", line)
        if option:
            now = option[2]
            blocks[now] = re.split(r"\s{2,}", line)[1:]  # short options have their meaning on the same line
        elif now and line and not set(line) <= set("╭╮╰╯─- "):
            blocks[now].append(line)
        else:
            now = None
    meanings = {option: re.sub(r"\(default:.*", "", " ".join(rest)).strip() for option, rest in blocks.items()}
    return {option for option, meaning in meanings.items() if not re.search("[a-z]{2}", meaning)}, set(blocks)


def test_usage(capsys):
    outcome = call(capsys, "--help")
    assert outcome.code == 0
    for name, (_, purpose) in COMMANDS.items():
        assert re.search(rf"{name} +{re.escape(purpose)}", outcome.out)


def test_version(capsys):
    assert call(capsys, "--version").out == f"reverie {__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_has_a_meaning(capsys, command):
    outcome = call(capsys, command, "--help")
    assert outcome.code == 0
    silent, options = without_help(outcome.out)
    assert "--help" in options
    assert silent == set()


@pytest.mark.parametrize("choice", CHOICES, ids=" ".join)
def test_every_option_of_a_choice_has_a_meaning(capsys, choice):
    silent, options = without_help(call(capsys, "train", *choice, "--help").out)
    assert silent == set()
    assert {"--env", "--steps", "--seed", "--device", "--behaviour.horizon", "--run", "--dry-run"} <= options
    assert {f"--{kind}" for kind in PARTS} <= options
    assert ("--behaviour.lambda-" in options or "--behaviour.lambda_" in options) == (choice[0] == "dreamer")
    assert ("--latent.groups" in options) == ("categorical" in choice)


def test_the_check_of_meanings_can_fail():
    text = "│ --a INT\n│     a number (default: 3)\n│ --b INT\n│     (default: 3)\n│ --c STR  a word\n│ --d STR"
    assert without_help(text) == ({"--b", "--d"}, {"--a", "--b", "--c", "--d"})


def test_the_help_shows_the_values_of_the_scale(capsys):
    assert "(default: 50)" in call(capsys, "train", "dreamer", "--scale", "paper", "--help").out


def test_list_names_all_there_is(capsys):
    out = call(capsys, "list").out
    for preset in PRESETS.values():
        assert preset.name in out
        assert preset.paper in out
    for names in PARTS.values():
        assert all(name in out for name in names)
    assert "\x1b" not in out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_quiet_on_pipes(capsys, command):
    outcome = call(capsys, command, "--help")
    assert "\x1b" not in outcome.out
    assert outcome.err == ""
