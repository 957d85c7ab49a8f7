"""The pictures of a run: what an agent does, and what it dreams."""

import base64
from collections.abc import Callable, Sequence
from pathlib import Path

import gymnasium
import numpy as np

from reverie.agents.agent import Agent
from reverie.envs.make import EnvConfig, make_vector
from reverie.envs.rendering import frame
from reverie.envs.seeds import EVALUATION, episode_seed
from reverie.errors import UserError
from reverie.report.evaluate import Episode, follow, play
from reverie.report.open_loop import OpenLoop, open_loop
from reverie.report.plots import open_loop_lines
from reverie.report.video import fitted, open_loop_strip, write_gif

CONTEXT, DREAMED = 5, 45

SHOWN = 4
"""Episodes of an evaluation that are drawn."""

FILMED = 250
"""Steps of a real episode that are shown, at most, where nothing else is asked for."""

Look = Callable[[np.ndarray], np.ndarray]


def draw_open_loop(agent: Agent, episodes: Sequence[Episode], folder: Path, fps: float) -> list[Path]:
    """Open-loop pictures of the first given episodes: a strip for each image, lines for the vectors together.

    Returns:
        The files written.
    """
    if agent.world.decoder is None:
        return []
    episodes = episodes[:SHOWN]
    length = min(len(episode.reward) for episode in episodes)
    context = min(CONTEXT, length - 1)
    loop = open_loop(agent, episodes, context, min(DREAMED, length - context))
    written = []
    for key, truth in loop.truth.items():
        if truth.ndim == 5:
            path = folder / f"dream-{key}.gif"
            write_gif(open_loop_strip(truth, loop.dream[key], loop.context), path, fps)
            written.append(path)
    vectors = [key for key, truth in loop.truth.items() if truth.ndim == 3]
    if vectors:
        written.append(_draw_vectors(loop, vectors, folder / "dream.png"))
    return written


def _draw_vectors(loop: OpenLoop, keys: Sequence[str], path: Path) -> Path:
    names = [f"{key} {index}" for key in keys for index in range(loop.truth[key].shape[-1])]
    truth = np.concatenate([loop.truth[key][0] for key in keys] + [loop.reward[0][:, None]], -1)
    dream = np.concatenate([loop.dream[key][0] for key in keys] + [loop.dreamed_reward[0][:, None]], -1)
    open_loop_lines(truth, dream, loop.context, path, [*names, "reward"])
    return path


def filmed(
    agent: Agent, config: EnvConfig, seed: int, look: Look = np.asarray, steps: int | None = None
) -> tuple[Episode, list[np.ndarray], float]:
    """Play one real episode of the agent, and draw it.

    Args:
        agent: acts with its policy's mode.
        config: of the environment.
        seed: of the episode.
        look: what is kept of each picture "H W 3" of bytes.
        steps: how many are drawn, at most.

    Returns:
        The episode; a picture of each record but the last; how many pictures the environment wants shown in a second.

    Raises:
        UserError: if the environment cannot be drawn.
    """
    env: gymnasium.Env = config.make()
    frames: list[np.ndarray] = []

    def draw() -> None:
        if steps is None or len(frames) < steps:
            frames.append(look(frame(env)))

    try:
        episode = play(make_vector([lambda: env]), follow(agent, 1), [seed], draw)[0]
        fps = min(50.0, float(env.metadata.get("render_fps") or 30))
    finally:
        env.close()
    if not frames:
        raise UserError(f"{config.env} gave no frames to film")
    return episode, frames, fps


def film(agent: Agent, config: EnvConfig, seed: int, path: Path) -> Episode:
    """Write a GIF of the beginning of one real episode of the agent, the first of a run's evaluations with that seed.

    Raises:
        UserError: if the environment cannot be drawn.
    """
    episode, frames, fps = filmed(agent, config, episode_seed(seed, EVALUATION, 0), fitted, FILMED)
    write_gif(np.stack(frames), path, fps)
    return episode


class Picture:
    """The file of a picture, PNG or GIF, which a notebook shows where it is a cell's last value; elsewhere its name.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return str(self.path)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """What notebooks ask for."""
        kind = "image/gif" if self.path.suffix == ".gif" else "image/png"
        return {kind: base64.b64encode(self.path.read_bytes()).decode(), "text/plain": repr(self)}
