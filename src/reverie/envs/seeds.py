"""Seeds of episodes."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import gymnasium
import numpy as np

GOES_ON = "game_goes_on"
"""In the info of a step that ends an episode, true: a reset without a seed goes on with the same game."""

EVALUATION, HELD_OUT, PROBED, ARENA, PLAYED = (1_000_000 * number for number in range(1, 6))
"""Numbers of the first environments for what is no training, so that none shares a seed with it or with each other:
evaluations, episodes that nobody has learned from, those that a probe learns from, those that evolution plays, those
that are played by hand beside a dream."""


def episode_seed(seed: int, environment: int, episode: int) -> int:
    """A seed for one episode, from the run's seed, the environment's number and the episode's."""
    return int(np.random.SeedSequence([seed, environment, episode]).generate_state(1)[0] >> 1)


class Past(NamedTuple):
    """What is known of an episode in which a run stopped, and of those before it in the same game: T records."""

    episode: int
    """its number"""
    first: np.ndarray
    """"T", where an episode began"""
    action: np.ndarray
    """"T ...", what led to each"""
    observation: Mapping[str, np.ndarray]
    """"T ..."."""
    ended: bool
    """whether it was over, so that the next step begins another"""
    goes_on: bool
    """whether there is something to take up: it was not over, or the next one goes on with the same game"""


class EpisodeSeeds(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Each reset is seeded by its number, so that an episode can be repeated whatever came before it.

    Gymnasium's automatic resets pass no seed, and it has no wrapper that does. An episode that goes on with the game of
    the one before (a life of an Atari game) has a number, but no seed: it is repeated by repeating the game.

    Attributes:
        episode: the number of the next episode.
        past: set before a reset, it makes this reset take up an episode instead of beginning one: the environment is
            stepped through the known actions, from the game's beginning. The reset's info then says under "rebuilt"
            whether the same was seen; where it was not, or the episode was over, the next step begins a new one, as an
            automatic reset would.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], seed: int, environment: int) -> None:
        super().__init__(env)
        self._seed = seed
        self._environment = environment
        self._over = False
        self._goes_on = False
        self.episode = 0
        self.past: Past | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin the next episode with its own seed; a seed given counts instead."""
        if self.past is not None:
            past, self.past = self.past, None
            return self._take_up(past)
        if seed is None and not self._goes_on:
            seed = episode_seed(self._seed, self._environment, self.episode)
        self.episode += 1
        self._goes_on = False
        return self.env.reset(seed=seed, options=options)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step, or begin the next episode where the one taken up was over."""
        if self._over:
            self._over = False
            observation, info = self.reset()
            return observation, 0.0, False, False, info
        result = self.env.step(action)
        self._goes_on = bool(result[4].get(GOES_ON))
        return result

    def _take_up(self, past: Past) -> tuple[Any, dict[str, Any]]:
        self._over = self._goes_on = False
        self.episode = past.episode + 1 - int(past.first.sum())
        rebuilt = not past.goes_on or self._repeats(past)
        # Where it was not, the next episode has a seed of its own, and one that no earlier episode had.
        self._over, self._goes_on = past.ended or not rebuilt, self._goes_on and rebuilt
        self.episode = past.episode + 1
        return {key: x[-1] for key, x in past.observation.items()}, {"rebuilt": rebuilt}

    def _repeats(self, past: Past) -> bool:
        """Step through a game; whether the same was seen, and it goes on as it did."""
        for step, (first, action) in enumerate(zip(past.first, past.action, strict=True)):
            if bool(first) != (step == 0 or self._goes_on):
                return False
            if first:
                seen, _ = self.reset()
            else:
                seen, _, terminated, truncated, _ = self.step(action)
                if (terminated or truncated) != self._goes_on:
                    return False
            if not _equal(seen, past.observation, step):
                return False
        return self._goes_on == past.ended


def _equal(seen: Mapping[str, np.ndarray], known: Mapping[str, np.ndarray], step: int) -> bool:
    return all(np.array_equal(seen[key], values[step]) for key, values in known.items())
