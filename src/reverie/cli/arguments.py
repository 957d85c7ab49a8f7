"""From the command line to a resolved configuration, in two passes.

First the preset, its scale and the choice of parts are read; they make a concrete dataclass, whose fields are the rest
of the options. tyro then parses everything with it. There are no unions, which tyro would turn into subcommands.
"""

import dataclasses
from argparse import ArgumentError, ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

import tyro

from reverie.agents.config import Config, TrainConfig
from reverie.agents.offline import Offline
from reverie.agents.parts import PARTS
from reverie.agents.preset import Preset
from reverie.agents.presets import PRESETS, preset_named
from reverie.agents.resolve import Resolved
from reverie.cli.reading import read
from reverie.envs.make import EnvConfig
from reverie.errors import UserError

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """What a command that makes a run was asked for."""

    resolved: Resolved
    run: str
    dry_run: bool
    pictures: bool
    time_limit: float | None


SHORT = {"--arena": "--behaviour.arena"}
"""Options that have a shorter name as well."""

NOWHERE = "REQUIRED"
"""What the help shows as the default environment: there is none."""

HELP = {
    "backbone": "the causal map from past latents and actions to h",
    "latent": "the family of the latent z",
    "posterior": "filter: q(z|h,e), walks; encode: q(z|e), all at once",
    "objective": "what the world learns from",
    "behaviour": "how the agent learns to act",
    "planner": "what looks for better actions in dreams before each step",
}


@dataclass(frozen=True)
class Form:
    """What tells apart the commands that make a run.

    Attributes:
        command: its name.
        verb: how its help begins.
        example: what follows a preset in an example.
        defaults: changes a preset's configuration; its parts may have subclasses that leave options out.
        offline: of a command that learns from what is recorded: the defaults of its options.
    """

    command: str
    verb: str
    example: str
    defaults: Callable[[Config], Config] = lambda config: config
    offline: Offline | None = None


TRAIN = Form("train", "Train", "--env gym:Pendulum-v1")


def parse(arguments: Sequence[str], form: Form = TRAIN) -> Request:
    """Read the options of a command that makes a run.

    Raises:
        UserError: for an unknown preset, scale, part or option, or a value that makes no sense.
        SystemExit: for --help.
    """
    arguments = [_in_full(word) for word in arguments]
    first = _first_pass(arguments)
    name = _name(first.preset, arguments, form)
    preset = preset_named(name)
    parts = preset.parts.exchange(**{kind: getattr(first, kind) for kind in PARTS})
    scale = first.scale or preset.usual
    defaults = form.defaults(preset.config(EnvConfig(env=NOWHERE), scale, parts))
    choices = {"preset": name, "scale": scale} | {kind: getattr(parts, kind) for kind in PARTS}
    kind = _command(preset, defaults, choices, form)
    chosen = read(kind, arguments, f"reverie {form.command}", name, description=_describe(preset, form))
    values = {field.name: getattr(chosen, field.name) for field in dataclasses.fields(Config)}
    values |= {"env": _plain(values["env"], EnvConfig), "train": _plain(values["train"], TrainConfig)}
    if values["env"].env == NOWHERE:
        raise UserError(f"name an environment, as in: reverie {form.command} {name} {form.example}")
    offline = getattr(chosen, "offline", None)
    resolved = Resolved(preset=name, scale=scale, parts=parts, config=Config(**values), offline=offline)
    return Request(resolved, chosen.run, chosen.dry_run, chosen.pictures, chosen.time_limit)


def _plain(config: T, kind: type[T]) -> T:
    """The configuration that a subclass, which leaves some options out, stands for."""
    return kind(**{field.name: getattr(config, field.name) for field in dataclasses.fields(kind)})  # type: ignore[arg-type]


def _in_full(word: str) -> str:
    option, equals, value = word.partition("=")
    return SHORT.get(option, option) + equals + value


def _first_pass(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("preset", nargs="?")
    for name in ("scale", *PARTS):
        parser.add_argument(f"--{name}")
    try:
        return parser.parse_known_args(list(arguments))[0]
    except ArgumentError as error:
        raise UserError(f"{error.argument_name} needs a value, as in: {error.argument_name} NAME") from error


def _name(name: str | None, arguments: Sequence[str], form: Form) -> str:
    """The preset's."""
    # After an option, only tyro knows which word is its value and which one the preset.
    if name is None or arguments[0].startswith("-"):
        if {"-h", "--help"} & set(arguments):
            return "dreamer"
        raise UserError(
            f"name a preset first, as in: reverie {form.command} dreamer {form.example} ({', '.join(PRESETS)})"
        )
    return name


def _describe(preset: Preset, form: Form) -> str:
    return (
        f"{form.verb} {preset.name}: {preset.summary} ({preset.paper}). The options below are those of the preset, "
        "scale and parts named on the command line; others have others."
    )


def _command(preset: Preset, defaults: Config, choices: dict[str, str], form: Form) -> type:
    """A dataclass with every option: the choices of the first pass, and each part's own configuration."""
    presets = Literal[_with(choices["preset"], PRESETS)]  # type: ignore[valid-type]
    scales = Literal[tuple(preset.scales)]  # type: ignore[valid-type]
    flat, prefixed = tyro.conf.arg(name="", prefix_name=False), tyro.conf.arg
    options: list[tuple[str, Any, Any]] = [
        (
            "preset",
            Annotated[
                tyro.conf.Positional[presets], prefixed(help="which agent; or one of your own, py:module:PRESET")
            ],
            choices["preset"],
        ),
        ("scale", Annotated[scales, prefixed(help="which set of values")], choices["scale"]),
        ("run", Annotated[str, prefixed(help="the run's folder; runs/PRESET-TASK-sSEED if empty")], ""),
        ("dry_run", Annotated[bool, prefixed(help="build everything, say what would happen, and stop")], False),
        ("pictures", Annotated[bool, prefixed(help="draw the run's pictures at its end")], True),
        (
            "time_limit",
            Annotated[float | None, prefixed(help="minutes after which to stop, with a checkpoint and exit status 75")],
            None,
        ),
    ]
    if form.offline is not None:
        options.append(("offline", Annotated[Offline, flat], form.offline))
    for kind, known in PARTS.items():
        names = Literal[_with(choices[kind], known)]  # type: ignore[valid-type]
        told = f"{HELP[kind]}; or one of your own, py:module:Class"
        options.append((f"choice_{kind}", Annotated[names, prefixed(name=kind, help=told)], choices[kind]))
    for field in dataclasses.fields(Config):
        value = getattr(defaults, field.name)
        mark = flat if field.name in ("env", "train") else prefixed(name=field.name.rstrip("_"))
        options.append((field.name, Annotated[type(value), mark], value))
    made = [(name, kind, dataclasses.field(default=value)) for name, kind, value in options]
    return dataclasses.make_dataclass(form.command.capitalize(), made, frozen=True)


def _with(choice: str, known: Iterable[str]) -> tuple[str, ...]:
    """Known names, and the one that was chosen, which may be the user's own."""
    return tuple(dict.fromkeys([*known, choice]))
