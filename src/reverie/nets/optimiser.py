"""A gradient step: backward, clip, Adam."""

from collections.abc import Iterable, Mapping
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
    """Adam over the parameters of some modules; gradients go into these and nowhere else.

    Gradients and step are apart, so that several optimisers can differentiate one graph before any weight moves.
    """

    def __init__(
        self, config: OptimiserConfig, modules: Iterable[nn.Module], scales: Mapping[nn.Module, float] | None = None
    ) -> None:
        """Modules may have learning rates of their own: scales of the configured one, the last that holds a weight."""
        own = {p: config.lr for module in modules for p in module.parameters()}
        for module, scale in (scales or {}).items():
            own |= {p: config.lr * scale for p in module.parameters() if p in own}
        self.parameters = list(own)
        self._clip = config.clip
        groups = [{"params": [p for p in own if own[p] == lr], "lr": lr} for lr in sorted(set(own.values()))]
        self._adam = torch.optim.Adam(groups, lr=config.lr, eps=config.eps, fused=True)

    def differentiate(self, loss: Tensor, *, retain_graph: bool = False) -> None:
        """Set the parameters' gradients to the loss's."""
        self._adam.zero_grad(set_to_none=True)
        loss.backward(inputs=self.parameters, retain_graph=retain_graph)

    def descend(self) -> Tensor:
        """Clip the gradients, all together, and move.

        Returns:
            The norm of the gradient before clipping.
        """
        norm = nn.utils.clip_grad_norm_(self.parameters, self._clip, foreach=True)
        self._adam.step()
        return norm

    def step(self, loss: Tensor) -> Tensor:
        """Differentiate and descend once; returns the norm of the gradient before clipping."""
        self.differentiate(loss)
        return self.descend()

    def state_dict(self) -> dict[str, Any]:
        """Adam's moments and step counts."""
        return self._adam.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what state_dict gave."""
        self._adam.load_state_dict(state)
