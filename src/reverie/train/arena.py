"""The real environment as a place where a population is tried out."""

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from jaxtyping import Float
from torch import Tensor

from reverie.agents.agent import Agent
from reverie.data.collect import check_finite
from reverie.report import evaluate


class Arena:
    """Plays episodes of many controllers, as many side by side as there are environments.

    A generation's episodes follow from the run's seed and the generation's number alone.
    """

    MOST = 1_000_000  # episodes of a generation in one environment

    def __init__(self, envs: VectorEnv, agent: Agent) -> None:
        """envs: of `EpisodeSeeds`, numbered from `envs.seeds.ARENA` on."""
        self._envs, self._agent = envs, agent

    def __call__(
        self, population: Float[Tensor, "P W"], rollouts: int, generation: int
    ) -> tuple[Float[Tensor, "P"], Float[Tensor, ""]]:
        """The mean return of each individual over its episodes, and the episodes' mean length in agent steps.

        Raises:
            UserError: if the environment returns a number that is not finite, or has no end within a million steps.
        """
        side = self._envs.num_envs
        self._envs.set_attr("episode", [generation * self.MOST] * side)  # pyright: ignore[reportAttributeAccessIssue]
        observation, _ = self._envs.reset()
        waiting = iter(np.repeat(np.arange(len(population)), rollouts).tolist())
        player = np.array([next(waiting, -1) for _ in range(side)])  # of each environment; -1: all have played
        returns, steps = np.zeros(len(population)), 0
        carry, reward, first, done = self._agent.initial(side), np.zeros(side), np.ones(side), np.zeros(side, np.bool_)
        age = np.zeros(side, np.int64)
        while (player >= 0).any():
            carry = carry._replace(memory=population[player])
            action, carry = self._agent.act(observation, reward, first, carry)
            observation, reward, terminated, truncated, _ = self._envs.step(action)
            check_finite(observation, reward, f"{steps} steps of generation {generation}")
            # The step after an end only begins the next episode: it pays nothing, and is nobody's.
            first, done = done.astype(np.float32), np.logical_or(terminated, truncated)
            age = np.where(done, 0, age + 1)
            if age.max() >= evaluate.LONGEST:
                raise evaluate.endless()
            playing = player >= 0
            np.add.at(returns, player[playing], reward[playing])
            steps += int((playing & (first == 0)).sum())
            for row in np.flatnonzero(done & playing):
                player[row] = next(waiting, -1)
        episodes = len(population) * rollouts
        return torch.from_numpy(returns / rollouts).to(population), population.new_tensor(steps / episodes)

    def close(self) -> None:
        """Close the environments."""
        self._envs.close()
