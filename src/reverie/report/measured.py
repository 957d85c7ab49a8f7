"""What is measured of a trained agent for its report, beside what its log says."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from reverie.agents.agent import Agent
from reverie.agents.resolve import Resolved
from reverie.envs.make import make_vector
from reverie.envs.probe import speed
from reverie.report.calibration import Told, foretold
from reverie.report.evaluate import Episode, Evaluator, held_out_episodes
from reverie.report.open_loop import OpenLoop, dreamed_returns, expected, open_loop
from reverie.types import Actions

CONTEXT = 5
"""Steps that a world sees before it dreams."""
STEPS = 50
"""Dreamed steps, at most."""

Errors = Mapping[str, Mapping[str, np.ndarray]]
"""Of each observation, and of the reward: the error of dream, expected, repeat and mean at each dreamed step."""


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes:
        random: held-out episodes of random actions.
        played: episodes of the agent's own policy.
        errors: of dreams along the random episodes; empty where these are too short to dream in.
        promised: what its own episodes return in dreams whose latents are drawn.
        reward, going: what was foretold in both kinds of episodes.
        actions: their form.
        step_seconds: of one step of one environment on this machine; its pictures, if it makes any, included.
    """

    random: list[Episode]
    played: list[Episode]
    reward: Told
    going: Told
    actions: Actions
    step_seconds: float
    errors: Errors = field(default_factory=dict)
    promised: np.ndarray = field(default_factory=lambda: np.zeros(0))


def measure(agent: Agent, resolved: Resolved, episodes: int) -> Measured:
    """Play and dream, so many episodes of each kind; the episodes' seeds are never those of training."""
    config = resolved.config
    random = held_out_episodes(config.env, agent.codec, config.train.seed, episodes)
    env = config.env.make()
    try:
        step_seconds = 1 / speed(env)
    finally:
        env.close()
    evaluator = Evaluator(make_vector([config.env.make] * episodes), config.train.seed)
    try:
        played = evaluator(agent)
    finally:
        evaluator.close()
    reward, going = foretold(agent, [*random, *played])
    actions = Actions(agent.codec.size, agent.codec.groups)
    promised = dreamed_returns(agent, played, drawn=True)
    return Measured(random, played, reward, going, actions, step_seconds, _errors(agent, random), promised)


def _errors(agent: Agent, episodes: list[Episode]) -> Errors:
    context, length = CONTEXT, min(len(episode.reward) for episode in episodes)
    if length <= context or agent.world.decoder is None:
        return {}
    seen = (agent, episodes, context, min(STEPS, length - context))
    loop, drawn = open_loop(*seen), expected(*seen)
    errors = {}
    for key, truth in loop.truth.items():
        mean = _mean(episodes, key, truth.ndim == 5)
        errors[key] = loop.error(key, mean) | {"expected": drawn.error(key, mean)["dream"]}
    return errors | {"reward": _reward_errors(loop, drawn)}


def _mean(episodes: list[Episode], key: str, image: bool) -> np.ndarray:
    """The mean observation; images in [0, 1]."""
    return np.concatenate([episode.observation[key] for episode in episodes]).mean(0) / (255.0 if image else 1.0)


def _reward_errors(loop: OpenLoop, drawn: OpenLoop) -> dict[str, np.ndarray]:
    truth = loop.reward[:, loop.context :]
    guesses = {
        "dream": loop.dreamed_reward[:, loop.context :],
        "expected": drawn.dreamed_reward[:, loop.context :],
        "repeat": loop.reward[:, loop.context - 1 : loop.context],
        "mean": loop.reward.mean(),
    }
    return {name: np.sqrt(np.square(guess - truth).mean(0)) for name, guess in guesses.items()}
