"""Seeds of episodes."""

from typing import Any

import gymnasium
import numpy as np


def episode_seed(seed: int, environment: int, episode: int) -> int:
    """A seed for one episode, from the run's seed, the environment's number and the episode's."""
    return int(np.random.SeedSequence([seed, environment, episode]).generate_state(1)[0] >> 1)


class EpisodeSeeds(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Each reset is seeded by its number, so that an episode can be repeated whatever came before it.

    Gymnasium's automatic resets pass no seed, and it has no wrapper that does.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], seed: int, environment: int) -> None:
        super().__init__(env)
        self._seed = seed
        self._environment = environment
        self.episode = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin the next episode with its own seed; a seed given counts instead."""
        own = episode_seed(self._seed, self._environment, self.episode)
        self.episode += 1
        return self.env.reset(seed=own if seed is None else seed, options=options)
