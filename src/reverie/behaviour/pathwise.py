"""Learning to act by the gradient of a dreamed return: what `reward_gradient` and `value_gradient` share."""

import torch
from torch import Tensor

from reverie.behaviour.dreaming import Dreaming, Imagined
from reverie.types import Metrics


class Pathwise(Dreaming):
    """An actor, and dreams through which gradients flow to it.

    The dream is rolled out with actions a_i + nudge_i, nudge = 0. What is gained is differentiated with respect to the
    nudges, through the world alone, and one batched pass hands the result to the actor:

        d gain / d theta = sum_i (d gain / d a_i) (d a_i / d theta)

    which is the gradient through the whole graph, since the actor reads features that are cut from it; but the actor is
    walked through forwards only, and once for all steps backwards.
    """

    def ascend(self, gain: Tensor, weight: Tensor, entropy: float, imagined: Imagined) -> Metrics:
        """One step of the actor up mean(weight gain + entropy weight H), "N H" each.

        The gain's gradient may flow through its weight, the entropy's does not.

        Returns:
            Metrics: loss/actor, entropy, grad/actor.
        """
        objective = (weight * gain).mean()
        (pull,) = torch.autograd.grad(objective, imagined.nudge)
        choice = self.actor.choose(imagined.dream.chosen.detach(), imagined.noise)
        spread = (weight.detach() * choice.entropy).mean()
        norm = self.optimisers["actor"].step(-(pull * choice.action).sum() - entropy * spread)
        self.actor.follow()
        return {
            "loss/actor": -objective.detach() - entropy * spread.detach(),
            "entropy": choice.entropy.detach().mean(),
            "grad/actor": norm,
        }
