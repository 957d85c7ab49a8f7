"""What a suite is: a set of runs, and each run the options of `reverie train` that repeat it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

ALONE = "--device cpu --threads 1"
"""What a run of a suite is given: the same numbers on any number of cores, and minutes that can be compared."""


def complete(options: str) -> str:
    """All options of a run; `ALONE` are among them unless it names a device of its own."""
    return options if "--device" in options.split() else f"{options} {ALONE}"


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Runs that belong together.

    Attributes:
        about: what they are, for lists.
        runs: name -> options of `reverie train`, without `ALONE`. Names that differ in their `-sSEED` alone are seeds
            of one thing.
        solved: the evaluation return from which the task counts as solved, in the environment's unit; None for none.
        beside: SUITE/NAME of the recorded run that the runs are compared with at `frames`, empty for a table of ends.
        frames: environment frames at which they are compared.
        held_out: options of `python -m reverie.results.held_out`, by which each run's dreams of unseen episodes are
            measured; empty for none.
    """

    about: str
    runs: Mapping[str, str]
    solved: float | None = None
    beside: str = ""
    frames: tuple[int, ...] = ()
    held_out: str = ""


def seeds(name: str, options: str, numbers: Iterable[int]) -> dict[str, str]:
    """One run for each seed."""
    return {f"{name}-s{number}": f"{options} --seed {number}" for number in numbers}


SWINGUP, WALKER = "--env dmc:cartpole-swingup", "--env dmc:walker-walk"
CARTPOLE = "--env gym:CartPole-v1 --prefill 1000 --train-every 4 --eval-every 1000"
