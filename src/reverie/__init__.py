"""Reinforcement learning inside learned world models.

The names below are all that most scripts need; they are imported when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from reverie.version import __version__

if TYPE_CHECKING:
    from reverie.agents.agent import Agent
    from reverie.agents.resolve import resolve
    from reverie.envs.make import make
    from reverie.play.dream_env import DreamEnv, DreamVectorEnv
    from reverie.report.log import read_metrics
    from reverie.report.open_loop import open_loop
    from reverie.train.folder import load
    from reverie.train.run import resume, run
    from reverie.world.imagine import imagine, unroll

_HOMES = {
    "Agent": "agents.agent",
    "DreamEnv": "play.dream_env",
    "DreamVectorEnv": "play.dream_env",
    "imagine": "world.imagine",
    "load": "train.folder",
    "make": "envs.make",
    "open_loop": "report.open_loop",
    "read_metrics": "report.log",
    "resolve": "agents.resolve",
    "resume": "train.run",
    "run": "train.run",
    "unroll": "world.imagine",
}

__all__ = [
    "Agent",
    "DreamEnv",
    "DreamVectorEnv",
    "__version__",
    "imagine",
    "load",
    "make",
    "open_loop",
    "read_metrics",
    "resolve",
    "resume",
    "run",
    "unroll",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its home, so that `import reverie` need not wait for torch."""
    if name not in _HOMES:
        raise AttributeError(f"module 'reverie' has no attribute '{name}'")
    return getattr(import_module(f"reverie.{_HOMES[name]}"), name)
