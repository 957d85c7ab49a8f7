"""Your own backbone: a causal map with a memory, as a class with a configuration.

python examples/own_backbone.py [STEPS]
reverie train dreamer --backbone py:own_backbone:Leaky --env gym:Pendulum-v1            # from within examples/

`Recurrent` turns a cell into a backbone. What is no cell keeps the Protocol of reverie.dynamics.backbone itself;
tests/laws/test_backbones.py has the laws that it must keep, and reverie/dynamics/markov.py is the shortest that does.
"""

import sys
from dataclasses import dataclass

import torch
from torch import Tensor, nn

import reverie
from reverie.dynamics.recurrent import Recurrent


@dataclass(frozen=True, kw_only=True)
class LeakyConfig:
    """Its values; on the command line they are `--backbone.units` and `--backbone.keeps`."""

    units: int = 64
    """D, the width of the memory"""
    keeps: float = 0.8
    """share of itself that the memory keeps at first"""


class Leaky(Recurrent[Tensor]):
    """h_t = k h_{t-1} + (1 - k) tanh(W u_t + V h_{t-1}), with a learned k for each unit."""

    Config = LeakyConfig

    def __init__(self, config: LeakyConfig, inputs: int) -> None:
        super().__init__()
        self.size = config.units
        self.input = nn.Linear(inputs, self.size)
        self.recurrent = nn.Linear(self.size, self.size, bias=False)
        self.keep = nn.Parameter(torch.full((self.size,), config.keeps).logit())

    def initial(self, rows: int) -> Tensor:
        return self.recurrent.weight.new_zeros(rows, self.size)

    @staticmethod
    def shown(state: Tensor) -> Tensor:
        return state

    def cell(self, share: Tensor, state: Tensor) -> Tensor:
        keep, new = torch.sigmoid(self.keep), torch.tanh(share + self.recurrent(state))
        return keep * state + (1 - keep) * new.to(state.dtype)  # --precision bfloat16 halves what layers make alone


if __name__ == "__main__":
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 4_000
    values = {
        "steps": steps,
        "prefill": steps // 4,
        "pretrain": steps // 40,
        "eval_every": steps // 4,
        "eval_episodes": 4,
    }
    resolved = reverie.resolve("dreamer", "gym:Pendulum-v1", parts={"backbone": "py:own_backbone:Leaky"}, **values)
    print(reverie.run(resolved, "runs/own-backbone").pictures)
