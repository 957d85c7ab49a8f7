"""Whether what a world foretells is true: its rewards, and its chances that the episode goes on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from reverie.agents.agent import Agent
from reverie.report.evaluate import Episode
from reverie.report.open_loop import as_batch


@dataclass(frozen=True)
class Told:
    """What was foretold of some moments and what came, "P" of each.

    Attributes:
        foretold: a reward, in the environment's unit, or a chance.
        came: the reward, or whether the episode went on, 1 or 0.
    """

    foretold: Float[np.ndarray, "P"]
    came: Float[np.ndarray, "P"]

    @property
    def explained(self) -> float:
        """The share of the variance that is foretold, 1 - MSE / variance: 1 is all, 0 no more than the mean would be.

        nan where nothing varied.
        """
        variance = float(np.var(self.came))
        return 1 - float(np.square(self.foretold - self.came).mean()) / variance if variance > 0 else float("nan")

    def binned(self, edges: Sequence[float]) -> list[tuple[float, float, int]]:
        """For each bin that holds moments: the mean foretold, the mean that came, and how many there are."""
        place = np.clip(np.digitize(self.foretold, edges) - 1, 0, len(edges) - 2)
        held = [(self.foretold[place == k], self.came[place == k]) for k in range(len(edges) - 1)]
        return [(float(told.mean()), float(came.mean()), len(told)) for told, came in held if len(told)]


@torch.inference_mode()
def foretold(agent: Agent, episodes: Sequence[Episode]) -> tuple[Told, Told]:
    """What the heads say of each moment of whole episodes, as the world knows it there, but for the first.

    Returns:
        Told: of rewards.
        Told: of the chance that the episode goes on.
    """
    world = agent.world
    rewards, going = [], []
    for episode in episodes:
        batch = as_batch(agent, [episode], 0, len(episode.reward))
        features = world.observe(batch, world.initial(1)).features
        reward = world.reward(features) * world.preprocess.reward_unit
        on = np.ones(len(episode.reward))
        on[-1] = not episode.terminal
        rewards.append((reward[0, 1:].cpu().numpy(), episode.reward[1:]))
        going.append((world.continue_(features)[0, 1:].cpu().numpy(), on[1:]))
    return _joined(rewards), _joined(going)


def _joined(parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> Told:
    told, came = zip(*parts, strict=True)
    return Told(np.concatenate(told).astype(float), np.concatenate(came).astype(float))
