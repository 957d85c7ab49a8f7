"""Layers and cells by torch.compile, which fuses the small steps that they consist of.

A module names in HOT those of its methods that are called once for each step of a chunk or of a dream, and that are
functions of tensors alone. Whole walks are not compiled: they would be unrolled, and take minutes. The dreams in which
a planner tries candidates are the exception.
"""

import torch

from reverie.agents.agent import Agent

SHAPES = 64
"""Forms of input for which one method may be compiled: rows of a batch, of dreams, with a graph and without."""


def compile_hot(agent: Agent, backend: str = "inductor") -> None:
    """Have an agent's hot methods compiled as each is first called; it takes a minute, and pays on a GPU."""
    torch._dynamo.config.cache_size_limit = SHAPES
    for module in (*agent.modules(), agent.world.dynamics.latent, agent.planner):
        for name in getattr(module, "HOT", ()):
            setattr(module, name, torch.compile(getattr(module, name), dynamic=False, backend=backend))
