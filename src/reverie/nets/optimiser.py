"""A gradient step: backward, clip, Adam or LaProp."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from reverie.errors import UserError
from reverie.nets.laprop import LaProp

SMALLEST = 1e-3
"""A tensor of weights counts as at least that long when its gradient is clipped (DreamerV3; Brock et al. 2021)."""


@dataclass(frozen=True, kw_only=True)
class OptimiserConfig:
    """Adam or LaProp, with the gradient clipped."""

    lr: float = 1e-3
    """learning rate"""
    algorithm: Literal["adam", "laprop"] = "adam"
    """adam, or laprop: the momentum of gradients that were divided already (Ziyin et al. 2020)"""
    beta1: float = 0.9
    """share of the momentum that stays at each update"""
    beta2: float = 0.999
    """share of the mean square that stays at each update"""
    eps: float = 1e-8
    """added to the root of the mean square; DreamerV3's LaProp has 1e-20"""
    clip: float = 100.0
    """largest norm of the gradient, all weights together; 0 is off"""
    agc: float = 0.0
    """largest norm of each tensor's gradient, as a share of the tensor's own norm (DreamerV3: 0.3); 0 is off"""
    warmup: int = 0
    """updates over which the learning rate grows to its value, evenly"""
    decay: int = 0
    """updates after which the rate has halved; it goes on falling, as 1 / (1 + updates / decay); 0: it stays"""
    until: int = 0
    """updates of this optimiser after which the rate is nothing, having fallen along half a cosine (Loshchilov and
    Hutter 2017); 0: it stays"""
    weight_decay: float = 0.0
    """share of itself that each weight loses at an update, whatever the learning rate (DreamerV2: 1e-6)"""

    def __post_init__(self) -> None:
        for name in ("lr", "eps"):
            if not 0 < getattr(self, name) < math.inf:
                raise UserError(f"an optimiser's {name} must be positive, not {getattr(self, name)}")
        for name in ("clip", "agc", "warmup", "decay", "until"):
            if not getattr(self, name) >= 0:
                raise UserError(f"an optimiser's {name} must be positive, or 0 for none, not {getattr(self, name)}")
        if 0 < self.until <= max(1, self.warmup):
            raise UserError(f"an optimiser's until must be above its warmup ({self.warmup}) and 1, not {self.until}")
        for name in ("beta1", "beta2", "weight_decay"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(f"an optimiser's {name} must be in [0, 1), not {getattr(self, name)}")


def _adam(groups: list[dict[str, Any]], config: OptimiserConfig) -> torch.optim.Optimizer:
    return torch.optim.Adam(groups, lr=config.lr, betas=(config.beta1, config.beta2), eps=config.eps, fused=True)


def _laprop(groups: list[dict[str, Any]], config: OptimiserConfig) -> torch.optim.Optimizer:
    return LaProp(groups, lr=config.lr, betas=(config.beta1, config.beta2), eps=config.eps)


_ALGORITHMS: dict[str, Callable[[list[dict[str, Any]], OptimiserConfig], torch.optim.Optimizer]] = {
    "adam": _adam,
    "laprop": _laprop,
}


def clip_adaptively(weights: list[Tensor], gradients: list[Tensor], share: float) -> list[Tensor]:
    """Shorten in place each gradient that is longer than a share of its weights (Brock et al. 2021, eq. 3).

        g <- g / max(1, |g| / (share * max(1e-3, |w|)))

    The norms are those of whole tensors, as in DreamerV3's code; the paper's are of a matrix's rows.

    Returns:
        The gradients' norms before.
    """
    norms = torch._foreach_norm(gradients)
    longest = share * torch.stack(torch._foreach_norm(weights)).clamp_min(SMALLEST)
    torch._foreach_div_(gradients, list((torch.stack(norms) / longest).clamp_min(1).unbind()))
    return list(norms)


class Optimiser:
    """Adam or LaProp over the parameters of some modules; gradients go into these and nowhere else.

    Gradients and step are apart, so that several optimisers can differentiate one graph before any weight moves.
    """

    def __init__(
        self, config: OptimiserConfig, modules: Iterable[nn.Module], scales: Mapping[nn.Module, float] | None = None
    ) -> None:
        """Modules may have learning rates of their own: scales of the configured one, the last that holds a weight."""
        own = {p: config.lr for module in modules for p in module.parameters()}
        for module, scale in (scales or {}).items():
            own |= {p: config.lr * scale for p in module.parameters() if p in own}
        self._config = config
        self._rates = sorted(set(own.values()))
        self._updates = torch.zeros((), dtype=torch.long)
        groups = [{"params": [p for p in own if own[p] == lr], "lr": lr} for lr in self._rates]
        self.parameters: list[Tensor] = [p for group in groups for p in group["params"]]
        """in the order by which `state_dict` numbers them"""
        self._algorithm = _ALGORITHMS[config.algorithm](groups, config)

    def differentiate(self, loss: Tensor, *, retain_graph: bool = False) -> None:
        """Set the parameters' gradients to the loss's."""
        self._algorithm.zero_grad(set_to_none=True)
        loss.backward(inputs=self.parameters, retain_graph=retain_graph)

    def descend(self) -> Tensor:
        """Clip the gradients, each by itself and then all together, and move.

        Returns:
            The norm of the gradient before clipping.
        """
        norm = self._clip()
        self._pace()
        if self._config.weight_decay:
            moved = [p.data for p in self.parameters if p.grad is not None]
            torch._foreach_mul_(moved, 1 - self._config.weight_decay)
        self._algorithm.step()
        return norm

    def step(self, loss: Tensor) -> Tensor:
        """Differentiate and descend once; returns the norm of the gradient before clipping."""
        self.differentiate(loss)
        return self.descend()

    def make_capturable(self) -> None:
        """Keep counts and learning rates where the weights are, so that a CUDA graph can record `descend`.

        To be called before the first step, and before a state is loaded.
        """
        device = self.parameters[0].device
        self._updates = self._updates.to(device)
        for group in self._algorithm.param_groups:
            group["capturable"] = True
            group["lr"] = torch.tensor(group["lr"], device=device)

    def state_dict(self) -> dict[str, Any]:
        """The moments and step counts, as torch's optimisers give them; the state of each weight is tensors alone."""
        return self._algorithm.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what state_dict gave; the rates go on from the largest step count."""
        self._algorithm.load_state_dict(state)
        self._updates.fill_(max((int(moments["step"]) for moments in state["state"].values()), default=0))

    def _pace(self) -> None:
        """Set the learning rates of this update."""
        self._updates += 1
        warmup, decay, until = self._config.warmup, self._config.decay, self._config.until
        if not (warmup or decay or until):
            return
        updates = self._updates.double()  # on the CPU, or where a CUDA graph counts
        share = (updates / warmup).clamp_max(1) if warmup else torch.ones_like(updates)
        if decay:
            share = share / (1 + updates / decay)
        if until:
            share = share * (1 + torch.cos(math.pi * (updates / until).clamp_max(1))) / 2
        for group, lr in zip(self._algorithm.param_groups, self._rates, strict=True):
            if isinstance(group["lr"], Tensor):
                group["lr"].copy_(share * lr)
            else:
                group["lr"] = float(share) * lr

    def _clip(self) -> Tensor:
        largest = self._config.clip or math.inf
        moved = [p for p in self.parameters if p.grad is not None] if self._config.agc else []
        if not moved:
            return nn.utils.clip_grad_norm_(self.parameters, largest)
        gradients = [p.grad for p in moved if p.grad is not None]
        norms = clip_adaptively([p.data for p in moved], gradients, self._config.agc)
        if largest < math.inf:
            nn.utils.clip_grad_norm_(moved, largest)
        return torch.linalg.vector_norm(torch.stack(norms))
