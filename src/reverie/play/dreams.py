"""N dreams of a run's world, stepped as one batch: what one environment and many side by side have in common."""

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import spaces

from reverie.errors import UserError, about
from reverie.ops import tree
from reverie.play.probe import load_probe
from reverie.play.starts import Start, Starts
from reverie.play.views import Observe, Pictures, view
from reverie.train.folder import RunFolder, load
from reverie.types import State


class Step(NamedTuple):
    """What a step of N dreams brought: reward "N" in the environment's units, terminated and truncated "N"."""

    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray


class Dreams:
    """N dreams, each from a real moment of the run until it ends or is cut.

    Attributes:
        world: the world that is dreamed of.
        state: where the dreams stand; None before they began.
        generator: draws latents and endings.
        action_space, observation_space: of one dream.
        pictures: draws the dreams, where the world decodes an image.
    """

    def __init__(
        self,
        run: str | Path,
        rows: int,
        *,
        temperature: float,
        horizon: int,
        observe: Observe,
        start: Start,
        device: str,
    ) -> None:
        """Load a run; see `DreamEnv` for the options, with N rows.

        Raises:
            UserError: if the run lacks what dreams need, or an option makes no sense.
        """
        _check(rows, temperature, horizon)
        self.agent, resolved = load(run, device)
        self.world = self.agent.world
        env = resolved.config.env.make()
        try:
            self._see = view(observe, self.world, env)
            self.action_space, self.observation_space = env.action_space, self._see.space
            assert isinstance(env.observation_space, spaces.Dict), env.observation_space
            size = self.world.dynamics.deter_size + self.world.dynamics.stoch_size
            self.pictures = Pictures(self.world, env.observation_space, load_probe(Path(run), size, self.agent.device))
            self.fps = env.metadata.get("render_fps") or 15
            replay = RunFolder(Path(run)).experience(resolved, env.observation_space, self.agent.codec)
        finally:
            env.close()
        with about(str(run)):
            self._starts = Starts(replay, self.world, start, resolved.config.train.records)
        self._temperature, self._horizon = temperature, horizon
        self._ages = np.zeros(rows, np.int64)
        self.state: State | None = None
        self.generator = torch.Generator(self.agent.device)

    @torch.inference_mode()
    def begin(self, rng: np.random.Generator) -> None:
        """All dreams begin anew, and so does the generator, with a seed from rng."""
        self.generator.manual_seed(int(rng.integers(2**63)))
        self.state = self._starts.draw(len(self._ages), rng, self.generator)
        self._ages[:] = 0

    @torch.inference_mode()
    def restart(self, rows: np.ndarray, rng: np.random.Generator) -> None:
        """Some dreams, named by their numbers, begin anew; the others stay where they are."""
        fresh = self._starts.draw(len(rows), rng, self.generator)
        where = torch.from_numpy(rows).to(self.generator.device)
        self.state = tree.map(lambda old, new: old.index_copy(0, where, new), self.state, fresh)
        self._ages[rows] = 0

    @torch.inference_mode()
    def step(self, action: np.ndarray) -> Step:
        """One step of all dreams along the environment's own actions "N ...".

        Raises:
            UserError: if something that is not finite was dreamed.
        """
        assert self.state is not None
        taken = torch.from_numpy(self.agent.codec.encode(action)).to(self.generator.device)
        self.state = self.world.imagine(taken, self.state, self.generator, self._temperature)
        features = self.state.features
        reward = (self.world.reward(features) * self.world.preprocess.reward_unit).cpu().double().numpy()
        goes_on = self.world.continue_(features)
        ended = torch.empty_like(goes_on).uniform_(generator=self.generator) >= goes_on
        if not (np.isfinite(reward).all() and bool(torch.isfinite(features.read("hz")).all())):
            raise UserError(
                f"a dream is not finite after {int(self._ages.max()) + 1} steps: give finite actions, a lower "
                "temperature or a shorter horizon, or train the world for longer"
            )
        self._ages += 1
        return Step(reward, ended.cpu().numpy(), self._ages >= self._horizon)

    @torch.inference_mode()
    def observation(self) -> Any:
        """What is seen in each dream, arrays "N ..." of the observation space's kind."""
        assert self.state is not None
        return self._see(self.state.features)

    @torch.inference_mode()
    def drawn(self) -> np.ndarray:
        """The pictures of all dreams, "N H W 3" of bytes."""
        assert self.state is not None
        return self.pictures(self.state.features)


def _check(rows: int, temperature: float, horizon: int) -> None:
    if not 0 < temperature < math.inf:
        raise UserError(f"the temperature must be a positive number, not {temperature}; 1 dreams as was learned")
    for name, value in {"num_envs": rows, "horizon": horizon}.items():
        if value < 1:
            raise UserError(f"{name} must be at least 1, not {value}")
