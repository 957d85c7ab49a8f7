"""C: a policy small enough that its weights are one point to search for (World Models, section 2.3)."""

import itertools
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from reverie.errors import UserError
from reverie.types import Actions, Features, Read, read_size


@dataclass(frozen=True, kw_only=True)
class ControllerConfig:
    """A linear policy, or one with a hidden layer."""

    reads: Read = "hz"
    """what it reads: h, z or both; z alone is the paper's ablation without M"""
    hidden: int = 0
    """units of a hidden layer of tanh; 0: none, actions are linear in what it reads"""

    def __post_init__(self) -> None:
        if self.hidden < 0:
            raise UserError(f"behaviour.controller.hidden must not be negative, not {self.hidden}")


class Controller:
    """a = tanh(W x + b) for continuous actions; for one-hot ones the largest of W x + b in each group.

    It owns no weights: each row of features comes with its own.

    Attributes:
        size: how many numbers the weights of one controller are, W.
    """

    def __init__(self, config: ControllerConfig, deter: int, stoch: int, actions: Actions) -> None:
        inputs = read_size(config.reads, deter, stoch)
        widths = (inputs, config.hidden, actions.size) if config.hidden else (inputs, actions.size)
        self._layers = list(itertools.pairwise(widths))
        self._reads: Read = config.reads
        self._groups = actions.groups
        self.size = sum((before + 1) * after for before, after in self._layers)

    def __call__(self, features: Features, weights: Float[Tensor, "N W"]) -> Float[Tensor, "N A"]:
        """The action of each row, by its own weights."""
        x, start = features.read(self._reads).float(), 0
        # In single precision under autocast too: acting knows no autocast, and must be what was tried out.
        with torch.autocast(x.device.type, enabled=False):
            for number, (before, after) in enumerate(self._layers):
                end = start + before * after
                matrix, bias = weights[:, start:end].unflatten(1, (before, after)), weights[:, end : end + after]
                x = torch.baddbmm(bias.unsqueeze(1), (torch.tanh(x) if number else x).unsqueeze(1), matrix).squeeze(1)
                start = end + after
        if not self._groups:
            return torch.tanh(x)
        chosen = [nn.functional.one_hot(part.argmax(-1), part.shape[-1]) for part in x.split(self._groups, -1)]
        return torch.cat(chosen, -1).float()
