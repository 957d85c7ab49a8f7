"""Open-loop prediction: the model sees a few steps, then dreams along the actions that were really taken."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import torch

from reverie.agents.agent import Agent
from reverie.errors import UserError
from reverie.report.evaluate import Episode
from reverie.types import Batch, Features
from reverie.world.imagine import along

DREAMS = 16
"""As many drawn dreams make what a world expects."""


@dataclass(frozen=True)
class OpenLoop:
    """Truth and dream of each key "B T ..." and of the reward "B T"; the first `context` steps were seen."""

    truth: dict[str, np.ndarray]
    dream: dict[str, np.ndarray]
    dreamed_reward: np.ndarray
    reward: np.ndarray
    context: int

    def error(self, key: str, mean: np.ndarray) -> dict[str, np.ndarray]:
        """The root mean squared error of each dreamed step, "T - context", of three predictions.

        Args:
            key: which part of the observation.
            mean: the mean observation, the best constant guess.

        Returns:
            dream, repeat (the last observation that was seen) and mean.
        """
        truth = self.truth[key][:, self.context :]
        guesses = {
            "dream": self.dream[key][:, self.context :],
            "repeat": self.truth[key][:, self.context - 1 : self.context],
            "mean": mean,
        }
        axes = (0, *range(2, truth.ndim))
        return {name: np.sqrt(np.square(guess - truth).mean(axes)) for name, guess in guesses.items()}


def as_batch(agent: Agent, episodes: Sequence[Episode], start: int, length: int) -> Batch:
    """The same steps of several episodes as a batch on the agent's device.

    Raises:
        UserError: if an episode is too short.
    """
    shortest = min(len(episode.reward) for episode in episodes)
    if shortest < start + length:
        raise UserError(f"an episode of {shortest} records has no {length} steps from {start} on")
    cut = slice(start, start + length)

    def column(arrays: Sequence[np.ndarray]) -> torch.Tensor:
        return torch.from_numpy(np.stack(arrays))

    def actions(episode: Episode) -> np.ndarray:
        # the first record holds none, and what stands there need not be one of the space
        taken = agent.codec.encode(episode.action[1:])
        return np.concatenate([np.zeros_like(taken[:1]), taken])[cut]

    first = np.zeros((len(episodes), length), np.float32)
    first[:, 0] = 1  # whatever came before is unknown to the model
    return Batch(
        {key: column([e.observation[key][cut] for e in episodes]) for key in episodes[0].observation},
        column([actions(e) for e in episodes]),
        column([e.reward[cut].astype(np.float32) for e in episodes]),
        torch.from_numpy(first),
        torch.zeros(len(episodes), length),
    ).to(agent.device)


@torch.inference_mode()
def foresee(
    agent: Agent,
    episodes: Sequence[Episode],
    context: int,
    steps: int,
    start: int = 0,
    generator: torch.Generator | None = None,
) -> tuple[Batch, Features]:
    """See `context` steps of each episode from `start` on, then dream `steps` more.

    Without a generator latents are modes throughout; with one, all are drawn.

    Returns:
        Batch: what really happened, "B T ..", with T = context + steps.
        Features: what the model makes of what it saw, and then its dream, "B T ..".
    """
    batch = as_batch(agent, episodes, start, context + steps)
    world = agent.world
    trace = world.observe(batch.at(slice(context)), world.initial(len(episodes)), generator)
    dreamed = along(world, batch.action[:, context:], trace.last(), generator).at(slice(1, None))
    return batch, Features(torch.cat([trace.deter, dreamed.deter], 1), torch.cat([trace.stoch, dreamed.stoch], 1))


@torch.inference_mode()
def open_loop(
    agent: Agent,
    episodes: Sequence[Episode],
    context: int,
    steps: int,
    start: int = 0,
    generator: torch.Generator | None = None,
) -> OpenLoop:
    """What was really seen and what `foresee` foresaw of it."""
    batch, features = foresee(agent, episodes, context, steps, start, generator)
    pictures = {key: len(x.shape) == 5 for key, x in batch.observation.items()}
    truth = {key: x.cpu().numpy() / (255.0 if pictures[key] else 1.0) for key, x in batch.observation.items()}
    return OpenLoop(truth, *_decoded(agent, features), reward=batch.reward.cpu().numpy(), context=context)


def _decoded(agent: Agent, features: Features) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Observations "B T .." of each key, and rewards "B T" in the environment's unit."""
    world = agent.world
    told = {key: x.cpu().numpy() for key, x in world.decode(features).items()}
    return told, (world.reward(features) * world.preprocess.reward_unit).cpu().numpy()


@torch.inference_mode()
def expected(
    agent: Agent, episodes: Sequence[Episode], context: int, steps: int, start: int = 0, dreams: int = DREAMS
) -> OpenLoop:
    """What the world expects: the mean of so many drawn dreams, blurred where they differ.

    Where dreams are drawn from what may come, the mean of all of them has the least squared error of any prediction.
    """
    generator = torch.Generator(agent.device).manual_seed(0)
    first = open_loop(agent, episodes, context, steps, start, generator)
    told, reward = dict(first.dream), first.dreamed_reward
    for _ in range(dreams - 1):
        _, features = foresee(agent, episodes, context, steps, start, generator)
        more, paid = _decoded(agent, features)
        told, reward = {key: x + more[key] for key, x in told.items()}, reward + paid
    return replace(first, dream={key: x / dreams for key, x in told.items()}, dreamed_reward=reward / dreams)


@torch.inference_mode()
def dreamed_returns(agent: Agent, episodes: Sequence[Episode], *, drawn: bool = False) -> np.ndarray:
    """What the same policy would return if the dream were real, "B": dreams as long as the longest episode, from the
    episodes' first observations, with the policy's mode and the latents' modes, or drawn latents, which are what a
    behaviour learns from; rewards are weighted with the dreamed chance to get there.
    """
    world = agent.world
    generator = torch.Generator(agent.device).manual_seed(0)
    seen, before = as_batch(agent, episodes, 0, 1), world.initial(len(episodes))
    start = world.observe(seen, before, generator if drawn else None).last()
    steps = max(len(episode.reward) for episode in episodes) - 1
    returns, alive = torch.zeros(len(episodes), device=agent.device), torch.ones(len(episodes), device=agent.device)
    first = torch.ones(len(episodes), device=agent.device)
    dream = agent.dreaming(start, agent.undecided(len(episodes)), first, generator, drawn=drawn)
    for _, state in islice(dream, steps):
        returns += alive * world.reward(state.features)
        alive = alive * world.continue_(state.features)
    return (returns * world.preprocess.reward_unit).cpu().numpy()
