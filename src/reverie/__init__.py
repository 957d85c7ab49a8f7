"""Reinforcement learning inside learned world models."""

from reverie.version import __version__

__all__ = ["__version__"]
