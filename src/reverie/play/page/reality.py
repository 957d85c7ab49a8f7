"""The real environment beside a dream: one episode after the other, and how it looks."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces
from jaxtyping import UInt8

from reverie.data.collect import check_finite
from reverie.envs.make import EnvConfig
from reverie.envs.rendering import frame
from reverie.envs.seeds import PLAYED, episode_seed
from reverie.errors import UserError
from reverie.report.video import in_colour


class Seen(NamedTuple):
    """What a real step brought: arrays of each key, the reward, and whether the episode is over."""

    observation: Mapping[str, np.ndarray]
    reward: float
    over: bool


class Reality:
    """One real environment.

    Attributes:
        space: of the observation, a Dict.
        undrawn: why it cannot be drawn, or nothing.
    """

    def __init__(self, config: EnvConfig, seed: int) -> None:
        self._env = config.make()
        assert isinstance(self._env.observation_space, spaces.Dict), self._env.observation_space
        self.space = self._env.observation_space
        self._seed, self._episode, self._steps = seed, 0, 0
        self.undrawn = ""

    def reset(self) -> Seen:
        """Begin the next episode.

        Raises:
            UserError: if a number that is not finite is seen.
        """
        observation, _ = self._env.reset(seed=episode_seed(self._seed, PLAYED, self._episode))
        self._episode, self._steps = self._episode + 1, 0
        return self._checked(observation, 0.0, False)

    def step(self, action: Any) -> Seen:
        """One step along an action of its own.

        Raises:
            UserError: if a number that is not finite is seen.
        """
        observation, reward, terminated, truncated, _ = self._env.step(action)
        self._steps += 1
        return self._checked(observation, float(reward), bool(terminated or truncated))

    def picture(self, observation: Mapping[str, np.ndarray], keys: Sequence[str]) -> UInt8[np.ndarray, "H W 3"] | None:
        """The first of the images that are observed, or how the environment draws itself; None where it does not."""
        if keys:
            return in_colour(observation[keys[0]])
        if self.undrawn:
            return None
        try:
            return frame(self._env)
        except UserError as error:
            self.undrawn = str(error)
            return None

    def meanings(self) -> Sequence[str]:
        """The names of its actions, where it tells them as Atari games do."""
        tell = getattr(self._env.unwrapped, "get_action_meanings", None)
        return [] if tell is None else tell()

    def close(self) -> None:
        """Close the environment."""
        self._env.close()

    def _checked(self, observation: Mapping[str, np.ndarray], reward: float, over: bool) -> Seen:
        check_finite(observation, np.array([reward]), f"{self._steps} steps of a real episode")
        return Seen({key: np.array(x) for key, x in observation.items()}, reward, over)
