"""The policy for one-hot actions: Discrete, MultiDiscrete and MultiBinary spaces."""

import math

import torch
from torch import Tensor, nn

from reverie.behaviour.policy import ActorConfig, Choice
from reverie.types import Actions


def _of(log_probs: Tensor, classes: Tensor) -> Tensor:
    """The log-probability "..." of the classes "... G" together, from those of each, "... G C"."""
    return log_probs.gather(-1, classes.unsqueeze(-1)).squeeze(-1).sum(-1)


class OneHots(nn.Module):
    """A categorical for each group of one-hot numbers, its gradient straight-through (DreamerV2, section 2).

    Probabilities are mixed with a share of the uniform (DreamerV3). The noise of a choice is the number of the class
    that was drawn in each group, "... G": classes drawn again from other roundings of the same probabilities could be
    others.

    Deviation: evaluation takes the most likely classes; DreamerV3 draws them there too.
    """

    _last: Tensor
    _inside: Tensor
    _uniform: Tensor
    _places: Tensor

    def __init__(self, config: ActorConfig, actions: Actions) -> None:
        super().__init__()
        self._config = config
        self.size = actions.size
        groups, widest = actions.groups, max(actions.groups)
        self._shape = (len(groups), widest)
        self._even = min(groups) == widest
        width = torch.tensor(groups, dtype=torch.float32).unsqueeze(-1)
        inside = torch.arange(widest) < width
        # Not saved: the action space says them again.
        self.register_buffer("_last", torch.tensor(groups) - 1, persistent=False)  # G
        self.register_buffer("_inside", inside, persistent=False)  # G C
        self.register_buffer("_uniform", torch.where(inside, 1 / width, 0.0), persistent=False)  # G C
        self.register_buffer("_places", inside.flatten().nonzero().squeeze(-1), persistent=False)  # A

    def log_probs(self, parameters: Tensor) -> Tensor:
        """The classes' log-probabilities "... G C", C those of the widest group; zero beyond a group's own width."""
        logits = parameters.unflatten(-1, self._shape) if self._even else self._padded(parameters)
        if self._config.unimix == 0:
            log_probs = torch.log_softmax(logits, -1)
        else:
            mixed = (1 - self._config.unimix) * torch.softmax(logits, -1) + self._config.unimix * self._uniform
            log_probs = mixed.masked_fill(~self._inside, 1.0).log()
        return log_probs.masked_fill(~self._inside, 0.0)

    def draw(self, parameters: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """Sampled one-hot actions "... A", with their straight-through gradient, and the classes "... G"."""
        probs = self._probs(self.log_probs(parameters))
        # The inverse of the cumulative distribution: one uniform number per group, as for latents.
        uniform = torch.empty_like(probs[..., :1]).uniform_(generator=generator)
        below = probs.detach().cumsum(-1) <= uniform
        classes = torch.minimum(below.sum(-1), self._last)
        return self._actions(probs, classes), classes

    def choose(self, parameters: Tensor, noise: Tensor) -> Choice:
        """The action of these classes "... G"; log-probability and entropy, both exact, are sums over the groups."""
        log_probs = self.log_probs(parameters)
        probs = self._probs(log_probs)
        return Choice(self._actions(probs, noise), _of(log_probs, noise), -(probs * log_probs).sum((-1, -2)))

    def log_prob(self, parameters: Tensor, noise: Tensor, chosen_by: Tensor) -> Tensor:
        """Of these classes "... G", whatever they were chosen by: the sum over the groups."""
        return _of(self.log_probs(parameters), noise)

    def explore(self, parameters: Tensor, generator: torch.Generator | None) -> Tensor:
        """A sample; with a chance of epsilon a uniform one instead."""
        action, _ = self.draw(parameters, generator)
        if not self._config.epsilon:
            return action
        uniform, _ = self.draw(torch.zeros_like(parameters), generator)
        chance = torch.empty_like(action[..., :1]).uniform_(generator=generator)
        return torch.where(chance < self._config.epsilon, uniform, action)

    def mode(self, parameters: Tensor) -> Tensor:
        """The most likely class of each group."""
        probs = self._probs(self.log_probs(parameters))
        return self._actions(probs, probs.argmax(-1))

    def age(self) -> None:
        """Nothing is scheduled."""

    def _probs(self, log_probs: Tensor) -> Tensor:
        return log_probs.exp().masked_fill(~self._inside, 0.0)

    def _actions(self, probs: Tensor, classes: Tensor) -> Tensor:
        hard = torch.zeros_like(probs).scatter_(-1, classes.unsqueeze(-1), 1.0)
        if probs.requires_grad:
            hard = hard + (probs - probs.detach())
        flat = hard.flatten(-2)
        return flat if self._even else flat.index_select(-1, self._places)

    def _padded(self, parameters: Tensor) -> Tensor:
        shape = (*parameters.shape[:-1], self._shape[0] * self._shape[1])
        outside = torch.full(shape, -math.inf, dtype=parameters.dtype, device=parameters.device)
        return outside.index_copy(-1, self._places, parameters).unflatten(-1, self._shape)
