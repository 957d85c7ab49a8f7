"""`reverie fit`: learning from what is recorded alone."""

from argparse import ArgumentError, ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from reverie.agents.config import Config, TrainConfig
from reverie.agents.offline import Offline
from reverie.cli.arguments import Form, parse
from reverie.cli.reading import Unused
from reverie.cli.train import begin
from reverie.envs.make import EnvConfig, Vector
from reverie.errors import UserError
from reverie.train.sources import open_source


@dataclass(frozen=True, kw_only=True)
class FitTrain(TrainConfig):
    """How a run learns that collects nothing; what counts frames keeps the preset's value."""

    steps: Unused[int] = TrainConfig.steps
    prefill: Unused[int] = TrainConfig.prefill
    hold: Unused[tuple[int, ...]] = TrainConfig.hold
    train_every: Unused[int] = TrainConfig.train_every
    live: Unused[bool] = TrainConfig.live
    share_every: Unused[int] = TrainConfig.share_every
    balance: Unused[float] = TrainConfig.balance
    eval_every: Unused[int] = TrainConfig.eval_every


@dataclass(frozen=True, kw_only=True)
class FitEnv(EnvConfig):
    """The environment that evaluations are played in."""

    episodic_lives: Unused[bool] = EnvConfig.episodic_lives
    num_envs: Unused[int] = EnvConfig.num_envs
    vector: Unused[Vector] = EnvConfig.vector
    rate: Unused[float] = EnvConfig.rate


def fit(arguments: Sequence[str]) -> None:
    """Train a preset on recorded episodes; write everything into the run's folder."""
    env, problem = _recorded_in(_data(arguments))

    def defaults(config: Config) -> Config:
        return replace(config, env=FitEnv(**asdict(env or config.env)), train=FitTrain(**asdict(config.train)))

    form = Form("fit", "Fit", "--data runs/RUN --env gym:Pendulum-v1", defaults, Offline())
    try:
        request = parse(arguments, form)
    except UserError as error:
        # Without the data its environment is not known either: that is what should be told.
        raise problem or error from None
    if problem is not None:
        raise problem
    begin(request)


def _data(arguments: Sequence[str]) -> list[str]:
    """What `--data` names, before all else is read."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--data", nargs="*", default=[])
    try:
        return parser.parse_known_args(list(arguments))[0].data
    except ArgumentError as error:
        raise UserError(f"{error.argument_name} needs a value, as in: --data runs/RUN") from error


def _recorded_in(names: Sequence[str]) -> tuple[EnvConfig | None, UserError | None]:
    """The environment of the first source that knows its own, and what is wrong with one of them, if anything is.

    What is wrong is told once the other options are read: --help needs no data.
    """
    try:
        known = [source.env for source in map(open_source, names) if source.env is not None]
    except UserError as error:
        return None, error
    return (known[0] if known else None), None
