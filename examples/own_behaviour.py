"""Your own behaviour: a way of acting and of learning to act. This one only looks ahead: it dreams of random actions.

python examples/own_behaviour.py [STEPS]
reverie train dreamer --behaviour py:own_behaviour:Shooting --env gym:Pendulum-v1            # from within examples/
"""

import sys
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

import reverie
from reverie.types import Actions
from reverie.world.imagine import unroll


@dataclass(frozen=True, kw_only=True)
class ShootingConfig:
    """Its values."""

    trained: ClassVar[tuple] = ()
    horizon: int = 12
    """steps that it looks ahead"""
    candidates: int = 64
    """random plans from each state"""


class Shooting(nn.Module):
    """Takes the first action of the plan that is dreamed to bring most; each action of a plan is held for 3 steps."""

    Config = ShootingConfig
    optimisers: ClassVar[dict] = {}

    def __init__(self, config: ShootingConfig, deter: int, stoch: int, actions: Actions) -> None:
        super().__init__()
        self._config, self._actions = config, actions

    def initial(self, rows):
        return ()

    def act(self, world, state, memory, first, mode, generator):
        if generator is None:  # nothing is drawn at random in evaluation
            generator = torch.Generator(first.device).manual_seed(0)
        rows, many, horizon = len(first), self._config.candidates, self._config.horizon
        drawn = torch.rand(rows * many, -(-horizon // 3), self._actions.size, generator=generator, device=first.device)
        plans = (2 * drawn - 1).repeat_interleave(3, 1)[:, :horizon]
        start = world.dynamics.select(state, torch.arange(rows, device=first.device).repeat_interleave(many))
        dream = unroll(world, plans, start)
        going = torch.cat([torch.ones_like(dream.continue_[:, :1]), dream.continue_[:, :-1].cumprod(1)], 1)
        best = (going * dream.reward).sum(1).unflatten(0, (rows, many)).argmax(1)
        return plans.unflatten(0, (rows, many))[torch.arange(rows), best, 0], memory

    def value(self, features) -> Tensor:
        return torch.zeros_like(features.deter[..., 0])  # no critic: for planners, ends are worth nothing

    def loss(self, world, experience, generator) -> tuple[dict, dict]:
        return {}, {}

    def learn(self, world, experience, generator) -> dict[str, Tensor]:
        return {}  # nothing but the world learns


if __name__ == "__main__":
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 4_000
    values = {
        "steps": steps,
        "prefill": steps // 4,
        "pretrain": steps // 40,
        "eval_every": steps // 2,
        "eval_episodes": 4,
    }
    resolved = reverie.resolve("dreamer", "gym:Pendulum-v1", parts={"behaviour": "py:own_behaviour:Shooting"}, **values)
    print(reverie.run(resolved, "runs/own-behaviour").pictures)
