"""Seeds of episodes."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import gymnasium
import numpy as np


def episode_seed(seed: int, environment: int, episode: int) -> int:
    """A seed for one episode, from the run's seed, the environment's number and the episode's."""
    return int(np.random.SeedSequence([seed, environment, episode]).generate_state(1)[0] >> 1)


class Past(NamedTuple):
    """What is known of an episode in which a run stopped: its number, its actions, and what was seen, one more."""

    episode: int
    action: np.ndarray
    observation: Mapping[str, np.ndarray]
    ended: bool
    """whether it was over, so that the next step begins another."""


class EpisodeSeeds(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Each reset is seeded by its number, so that an episode can be repeated whatever came before it.

    Gymnasium's automatic resets pass no seed, and it has no wrapper that does.

    Attributes:
        episode: the number of the next episode.
        past: set before a reset, it makes this reset take up an episode instead of beginning one: the environment is
            stepped through the known actions. The reset's info then says under "rebuilt" whether the same was seen;
            where it was not, or the episode was over, the next step begins a new one, as an automatic reset would.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], seed: int, environment: int) -> None:
        super().__init__(env)
        self._seed = seed
        self._environment = environment
        self._over = False
        self.episode = 0
        self.past: Past | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin the next episode with its own seed; a seed given counts instead."""
        if self.past is not None:
            past, self.past = self.past, None
            return self._take_up(past)
        own = episode_seed(self._seed, self._environment, self.episode)
        self.episode += 1
        return self.env.reset(seed=own if seed is None else seed, options=options)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step, or begin the next episode where the one taken up was over."""
        if not self._over:
            return self.env.step(action)
        self._over = False
        observation, info = self.reset()
        return observation, 0.0, False, False, info

    def _take_up(self, past: Past) -> tuple[Any, dict[str, Any]]:
        self.episode = past.episode
        last = {key: x[-1] for key, x in past.observation.items()}
        if past.ended:
            self.episode, self._over = past.episode + 1, True
            return last, {"rebuilt": True}
        seen, _ = self.reset()
        same, over = _equal(seen, past.observation, 0), False
        for step, action in enumerate(past.action, start=1):
            if over or not same:
                break
            seen, _, terminated, truncated, _ = self.env.step(action)
            same, over = _equal(seen, past.observation, step), terminated or truncated
        self._over = over or not same
        return last, {"rebuilt": not self._over}


def _equal(seen: Mapping[str, np.ndarray], known: Mapping[str, np.ndarray], step: int) -> bool:
    return all(np.array_equal(seen[key], values[step]) for key, values in known.items())
