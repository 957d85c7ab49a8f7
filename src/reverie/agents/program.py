"""Training as data: a program is a list of stages, which one loop executes."""

from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Literal

from reverie.nets.optimiser import OptimiserConfig


@dataclass(frozen=True, kw_only=True)
class Group:
    """Some losses, summed, whose gradients go into some modules and nowhere else."""

    name: str
    """a group of this name is the same one in every stage."""
    modules: tuple[str, ...]
    """names of the agent's modules, such as "world" or "world.encoder"."""
    losses: tuple[str, ...] = ("*",)
    """patterns of the losses' names."""
    without: tuple[str, ...] = ()
    """patterns of those that are left out all the same."""
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    lr_scales: tuple[tuple[str, float], ...] = ()
    """modules whose learning rate is a share of the optimiser's, such as ("world.encoder", 0.3)."""

    def takes(self, loss: str) -> bool:
        """Whether a loss of that name is one of the group's."""
        taken, left = (any(fnmatch(loss, p) for p in patterns) for patterns in (self.losses, self.without))
        return taken and not left


@dataclass(frozen=True, kw_only=True)
class Until:
    """When a stage ends: at a count of environment frames of the whole run, or after updates of its own."""

    frames: int | None = None
    updates: int | None = None


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A part of a run: who collects how much, what is learned from it, and until when."""

    name: str
    until: Until
    actor: Literal["none", "random", "behaviour"] = "none"
    """who chooses the actions that are collected; none collects nothing."""
    recorded: bool = False
    """whether what was recorded elsewhere comes into the replay at its beginning."""
    collect: int = 1
    """agent steps between updates, in all environments together."""
    live: bool = False
    """whether an agent acts while another learns, in a thread of its own; as many updates are made as there is time
    for, whatever `collect` says."""
    objective: str = "objective"
    """the name of the agent's module that gives the losses."""
    draw: Literal["chunks", "records", "beginnings"] = "chunks"
    """what a batch holds: chunks, single records, or the first records of episodes."""
    rows: int | None = None
    """how many of them; the run's own batch by default."""
    encode: bool = False
    """whether all that was collected is encoded at its beginning, for batches that carry it."""
    groups: tuple[Group, ...] = ()
    """what of the world is learned; nothing by default."""
    behave: bool = False
    """whether the behaviour learns."""
    arena: Literal["dream", "real"] = "dream"
    """where a behaviour that tries a population out does so."""
    evaluate: int | None = None
    """updates between evaluations, 0 for none at all; by default they come as frames do."""
    log: int | None = None
    """updates between lines of metrics; the run's own by default."""
    measure: bool = False
    """whether the reward's unit is measured at its end, on all that came into the replay in it."""

    @property
    def learns(self) -> bool:
        """Whether anything is learned in it."""
        return bool(self.groups) or self.behave


Program = tuple[Stage, ...]


def axis_of(program: Program) -> Literal["frames", "updates"]:
    """What its curves are drawn against: frames, or updates where they stand still while anything is learned."""
    return "frames" if any(stage.learns and stage.actor != "none" for stage in program) else "updates"


def count_frames(program: Program) -> int:
    """How many environment frames a program collects."""
    return max(stage.until.frames or 0 for stage in program)


def updates_of_stages(program: Program, repeat: int) -> list[int]:
    """How many updates each stage will make, with that action repeat; those of live stages are not known before."""
    frames, updates = 0, []
    for stage in program:
        count = stage.until.updates
        if count is None:
            until = stage.until.frames or 0
            count = 0 if stage.live else -(-max(0, until - frames) // repeat) // stage.collect
            frames = max(frames, until)
        updates.append(count if stage.learns else 0)
    return updates


def count_updates(program: Program, repeat: int) -> int:
    """How many updates a program will make, but for those of live stages."""
    return sum(updates_of_stages(program, repeat))
