"""A gradient step: backward, clip, Adam."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from reverie.errors import UserError


@dataclass(frozen=True, kw_only=True)
class OptimiserConfig:
    """Adam with the gradient's norm clipped."""

    lr: float = 1e-3
    """learning rate"""
    eps: float = 1e-8
    """Adam's epsilon"""
    clip: float = 100.0
    """largest norm of the gradient"""

    def __post_init__(self) -> None:
        if not (self.lr > 0 and self.eps > 0 and self.clip > 0):
            raise UserError(f"lr, eps and clip must be positive, not {self.lr}, {self.eps}, {self.clip}")


class Optimiser:
    """Adam over the parameters of some modules; a step's gradients go into these and nowhere else."""

    def __init__(self, config: OptimiserConfig, modules: Iterable[nn.Module]) -> None:
        self.parameters = [p for module in modules for p in module.parameters()]
        self._clip = config.clip
        self._adam = torch.optim.Adam(self.parameters, lr=config.lr, eps=config.eps, fused=True)

    def step(self, loss: Tensor, *, retain_graph: bool = False) -> Tensor:
        """Descend the loss once.

        Returns:
            The norm of the gradient before clipping.
        """
        self._adam.zero_grad(set_to_none=True)
        loss.backward(inputs=self.parameters, retain_graph=retain_graph)
        norm = nn.utils.clip_grad_norm_(self.parameters, self._clip, foreach=True)
        self._adam.step()
        return norm

    def state_dict(self) -> dict[str, Any]:
        """Adam's moments and step counts."""
        return self._adam.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what state_dict gave."""
        self._adam.load_state_dict(state)
