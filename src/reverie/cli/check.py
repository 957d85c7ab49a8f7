"""`reverie check-env`."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import gymnasium
import tyro
from gymnasium import Space, spaces
from gymnasium.wrappers import TimeLimit

from reverie.agents.agent import Agent
from reverie.agents.build import build, shapes_of
from reverie.agents.config import Config
from reverie.agents.presets import preset_named
from reverie.cli.reading import Unused, check_seed, read
from reverie.envs.check import (
    bad_actions,
    bad_observation_space,
    not_repeatable,
    odd_spaces,
    probe_findings,
    rewards_of,
    uneven_images,
)
from reverie.envs.make import EnvConfig, Vector
from reverie.envs.observation import is_image
from reverie.envs.probe import Probe, probe, repeats, speed
from reverie.envs.suites import open_env
from reverie.errors import Finding, UserError, violations


@dataclass(frozen=True, kw_only=True)
class CheckedEnv(EnvConfig):
    """One environment."""

    num_envs: Unused[int] = EnvConfig.num_envs
    vector: Unused[Vector] = EnvConfig.vector


@dataclass(frozen=True, kw_only=True)
class CheckEnv:
    """Try an environment as training would open it: reverie check-env ENV [OPTIONS]."""

    env: Annotated[CheckedEnv, tyro.conf.arg(name="", prefix_name=False)]
    preset: str = "dreamer"
    """whose networks shall learn it: one of `reverie list`, or your own, py:module:PRESET"""
    scale: str = ""
    """its set of values; empty: laptop, or the preset's first"""
    episodes: int = 4
    """episodes of random actions, at most"""
    steps: int = 3000
    """steps of the environment in all of them, at most"""
    seed: int = 0
    """seed of the first episode and of the actions"""


@dataclass
class Report:
    """What is printed: lines of (title, text), then findings."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def say(self, title: str, text: object) -> None:
        """Add a line."""
        # Spaces print their bounds over several lines.
        self.lines.append((title, " ".join(str(text).split())))

    def print(self) -> None:
        """All of it."""
        for title, text in self.lines:
            print(f"{title:<18}{text}")
        for finding in self.findings:
            print(finding)


def check_env(arguments: Sequence[str]) -> None:
    """Print what was found.

    Raises:
        UserError: if the environment does not open, or training would refuse it or be spoiled by it.
    """
    named = arguments and not arguments[0].startswith("-")
    chosen = read(CheckEnv, ["--env", *arguments] if named else arguments, "reverie check-env")
    for name in ("episodes", "steps"):
        if getattr(chosen, name) < 1:
            raise UserError(f"--{name} must be at least 1, not {getattr(chosen, name)}")
    check_seed(chosen.seed, 2**32)  # Gymnasium's spaces take no others
    preset = preset_named(chosen.preset)
    report, config = Report(), preset.config(chosen.env, chosen.scale or preset.usual)
    _its_own(report, chosen)
    # Spaces that were refused above are not worth a second refusal.
    if not any(finding.name.startswith(("infinite-", "unsupported-")) for finding in report.findings):
        _as_trained(report, chosen, config)
    report.print()
    bad = violations(report.findings)
    if bad:
        names = ", ".join(dict.fromkeys(finding.name for finding in bad))
        raise UserError(f"{chosen.env.env} is not fit for training: {names}")
    print("fit for training")


@contextlib.contextmanager
def _opened(config: EnvConfig) -> Iterator[gymnasium.Env]:
    """The environment itself, with the time limit that was asked for and nothing else of ours."""
    env = open_env(config.env, max(config.size, config.height) if config.pixels else None)
    try:
        yield TimeLimit(env, config.episode_limit * config.action_repeat) if config.episode_limit else env
    finally:
        env.close()


def _its_own(report: Report, chosen: CheckEnv) -> None:
    """The environment as it is, before anything is wrapped around it."""
    config = chosen.env
    report.say("environment", config.env)
    with _opened(config) as env:
        report.say("observation", env.observation_space)
        report.say("action", env.action_space)
        report.findings += bad_actions(env.action_space)
        report.findings += [] if config.pixels else bad_observation_space(env, config.env)
        report.findings += odd_spaces(env)
        probed = probe(env, episodes=chosen.episodes, steps=chosen.steps, seed=chosen.seed)
        same = repeats(env, probed, seed=chosen.seed)
    with _opened(config) as env:
        fresh = repeats(env, probed, seed=chosen.seed)
    report.findings += probe_findings(probed) + not_repeatable(same, fresh)
    _say_probe(report, probed)


def _say_probe(report: Report, probed: Probe) -> None:
    lasts = [episode[-1] for episode in probed.ended]
    lengths = [len(episode) - 1 for episode in probed.ended] or [0]
    terminated, truncated = (sum(bool(getattr(last, end)) for last in lasts) for end in ("terminated", "truncated"))
    rewards = rewards_of(probed.moments)
    report.say("time limit", f"{probed.limit:,} steps" if probed.limit else "none known")
    report.say(
        "episodes",
        f"{len(lasts)} ended in {probed.steps:,} steps, after {min(lengths):,} to {max(lengths):,}: "
        f"{terminated} terminated, {truncated} truncated",
    )
    if rewards:
        report.say("reward", f"{min(rewards):.4g} to {max(rewards):.4g}, mean {sum(rewards) / len(rewards):.4g}")
    if probed.seconds:
        report.say("speed", f"{probed.steps / probed.seconds:,.0f} steps/s")


def _as_trained(report: Report, chosen: CheckEnv, config: Config) -> None:
    """The environment and the agent as training makes them."""
    try:
        env = config.env.make(training=True)
    except UserError as error:
        report.findings.append(Finding("violation", "refused", str(error)))
        return
    try:
        space = env.observation_space
        assert isinstance(space, spaces.Dict)
        for key, part in space.spaces.items():
            report.say(f"  '{key}'", _learned(part))
        uneven = uneven_images(shapes_of(space), config.encoder.cnn.stages)
        report.findings += uneven
        if not uneven:
            agent = build(config, preset_named(chosen.preset).parts, space, env.action_space)
            _say_agent(report, agent, config)
        if not violations(report.findings):
            report.say("as trained", f"{speed(env):,.0f} agent steps/s, action repeat {config.env.action_repeat}")
    except UserError as error:
        report.findings.append(Finding("violation", "refused", str(error)))
    finally:
        env.close()


def _learned(space: Space) -> str:
    """The form of a part of the observation, and the networks that read and predict it."""
    networks = "CNN" if is_image(space) else "MLP"
    return f"{space.dtype} {space.shape}; encoder {networks}, decoder {networks}"


def _say_agent(report: Report, agent: Agent, config: Config) -> None:
    codec = agent.codec
    choices = " + ".join(map(str, codec.groups))
    kind = f"discrete, {choices} choices" if codec.groups else f"continuous, {codec.size} in [-1, 1]"
    report.say("  action", f"{kind} ({type(codec).__name__})")
    report.say("  heads", f"reward {config.reward.output}, continuation Bernoulli")
    actor = getattr(agent.behaviour, "actor", None)
    policy = type(getattr(actor, "policy", actor or agent.behaviour)).__name__
    report.say("  actor", f"{'discrete' if codec.groups else 'continuous'} ({policy})")
    report.say("  parameters", f"{sum(p.numel() for p in agent.parameters()):,}")
