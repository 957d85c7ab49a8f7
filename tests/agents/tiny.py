"""Tiny agents on a tiny environment, shared by the tests of agents, training and the command line.

The environment is importable by name, as `py:tiny:walk`.
"""

from dataclasses import fields, is_dataclass, replace
from typing import Any, ClassVar

import gymnasium
import numpy as np
import torch
from gymnasium import spaces

from reverie.agents.agent import Agent
from reverie.agents.build import build
from reverie.agents.presets import PRESETS
from reverie.agents.resolve import Resolved
from reverie.envs.make import EnvConfig
from reverie.train.learner import Learner
from reverie.types import Batch

SIZES: dict[str, Any] = {
    "units": 8,  # networks and backbones
    "hidden": 4,
    "blocks": 2,
    "layers": 1,
    "depth": 2,  # images
    "size": 4,  # Gaussian latents
    "groups": 2,  # categorical ones
    "classes": 3,
    "heads": 2,
    "states": 4,
    "reach": 3,
    "horizon": 3,
    "starts": 5,
    "components": 2,
    "population": 4,
    "rollouts": 2,
    "rows": 4,
    "updates": 4,
    "evaluate_every": 2,
    "candidates": 6,  # planners
    "elites": 3,
    "iterations": 2,
    "proposals": 2,
}

TRAIN: dict[str, Any] = {
    "steps": 120,
    "prefill": 40,
    "pretrain": 2,
    "train_every": 8,
    "batch": 2,
    "length": 5,
    "replay_mib": 1.0,
    "eval_every": 40,
    "eval_episodes": 2,
    "log_every": 4,
    "device": "cpu",
    "threads": 1,
    "live": False,
}


class Walk(gymnasium.Env):
    """A point on a line, pushed by the action; it pays its distance from 0, and falls off beyond 2.

    Attributes:
        alive: all that were made, in order, each with `taken`, the steps that it took.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 20}
    alive: ClassVar[list["Walk"]] = []

    def __init__(self, length: int = 10, render_mode: str | None = None) -> None:
        self.observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float32)
        self.action_space = spaces.Box(-2, 2, (1,), np.float32)
        self.length, self.render_mode = length, render_mode
        self.now, self.place, self.taken = 0, 0.0, 0
        Walk.alive.append(self)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        super().reset(seed=seed)
        self.now, self.place = 0, float(self.np_random.uniform(-1, 1))
        return self.seen(), {}

    def step(self, action):
        self.now, self.taken = self.now + 1, self.taken + 1
        self.place += 0.1 * float(action[0])
        return self.seen(), -abs(self.place), abs(self.place) > 2, self.now >= self.length, {}

    def seen(self):
        return np.array([self.place, self.now / self.length], np.float32)

    def render(self):
        image = np.zeros((16, 16, 3), np.uint8)
        image[:, int(np.clip(8 + 4 * self.place, 0, 15))] = 255
        return image


def walk(render_mode: str | None = None) -> gymnasium.Env:
    """Episodes of 10 steps."""
    return Walk(render_mode=render_mode)


def poisoned() -> gymnasium.Env:
    """A walk whose observation turns to nan in the third episode."""
    env = Walk()
    seen = env.seen
    env.seen = lambda: seen() * (np.nan if env.taken > 25 else 1)  # type: ignore[method-assign]
    return env


def choosing() -> gymnasium.Env:
    """A walk to the left or to the right."""
    env = Walk()
    env.action_space = spaces.Discrete(2)
    return env


def shrink(config: Any) -> Any:
    """The same configuration, every size in it tiny."""
    if not is_dataclass(config):
        return config
    values = {field.name: getattr(config, field.name) for field in fields(config)}
    sized = {name: x for name, x in values.items() if name in SIZES and isinstance(x, int)}
    return replace(config, **{name: min(SIZES[name], x) if name in sized else shrink(x) for name, x in values.items()})


def tiny(preset: str = "dreamer", env: str = "py:tiny:walk", *, scale: str = "laptop", **changes: Any) -> Resolved:
    """A resolved run of tiny sizes. changes: of the environment, of the training, or other parts."""
    kinds = PRESETS[preset].parts
    parts = kinds.exchange(**{name: changes.pop(name) for name in list(changes) if hasattr(kinds, name)})
    of_env = {field.name for field in fields(EnvConfig)}
    where = EnvConfig(env=env, **{name: changes.pop(name) for name in list(changes) if name in of_env})
    config = PRESETS[preset].config(where, scale, parts)
    train = replace(config.train, **{**TRAIN, **changes})
    sized = {field.name: shrink(getattr(config, field.name)) for field in fields(config)}
    return Resolved(
        preset=preset, scale=scale, parts=parts, config=replace(config, **sized | {"env": where, "train": train})
    )


def built(resolved: Resolved) -> Agent:
    """The agent of a run, on its environment's spaces."""
    env = resolved.config.env.make()
    try:
        return build(resolved.config, resolved.parts, env.observation_space, env.action_space)
    finally:
        env.close()


def learner(resolved: Resolved, agent: Agent | None = None) -> Learner:
    """What learns, as a Trainer would make it."""
    agent = built(resolved) if agent is None else agent
    program = PRESETS[resolved.preset].program(resolved.config)
    return Learner(agent, program, torch.Generator().manual_seed(0), resolved.config.train.precision)


def random_batch(agent: Agent, rows: int = 2, length: int = 5, seed: int = 0) -> Batch:
    """Random numbers in the form of a batch from replay, with an episode's boundary in each row."""
    draw = torch.Generator().manual_seed(seed)
    first, terminal = torch.zeros(rows, length), torch.zeros(rows, length)
    first[:, length // 2] = 1
    terminal[:, length // 2 - 1] = 1
    observation = {"state": torch.randn(rows, length, 2, generator=draw)}
    action = torch.rand(rows, length, agent.codec.size, generator=draw) * 2 - 1
    return Batch(observation, action, torch.randn(rows, length, generator=draw), first, terminal)


def weights(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """A copy of all weights and buffers."""
    return {name: x.detach().clone() for name, x in module.state_dict().items()}


def changed(before: dict[str, torch.Tensor], module: torch.nn.Module) -> set[str]:
    """The names of the weights and buffers that are no longer what they were."""
    return {name for name, x in module.state_dict().items() if not torch.equal(before[name], x)}


class Senses(Walk):
    """A walk seen through two eyes, one not square and one without colour, and two vectors."""

    def __init__(self, sides: tuple[int, int] = (16, 32)) -> None:
        super().__init__()
        self.observation_space = spaces.Dict(
            {
                "left eye": spaces.Box(0, 255, (*sides, 3), np.uint8),
                "right.eye": spaces.Box(0, 255, (32, 16), np.uint8),
                "place": spaces.Box(-np.inf, np.inf, (1,), np.float32),
                "clock": spaces.Box(0, 1, (1, 1), np.float64),
            }
        )

    def seen(self):
        """All four, each from the place and the time."""
        place, clock = super().seen()
        shade = int(np.clip(100 + 50 * place, 0, 255))
        shapes = {key: space.shape for key, space in self.observation_space.items() if space.dtype == np.uint8}  # type: ignore[attr-defined]
        images = {key: np.full(shape, shade, np.uint8) for key, shape in shapes.items()}
        return {**images, "place": np.array([place], np.float32), "clock": np.array([[clock]], np.float64)}


def senses() -> gymnasium.Env:
    """Two images and two vectors."""
    return Senses()


def uneven() -> gymnasium.Env:
    """An eye whose sides cannot be halved four times."""
    return Senses((20, 32))
