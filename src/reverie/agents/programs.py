"""Programs that presets share, and what programs are made of."""

from typing import Literal

from reverie.agents.config import Config
from reverie.agents.program import Group, Program, Stage, Until


def one_world(config: Config) -> Program:
    """Dreamer's program: prefill at random, learn on that for a while, then act and learn in turn.

    World and behaviour learn in every update: the world as one group, by all losses that shape it, and a group for
    each thing that the behaviour wants trained (DreamerV2: three optimisers).
    """
    alone = (f"behaviour/{x}" for wish in config.behaviour.trained for x in wish.losses if x not in wish.shaping)
    world = Group(
        name="world",
        modules=("world",),
        without=tuple(alone),
        optimiser=config.objective.optimiser,
        lr_scales=config.objective.lr_scales,
    )
    return in_turn(config, (world, *wished(config)))


def joint(config: Config) -> Program:
    """DreamerV3's program: like `one_world`, but one optimiser, the objective's, for the world and the behaviour.

    Of the behaviour's own optimisers the learning rates alone are read.
    """
    optimiser = config.objective.optimiser
    lr_scales = config.objective.lr_scales + tuple(
        (f"behaviour.{module}", wish.optimiser.lr / optimiser.lr)
        for wish in config.behaviour.trained
        for module in wish.modules
    )
    modules = ("world", *(f"behaviour.{module}" for wish in config.behaviour.trained for module in wish.modules))
    agent = Group(name="agent", modules=modules, optimiser=optimiser, lr_scales=lr_scales)
    return in_turn(config, (agent,))


def wished(config: Config) -> tuple[Group, ...]:
    """A group for each thing that the behaviour wants trained."""
    return tuple(
        Group(
            name=wish.name,
            modules=tuple(f"behaviour.{module}" for module in wish.modules),
            losses=tuple(f"behaviour/{loss}" for loss in wish.losses),
            optimiser=wish.optimiser,
        )
        for wish in config.behaviour.trained
    )


def arena_of(config: Config) -> Literal["dream", "real"]:
    """Where a behaviour that tries a population out does so; others dream."""
    return getattr(config.behaviour, "arena", "dream")


def in_turn(config: Config, groups: tuple[Group, ...], *apart: Stage) -> Program:
    """Prefill, stages that learn apart, what is left of the pretraining, and the rest of the run: in turn, or live."""
    train, arena = config.train, arena_of(config)
    left = train.pretrain - sum(stage.until.updates or 0 for stage in apart)
    return (
        Stage(name="prefill", actor="random", until=Until(frames=train.prefill), measure=True),
        *apart,
        Stage(name="pretrain", groups=groups, behave=True, arena=arena, until=Until(updates=left)),
        Stage(
            name="learn",
            actor="behaviour",
            collect=train.train_every,
            live=train.live,
            groups=groups,
            behave=True,
            arena=arena,
            until=Until(frames=train.steps),
        ),
    )
