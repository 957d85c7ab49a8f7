"""What a policy's family is: the meaning of an actor's numbers as a distribution over actions. It holds no network."""

import math
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

import torch
from torch import Tensor

from reverie.errors import UserError
from reverie.nets.mlp import MLPConfig
from reverie.types import Actions, Read


class Choice(NamedTuple):
    """What a policy chose: action "... A", its log-probability and the policy's entropy, "..." each.

    The action has a gradient to the policy: through the noise that made it, or straight through where it is one-hot.
    The log-probability is that of the action held still, so that its gradient is the score. The entropy is exact where
    there is a closed form, else an estimate.
    """

    action: Tensor
    log_prob: Tensor
    entropy: Tensor


@dataclass(frozen=True, kw_only=True)
class ActorConfig:
    """A policy: a Gaussian for continuous actions, one categorical per group for one-hot ones."""

    mlp: MLPConfig = field(default_factory=MLPConfig)
    """the network"""
    reads: Read = "hz"
    """what it reads: h, z or both"""
    std: Literal["bounded", "softplus"] = "bounded"
    """of the tanh normal; bounded: min + (max - min) sigmoid(s + 2); softplus: min + softplus(s + 5), mean 5 tanh(m /
    5) (Dreamer)"""
    min_std: float = 0.1
    """the smallest standard deviation, before the tanh"""
    noise: float = 0.0
    """continuous actions: standard deviation of the Gaussian noise added to explored ones (Dreamer: 0.3)"""
    normal: Literal["tanh", "bounded", "fading"] = "tanh"
    """continuous actions: a normal squashed by tanh, one whose mean is, clipped to [-1, 1] (DreamerV3), or that with a
    deviation that is not learned and falls from max-std to min-std (TCRL)"""
    max_std: float = 1.0
    """the largest standard deviation, where it is bounded; above min-std in any case"""
    fade: int = 10_000
    """updates over which the deviation of a fading normal falls"""
    unimix: float = 0.01
    """one-hot actions: share of the uniform distribution mixed in (DreamerV3)"""
    epsilon: float = 0.0
    """one-hot actions: chance that an explored action is a uniform one (Dreamer)"""
    out_scale: float = 1.0
    """factor of the last layer's first weights; a small one starts near the uniform policy (DreamerV3: 0.01)"""

    def __post_init__(self) -> None:
        if not 0 < self.min_std < self.max_std:
            raise UserError(f"actor.min-std must be in (0, actor.max-std = {self.max_std}), not {self.min_std}")
        if not self.noise >= 0:
            raise UserError(f"actor.noise must not be negative, not {self.noise}")
        if not self.out_scale >= 0:
            raise UserError(f"actor.out-scale must not be negative, not {self.out_scale}")
        if self.fade < 1:
            raise UserError(f"actor.fade must be at least 1, not {self.fade}")
        if not 0 <= self.unimix < 1:
            raise UserError(f"actor.unimix must be in [0, 1), not {self.unimix}")
        if not 0 <= self.epsilon <= 1:
            raise UserError(f"actor.epsilon must be in [0, 1], not {self.epsilon}")


def uniform_entropy(actions: Actions) -> float:
    """The entropy in nats of the uniform policy: over all choices, or over [-1, 1] in each number."""
    widths = actions.groups or (2,) * actions.size
    return sum(math.log(width) for width in widths)


class Family(Protocol):
    """A distribution over actions "... A" from a network's parameters "... P", given as float32.

    `noise` is what was drawn to make an action. It is enough to make the same action again from parameters that differ
    by rounding alone.
    """

    size: int
    """P"""

    def draw(self, parameters: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """A sampled action and the noise that made it."""
        ...

    def choose(self, parameters: Tensor, noise: Tensor) -> Choice:
        """The action that this noise makes, with its log-probability and the policy's entropy."""
        ...

    def log_prob(self, parameters: Tensor, noise: Tensor, chosen_by: Tensor) -> Tensor:
        """The log-probability "..." under `parameters` of the action that this noise made from those it was chosen by.

        Its gradient is the score at that action, which stays where it is while the parameters move away.
        """
        ...

    def explore(self, parameters: Tensor, generator: torch.Generator | None) -> Tensor:
        """An action to collect with: a sample, and what the configuration adds to it."""
        ...

    def mode(self, parameters: Tensor) -> Tensor:
        """The action to evaluate with."""
        ...

    def age(self) -> None:
        """After each update of the actor: what is scheduled goes on."""
        ...
