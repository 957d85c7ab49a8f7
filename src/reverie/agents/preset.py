"""A preset: a published agent as one choice of each part, with its values at each scale."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from reverie.agents.config import Config
from reverie.agents.parts import PARTS, Parts
from reverie.agents.program import Group, Program, Stage, Until
from reverie.envs.make import EnvConfig
from reverie.errors import UserError, unknown


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
    return _in_turn(config, (world, *_wished(config)))


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
    return _in_turn(config, (agent,))


def two_models(config: Config) -> Program:
    """TWM's program: an observation model and a dynamics model, each with an optimiser of its own.

    What is seen shapes encoder, posterior and decoder; what is predicted shapes the rest of the world. Of the
    pretraining, six tenths are the observation model's alone, and three the dynamics' alone (TWM's code). No loss of
    the behaviour shapes the world, `behaviour.replay` included.
    """
    predicted = ("dynamics", "reward", "continue")
    optimiser = config.objective.optimiser
    observation = Group(
        name="observation",
        modules=("world.encoder", "world.dynamics.posterior", "world.decoder"),
        without=(*predicted, "behaviour/*"),
        optimiser=optimiser,
    )
    dynamics = Group(
        name="dynamics",
        modules=(
            *(f"world.dynamics.{x}" for x in ("entry", "backbone", "prior_net")),
            "world.reward",
            "world.continue_",
        ),
        losses=predicted,
        optimiser=optimiser,
    )
    seeing, predicting = config.train.pretrain * 6 // 10, config.train.pretrain * 3 // 10
    return _in_turn(
        config,
        (observation, dynamics, *_wished(config)),
        Stage(name="see", groups=(observation,), until=Until(updates=seeing)),
        Stage(name="predict", groups=(dynamics,), until=Until(updates=predicting)),
    )


def stages(config: Config) -> Program:
    """World Models' program: collect, fit V, encode once, fit M, and let C learn; in rounds, where that is wanted.

    The first round collects at random, the others with the controller, and all go on with what they have learned
    (World Models, section 5.4: iterative training). An evolution tries out whole episodes, from where they begin; other
    behaviours learn from chunks.
    """
    objective = config.objective
    encoder = ("world.encoder", "world.dynamics.posterior", "world.decoder")
    rest = tuple(f"world.dynamics.{x}" for x in ("entry", "backbone", "prior_net"))
    vision = Group(name="vision", modules=encoder, optimiser=objective.vision.optimiser)
    memory = Group(
        name="memory", modules=(*rest, "world.reward", "world.continue_"), optimiser=objective.memory.optimiser
    )
    rows = getattr(config.behaviour, "rollouts", None)

    def each(number: int) -> Program:
        frames = config.train.steps * (number + 1) // objective.rounds
        return (
            Stage(
                name="collect",
                actor="behaviour" if number else "random",
                until=Until(frames=frames),
                measure=not number,
            ),
            Stage(
                name="vision",
                objective="objective.vision",
                draw="records",
                rows=objective.vision.rows,
                groups=(vision,),
                evaluate=0,
                until=Until(updates=objective.vision.updates),
            ),
            Stage(
                name="memory",
                objective="objective.memory",
                encode=True,
                groups=(memory,),
                evaluate=0,
                until=Until(updates=objective.memory.updates),
            ),
            Stage(
                name="control",
                draw="beginnings" if rows else "chunks",
                rows=rows,
                groups=_wished(config),
                behave=True,
                arena=_arena(config),
                evaluate=objective.control.evaluate_every,
                log=1,
                until=Until(updates=objective.control.updates),
            ),
        )

    return tuple(stage for number in range(objective.rounds) for stage in each(number))


def _wished(config: Config) -> tuple[Group, ...]:
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


def _arena(config: Config) -> Literal["dream", "real"]:
    """Where a behaviour that tries a population out does so; others dream."""
    return getattr(config.behaviour, "arena", "dream")


def _in_turn(config: Config, groups: tuple[Group, ...], *apart: Stage) -> Program:
    """Prefill, stages that learn apart, what is left of the pretraining, and the rest of the run."""
    train, arena = config.train, _arena(config)
    left = train.pretrain - sum(stage.until.updates or 0 for stage in apart)
    return (
        Stage(name="prefill", actor="random", until=Until(frames=train.prefill), measure=True),
        *apart,
        Stage(name="pretrain", groups=groups, behave=True, arena=arena, until=Until(updates=left)),
        Stage(
            name="learn",
            actor="behaviour",
            collect=train.train_every,
            groups=groups,
            behave=True,
            arena=arena,
            until=Until(frames=train.steps),
        ),
    )


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A published agent.

    A scale names fields of Config, such as {"encoder": EncoderConfig(...)}; a field whose part can be exchanged holds a
    tuple, one configuration for each implementation it has values for. What a scale is silent about has its default.
    """

    name: str
    summary: str
    paper: str
    parts: Parts
    scales: Mapping[str, Mapping[str, Any]]
    program: Callable[[Config], Program]

    def fit(self, parts: Parts) -> None:
        """See that its program can be executed with other parts.

        Raises:
            UserError: for an objective that learns in stages of its own where the preset's own does not, or the other
                way round, or that has no decoder where the program has one learn.
        """
        if self.program is two_models and not parts.chosen("objective").reconstructs:
            raise UserError(
                f"--objective {parts.objective} decodes nothing, and {self.name} has its decoder learn by itself: "
                "choose --objective two-models or --objective filtering"
            )
        if parts.chosen("objective").staged == self.parts.chosen("objective").staged:
            return
        fitting = [name for name, kind in PARTS["objective"].items() if kind.staged != parts.chosen("objective").staged]
        how = "in stages of its own" if parts.chosen("objective").staged else "all at once"
        cure = " or ".join(f"--objective {name}" for name in fitting)
        raise UserError(f"--objective {parts.objective} learns {how}, unlike {self.name}: choose {cure}")

    def config(self, env: EnvConfig, scale: str = "laptop", parts: Parts | None = None) -> Config:
        """The configuration at a scale, with parts exchanged or not.

        Raises:
            UserError: for an unknown scale.
        """
        if scale not in self.scales:
            raise unknown(f"scale of {self.name}", scale, self.scales)
        values = self.scales[scale]
        chosen: dict[str, Any] = {}
        for field in fields(Config):
            if field.name in PARTS:
                kind = (parts or self.parts).chosen(field.name).Config
                known = [value for value in values.get(field.name, ()) if isinstance(value, kind)]
                chosen[field.name] = known[0] if known else kind()
            elif field.name in values:
                chosen[field.name] = values[field.name]
        return Config(env=env, **chosen)
