"""What a program does with a behaviour's losses, without the rest of a learner."""

import torch

from reverie.nets.optimiser import Optimiser
from reverie.types import total


class Program:
    """One optimiser for each thing that the behaviour wants trained.

    Attributes:
        losses: of the last update.
    """

    def __init__(self, behaviour, config, seed=1):
        self.behaviour, self.wishes = behaviour, config.trained
        self.generator = torch.Generator().manual_seed(seed)
        self.optimisers = [
            Optimiser(wish.optimiser, [behaviour.get_submodule(name) for name in wish.modules]) for wish in self.wishes
        ]
        self.losses = {}

    def update(self, world, seen):
        """One update; gives the metrics."""
        self.losses, metrics = self.behaviour.loss(world, seen, self.generator)
        for wish, optimiser in zip(self.wishes, self.optimisers, strict=True):
            names = [f"behaviour/{name}" for name in wish.losses]
            mine = {name: loss for name, loss in self.losses.items() if name in names}
            optimiser.differentiate(total(mine), retain_graph=True)
        for optimiser in self.optimisers:
            optimiser.descend()
        return metrics | self.behaviour.learn(world, seen, self.generator)
