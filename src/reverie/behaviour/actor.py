"""The actor: a network, and the family of policies that its numbers stand for."""

import torch
from torch import Tensor, nn

from reverie.behaviour.normal import NORMALS
from reverie.behaviour.one_hot import OneHots
from reverie.behaviour.policy import ActorConfig, Choice, Family
from reverie.nets.mlp import MLP
from reverie.types import Actions, Features, Read, read_size


class Actor(nn.Module):
    """pi(a | h, z).

    Attributes:
        actions: the form of its actions.
        policy: the family.
        mlp: from features to the family's parameters.
    """

    def __init__(self, config: ActorConfig, deter: int, stoch: int, actions: Actions) -> None:
        super().__init__()
        self._reads: Read = config.reads
        self.actions = actions
        # One-hot actions have one family, continuous ones the one that is configured.
        policy = (OneHots if actions.groups else NORMALS[config.normal])(config, actions)
        self.policy: Family = policy
        self.mlp = MLP(config.mlp, read_size(config.reads, deter, stoch), policy.size)
        if config.out_scale != 1:
            with torch.no_grad():
                for weight in self.mlp[-1].parameters():
                    weight.mul_(config.out_scale)

    def forward(self, features: Features) -> Tensor:
        """The family's parameters, "... P"."""
        return self.mlp(features.read(self._reads)).float()

    def draw(self, features: Features, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """A sampled action "... A" and the noise that made it."""
        return self.policy.draw(self(features), generator)

    def choose(self, features: Features, noise: Tensor) -> Choice:
        """The action that this noise makes, with its log-probability and the policy's entropy."""
        return self.policy.choose(self(features), noise)

    def explore(self, features: Features, generator: torch.Generator | None) -> Tensor:
        """An action "... A" to collect with: a sample, and what is configured on top of it."""
        return self.policy.explore(self(features), generator)

    def mode(self, features: Features) -> Tensor:
        """The action "... A" to evaluate with."""
        return self.policy.mode(self(features))

    def follow(self) -> None:
        """After each update of its weights: its policy ages."""
        self.policy.age()
