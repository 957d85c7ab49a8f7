"""A run's own environments."""

import multiprocessing
import signal

import gymnasium

from reverie.envs.make import EnvConfig
from reverie.envs.pace import Paced
from reverie.envs.seeds import EpisodeSeeds


def seeded(config: EnvConfig, seed: int, number: int, *, training: bool = True) -> gymnasium.Env:
    """One of a run's environments, each of its episodes with a seed of its own; as training sees it, or evaluations."""
    if multiprocessing.parent_process() is not None:
        # In a process of its own: Ctrl-C reaches the whole group, but it is the run that decides when to end.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    env = EpisodeSeeds(config.make(training=training), seed, number)
    # Outside, so that an episode which is taken up again is stepped through at once.
    return Paced(env, config.rate) if training and config.rate else env
