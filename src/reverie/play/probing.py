"""How a probe learns, and how well it shows a dream: episodes are played once more, and some of their steps drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.agents.agent import Agent
from reverie.data.collect import Act, RandomAct
from reverie.envs.make import EnvConfig, make_vector
from reverie.envs.rendering import frame
from reverie.envs.seeds import HELD_OUT, PROBED, episode_seed
from reverie.errors import UserError
from reverie.nets.optimiser import Optimiser, OptimiserConfig
from reverie.play.probe import Probe, ProbeConfig
from reverie.report.evaluate import Episode, follow, play
from reverie.report.open_loop import as_batch, foresee
from reverie.types import Batch, Features, Trace
from reverie.world.imagine import along
from reverie.world.world import World

AHEAD = 50
"""Steps of a piece of an episode that is dreamed for a probe to learn from."""


@dataclass(frozen=True)
class Film:
    """An episode and pictures of some of its records: at `steps` "P", `pictures` "P H W 3" of bytes."""

    episode: Episode
    steps: np.ndarray
    pictures: np.ndarray


def film_one(env: EnvConfig, act: Act, seed: int, side: int, draws: Callable[[], bool]) -> Film:
    """Play an episode, and draw the records for which `draws` says so; the last is never drawn.

    Raises:
        UserError: if the environment cannot be drawn.
    """
    made = env.make()
    steps: list[int] = []
    pictures: list[np.ndarray] = []
    passed = 0

    def after() -> None:
        nonlocal passed
        if draws():
            steps.append(passed)
            pictures.append(shrunk(frame(made), side))
        passed += 1

    try:
        (episode,) = play(make_vector([lambda: made]), act, [seed], after)
    finally:
        made.close()
    return Film(episode, np.array(steps, np.int64), np.array(pictures, np.uint8).reshape(-1, side, side, 3))


def shrunk(picture: np.ndarray, side: int) -> np.ndarray:
    """A picture "H W 3" as "side side 3": each pixel is the mean of what it covers."""
    image = torch.from_numpy(picture).permute(2, 0, 1).unsqueeze(0).float()
    small = F.interpolate(image, (side, side), mode="area")[0].permute(1, 2, 0)
    return small.round().clamp(0, 255).byte().numpy()


def films(agent: Agent, env: EnvConfig, seed: int, number: int, share: float, side: int) -> list[Film]:
    """Episodes, the first half of random actions and the rest of the agent's own, a share of their steps drawn."""
    rng = np.random.default_rng(seed)
    made = []
    for row in range(number):
        act = RandomAct(agent.codec, rng) if row < -(-number // 2) else follow(agent, 1)
        made.append(film_one(env, act, episode_seed(seed, PROBED + row, 0), side, lambda: rng.random() < share))
    return made


def held_out_films(agent: Agent, env: EnvConfig, seed: int, number: int, side: int) -> list[Film]:
    """Episodes of random actions with a picture of every step; no world and no probe has learned from them."""
    act = RandomAct(agent.codec, np.random.default_rng(0))
    return [film_one(env, act, episode_seed(seed, HELD_OUT + row, 0), side, lambda: True) for row in range(number)]


def known(agent: Agent, shown: Sequence[Film], generator: torch.Generator) -> tuple[Features, Tensor]:
    """What the world knows of each moment that was drawn, "P ..", and the pictures "P H W 3" in [0, 1].

    Each moment is there twice, as it was seen and as it was dreamed: dreams come to features that nothing seen has, and
    a probe that never met them draws a dream worse than the world knows it.
    """
    deter, stoch, pictures = [], [], []
    with torch.inference_mode():
        for film in shown:
            batch = as_batch(agent, [film.episode], 0, len(film.episode.reward))
            trace = agent.world.observe(batch, agent.world.initial(1), generator)
            for features in (trace.features, dreamed(agent.world, batch, trace)):
                deter.append(features.deter[0, film.steps])
                stoch.append(features.stoch[0, film.steps])
                pictures.append(torch.from_numpy(film.pictures))
    features = Features(torch.cat(deter).float().clone(), torch.cat(stoch).float().clone())
    return features, torch.cat(pictures).to(agent.device).float() / 255


def dreamed(world: World, batch: Batch, trace: Trace) -> Features:
    """An episode "1 T .." dreamed in pieces, along its actions, each from what was known where it begins."""
    row = torch.zeros(1, dtype=torch.long, device=batch.first.device)
    pieces = [trace.features.at(slice(1))]
    for begin in range(0, batch.first.shape[1] - 1, AHEAD):
        actions = batch.action[:, begin + 1 : begin + 1 + AHEAD]
        found = along(world, actions, world.dynamics.start(trace, row, row + begin))
        pieces.append(found.at(slice(1, None)))
    return Features(*(torch.cat(parts, 1) for parts in zip(*pieces, strict=True)))


def fit(
    config: ProbeConfig,
    features: Features,
    pictures: Tensor,
    generator: torch.Generator,
    told: Callable[[int], None] = lambda update: None,
) -> Probe:
    """A probe that learned to draw the pictures "P H W 3" from finished features "P ..".

    Args:
        config: of the probe.
        features: without a graph.
        pictures: in [0, 1].
        generator: draws batches.
        told: called with the number of updates after each.
    """
    probe = Probe(config, features.deter.shape[-1] + features.stoch.shape[-1]).to(pictures.device)
    optimiser = Optimiser(OptimiserConfig(lr=config.lr), [probe])
    for update in range(1, config.updates + 1):
        rows = torch.randint(len(pictures), (config.batch,), generator=generator, device=pictures.device)
        drawn = probe(Features(features.deter[rows], features.stoch[rows]))
        optimiser.step(0.5 * (drawn - pictures[rows]).square().flatten(1).sum(1).mean())
        told(update)
    return probe.eval()


def learned(
    agent: Agent,
    env: EnvConfig,
    config: ProbeConfig,
    *,
    seed: int = 0,
    episodes: int = 40,
    share: float = 0.25,
    told: Callable[[int], None] = lambda update: None,
) -> tuple[Probe, int]:
    """Play episodes, draw a share of their steps, and let a probe learn to draw them.

    Returns:
        The probe, and how many pictures it learned from.

    Raises:
        UserError: if the environment cannot be drawn, or no step was.
    """
    generator = torch.Generator(agent.device).manual_seed(seed)
    shown = films(agent, env, seed, episodes, share, config.side)
    features, pictures = known(agent, shown, generator)
    if not len(pictures):
        raise UserError(f"--share {share} drew no picture of {episodes} episodes; raise either")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return fit(config, features, pictures, generator, told), sum(len(film.pictures) for film in shown)


@torch.inference_mode()
def dreamed_pictures(
    agent: Agent, probe: Probe, shown: Sequence[Film], context: int, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Truth and dream "B T H W 3" in [0, 1] of films that show every step: context steps seen, the rest dreamed.

    Raises:
        UserError: if an episode is too short.
    """
    _, features = foresee(agent, [film.episode for film in shown], context, steps)
    truth = np.stack([film.pictures[: context + steps] for film in shown]) / 255
    return truth, probe(features).clamp(0, 1).cpu().numpy()


def shares(truth: np.ndarray, dream: np.ndarray, mean: np.ndarray, context: int) -> dict[str, np.ndarray]:
    """The mean squared error of each dreamed step "S": of the dream, of repeating what was seen last, of the mean."""
    guesses = {"dream": dream[:, context:], "repeat": truth[:, context - 1 : context], "mean": mean}
    return {name: np.square(guess - truth[:, context:]).mean((0, 2, 3, 4)) for name, guess in guesses.items()}
