"""Playing whole episodes, side by side, and what they returned."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from gymnasium.vector import VectorEnv

from reverie.agents.agent import Agent
from reverie.data.collect import Act, RandomAct, check_finite
from reverie.envs.codec import ActionCodec
from reverie.envs.make import EnvConfig, make_vector
from reverie.envs.seeds import EVALUATION, HELD_OUT, episode_seed
from reverie.errors import UserError

LONGEST = 1_000_000
"""Steps after which an episode is taken to have no end."""


@dataclass(frozen=True)
class Episode:
    """A whole episode of T + 1 records, indexed by arrival; the first holds no action, no reward."""

    observation: Mapping[str, np.ndarray]
    """arrays "T+1 ...", or "1 ..." where only the first was kept."""
    action: np.ndarray
    """the environment's own, "T+1 ..."; index t led to t."""
    reward: np.ndarray
    """"T+1"."""
    terminal: bool
    """whether the environment itself ended it."""

    @property
    def total(self) -> float:
        """The sum of the rewards."""
        return float(self.reward.sum())


def metrics_of(episodes: Sequence[Episode]) -> dict[str, float | list[float]]:
    """What an evaluation logs of its episodes: their mean return, all of their returns, and their mean length in agent
    steps.
    """
    returns = [episode.total for episode in episodes]
    lengths = [len(episode.reward) - 1 for episode in episodes]
    return {"eval/return": float(np.mean(returns)), "eval/returns": returns, "eval/length": float(np.mean(lengths))}


def follow(agent: Agent, rows: int) -> Act:
    """The agent's own evaluation policy, for B fresh episodes; what a planner draws is the same each time."""
    carry = agent.initial(rows)
    generator = torch.Generator(agent.device).manual_seed(0)

    def act(observation: Mapping[str, np.ndarray], reward: np.ndarray, first: np.ndarray) -> np.ndarray:
        nonlocal carry
        action, carry = agent.act(observation, reward, first, carry, "evaluate", generator)
        return action

    return act


class _Recording:
    """The records of one row until its episode ends."""

    def __init__(self, observation: Mapping[str, np.ndarray], row: int, whole: bool) -> None:
        self.row, self.whole = row, whole
        self.observations = [{key: np.array(x[row]) for key, x in observation.items()}]
        self.actions: list[np.ndarray] = []
        self.rewards = [0.0]
        self.terminal = False
        self.ended = False

    def add(
        self, observation: Mapping[str, np.ndarray], action: np.ndarray, reward: np.ndarray, ends: Sequence[np.ndarray]
    ) -> None:
        if self.ended:
            return
        seen = {key: np.array(x[self.row]) for key, x in observation.items()}
        check_finite(seen, reward[self.row : self.row + 1], f"{len(self.actions) + 1} steps of an evaluation")
        if self.whole:
            self.observations.append(seen)
        self.actions.append(np.array(action[self.row]))
        self.rewards.append(float(reward[self.row]))
        self.terminal = bool(ends[0][self.row])
        self.ended = any(bool(end[self.row]) for end in ends)

    def episode(self) -> Episode:
        keys = self.observations[0]
        actions = [np.zeros_like(self.actions[0]), *self.actions]
        return Episode(
            {key: np.stack([o[key] for o in self.observations]) for key in keys},
            np.stack(actions),
            np.array(self.rewards),
            self.terminal,
        )


def play(
    envs: VectorEnv,
    act: Act,
    seeds: Sequence[int],
    after: Callable[[], None] | None = None,
    kept: int | None = None,
) -> list[Episode]:
    """One episode in each environment, from its seed; rows whose episode is over are ignored.

    Args:
        envs: B environments.
        act: observations and first to the environments' own actions.
        seeds: B.
        after: called after each step of all, for pictures.
        kept: rows whose observations are kept, the first ones; of the others only where they begin. None: all.

    Raises:
        UserError: if an episode has no end within a million steps, or the environment returns a number that is not
            finite.
    """
    observation, _ = envs.reset(seed=list(seeds))  # pyright: ignore[reportArgumentType]  # one for each
    first, reward = np.ones(envs.num_envs, np.float32), np.zeros(envs.num_envs, np.float32)
    rows = [_Recording(observation, row, kept is None or row < kept) for row in range(envs.num_envs)]
    for _ in range(LONGEST):
        if after is not None:
            after()
        action = act(observation, reward, first)
        observation, reward, terminated, truncated, _ = envs.step(action)
        first = np.zeros(envs.num_envs, np.float32)
        for row in rows:
            row.add(observation, action, reward, (terminated, truncated))
        if all(row.ended for row in rows):
            return [row.episode() for row in rows]
    raise endless()


def endless() -> UserError:
    """What is said of an environment whose episodes have no end."""
    return UserError(
        f"an episode did not end within {LONGEST:,} steps; give the environment an end, such as --episode-limit 1000"
    )


def held_out_episodes(env: EnvConfig, codec: ActionCodec, seed: int, number: int) -> list[Episode]:
    """Whole episodes of random actions, the same for the same seed of a run, and unseen by it."""
    envs = make_vector([env.make] * number)
    seeds = [episode_seed(seed, HELD_OUT + row, 0) for row in range(number)]
    try:
        return play(envs, RandomAct(codec, np.random.default_rng(0)), seeds)
    finally:
        envs.close()


class Evaluator:
    """Evaluates an agent on the same episodes each time. Their seeds are the run's own, and never training's."""

    def __init__(self, envs: VectorEnv, seed: int, kept: int | None = None) -> None:
        """kept: as for `play`."""
        self._envs, self._seed, self._kept = envs, seed, kept

    def __call__(self, agent: Agent, part: int = 0) -> list[Episode]:
        """One episode of the policy's mode in each environment; each part has episodes of its own."""
        side = self._envs.num_envs
        seeds = [episode_seed(self._seed, EVALUATION + row, 0) for row in range(part * side, (part + 1) * side)]
        training = {module: module.training for module in agent.modules()}
        agent.eval()
        try:
            return play(self._envs, follow(agent, side), seeds, kept=self._kept)
        finally:
            for module, mode in training.items():
                module.training = mode

    def close(self) -> None:
        """Close the environments."""
        self._envs.close()
