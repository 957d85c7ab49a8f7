"""A value function with a slow copy of itself."""

import copy

import torch
from torch import Tensor, nn

from reverie.types import Features
from reverie.world.heads import OUTPUTS, Head, HeadConfig


class Critic(nn.Module):
    """v(h, z), and a target that follows it: target <- target + rate (v - target)."""

    def __init__(self, config: HeadConfig, deter: int, stoch: int, rate: float) -> None:
        super().__init__()
        self.value = Head(config, OUTPUTS[config.output](config.bins), deter, stoch)
        self.target = copy.deepcopy(self.value).requires_grad_(False)
        self._rate = rate

    def forward(self, features: Features) -> Tensor:
        """The target's value, "...": what returns are bootstrapped with."""
        return self.target(features)

    def loss(self, features: Features, returns: Tensor, regulariser: float = 0.0) -> Tensor:
        """The value's loss towards returns "...", and with a weight towards its target's prediction (DreamerV3)."""
        parameters = self.value.mlp(features.read(self.value.reads))
        loss = self.value.output.loss(parameters, returns)
        if regulariser:
            with torch.no_grad():
                slow = self.target(features)
            loss = loss + regulariser * self.value.output.loss(parameters, slow)
        return loss

    @torch.no_grad()
    def follow(self, due: Tensor | None = None) -> None:
        """Move the target, or only where a number due is one and not zero; at a rate of 1 it is the value itself."""
        fast: list[Tensor] = list(self.value.parameters())
        slow: list[Tensor] = list(self.target.parameters())
        if due is None:
            torch._foreach_lerp_(slow, fast, self._rate)
            return
        for own, other in zip(slow, fast, strict=True):
            own.lerp_(other, self._rate * due)  # the number is not read, so that nothing waits for a device
