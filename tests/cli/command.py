"""Commands, called in the process of the tests."""

from typing import NamedTuple

from reverie.cli.main import main

TINY = [
    *("--steps", "72", "--prefill", "40", "--pretrain", "1", "--train-every", "8", "--batch", "2", "--length", "5"),
    *("--replay-mib", "1", "--eval-every", "16", "--eval-episodes", "2", "--log-every", "2", "--threads", "1"),
    *("--device", "cpu", "--behaviour.horizon", "3", "--behaviour.starts", "4", "--encoder.mlp.units", "8"),
]
WALK = ["train", "dreamer", "--env", "py:tiny:walk", *TINY]


class Outcome(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


def call(capsys, *arguments):
    """Run a command; 0 where it returns."""
    capsys.readouterr()
    code = 0
    try:
        main(list(arguments))
    except SystemExit as end:
        code = end.code
    out, err = capsys.readouterr()
    return Outcome(code, out, err)
