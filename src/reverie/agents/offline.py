"""Learning from recorded data alone: what becomes of a preset's program."""

from dataclasses import dataclass, replace

from reverie.agents.program import Program, Stage, Until, count_updates
from reverie.errors import UserError

EVALUATIONS = 10
"""How many there are, where nothing else is said."""


@dataclass(frozen=True, kw_only=True)
class Offline:
    """What is learned from, and for how long. Raises UserError where a value makes no sense."""

    data: tuple[str, ...] = ()
    """folders of runs, whose replays are read, and Minari datasets as minari:NAME"""
    updates: int = 0
    """updates in all; 0: as many as the preset makes where it collects for itself"""
    eval_every: int = 0
    """updates between evaluations, and between checkpoints; 0: a tenth of them all"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", tuple(self.data))  # JSON has lists alone
        for name in ("updates", "eval_every"):
            if getattr(self, name) < 0:
                raise UserError(f"--{name.replace('_', '-')} must not be negative, not {getattr(self, name)}")


def offline(program: Program, terms: Offline, repeat: int) -> Program:
    """A preset's program without its actors: what was recorded comes first, and then the stages that learn.

    A stage that learned from what it collected learns alone, and what learned the same before it (pretraining) is part
    of it. Others keep their own numbers of updates, and it has what is left.

    Args:
        program: the preset's own.
        terms: of this run.
        repeat: the action repeat, by which the program's own updates are counted.

    Raises:
        UserError: if a stage needs the environment to learn, or the updates do not suit the stages.
    """
    program = tuple(replace(stage, live=False) for stage in program)  # there is nobody to act meanwhile
    learning = [stage for stage in program if stage.learns]
    if any(stage.arena == "real" for stage in learning):
        raise UserError(
            "--arena real tries controllers out in the environment, and what is recorded cannot answer them; "
            "choose --arena dream"
        )
    main = [stage for stage in learning if stage.actor != "none"]
    apart = [stage for stage in learning if _subject(stage) not in map(_subject, main)]
    names, spent = ", ".join(dict.fromkeys(s.name for s in apart)), sum(s.until.updates or 0 for s in apart)
    for option, value in (("--updates", terms.updates), ("--eval-every", terms.eval_every)):
        if value and not main:
            raise UserError(
                f"{option} is for programs that learn all at once; {names} have numbers of their own: set those"
            )
    left = (terms.updates or count_updates(program, repeat)) - spent
    if terms.updates and left < 1:
        raise UserError(
            f"--updates {terms.updates:,} leaves nothing after the {spent:,} of {names}; raise it, or lower --pretrain"
        )
    every = terms.eval_every or max(1, left // EVALUATIONS)
    alone = [replace(stage, actor="none", until=Until(updates=left), evaluate=every) for stage in main]
    measure = any(stage.measure for stage in program)
    return (Stage(name="data", recorded=True, measure=measure, until=Until(updates=0)), *apart, *alone)


def _subject(stage: Stage) -> tuple[object, ...]:
    """What is learned in a stage, and from what."""
    return stage.objective, stage.draw, stage.rows, stage.groups, stage.behave
