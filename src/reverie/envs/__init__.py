"""Environments: one `make("suite:task")`, its configuration, and the codec between actions and what a model sees.

Nothing heavy is imported before an environment is made: a suite that is not used need not be installed.
"""

from reverie.envs.codec import ActionCodec, BoxCodec, MultiBinaryCodec, MultiDiscreteCodec, OneHotCodec, codec
from reverie.envs.make import EnvConfig, make, make_vector
from reverie.envs.rendering import frame

__all__ = [
    "ActionCodec",
    "BoxCodec",
    "EnvConfig",
    "MultiBinaryCodec",
    "MultiDiscreteCodec",
    "OneHotCodec",
    "codec",
    "frame",
    "make",
    "make_vector",
]
