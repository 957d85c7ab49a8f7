"""One person, one learned world and, beside it, the real environment: what is dreamed, step by step.

beside      both get the same action; the dream began at what was really seen
alone       the dream goes on from a recorded moment, and nothing real is beside it
prior       the dream follows its own latents; posterior: each step, what is really seen corrects it
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from reverie.envs.observation import is_image
from reverie.errors import UserError, about
from reverie.play.page.controls import Controls
from reverie.play.page.departure import Departure
from reverie.play.page.moments import Moments
from reverie.play.page.reality import Reality, Seen
from reverie.play.probe import load_probe
from reverie.play.views import Pictures
from reverie.train.folder import RunFolder, load
from reverie.types import State

SAMPLED = 256
"""Records of the replay from which the mean is measured that a dream has to beat."""


@dataclass(frozen=True)
class Frame:
    """What there is to see at a step; None where there is no such thing.

    Rewards, values and vectors are in the environment's units. `left` is the step at which the dream left reality.
    """

    step: int
    controls: list[float]
    dream: UInt8[np.ndarray, "H W 3"] | None
    real: UInt8[np.ndarray, "H W 3"] | None
    dreamed: list[float]
    seen: list[float] | None
    latent: Float[np.ndarray, "R C"]
    reward: float
    real_reward: float | None
    going: float
    value: float | None
    error: float | None
    left: int | None
    over: bool


class Session:
    """A world that is played in.

    Attributes:
        agent_acts: whether the agent chooses the actions.
        temperature: of the dream.
        controls: what a person can do.
        moments: where a dream may begin without the environment.
        pictures: draws the dream, where it can be drawn.
    """

    def __init__(self, run: str | Path, *, temperature: float = 1.0, seed: int = 0, device: str = "cpu") -> None:
        """Load a run and begin an episode.

        Args:
            run: its folder, with config, checkpoint and replay.
            temperature: of the prior that latents are drawn from.
            seed: of real episodes and of what is drawn.
            device: where to compute.

        Raises:
            UserError: if the run lacks its checkpoint or its replay, or its environment cannot be had.
        """
        self._agent, resolved = load(run, device)
        self._world, self._codec = self._agent.world, self._agent.codec
        self._reality = Reality(resolved.config.env, seed)
        replay = RunFolder(Path(run)).experience(resolved, self._reality.space, self._codec)
        with about(str(run)):
            self.moments = Moments(replay, self._world, "any", resolved.config.train.records)
        self.title = f"{resolved.preset} on {resolved.config.env.env}"
        size = self._world.dynamics.deter_size + self._world.dynamics.stoch_size
        probe = load_probe(Path(run), size, self._agent.device)
        self.pictures = Pictures(self._world, self._reality.space, probe)
        self.controls = Controls(self._codec, self._reality.meanings())
        spaces = self._reality.space.spaces
        self._images = [key for key, space in spaces.items() if is_image(space)]
        self._vectors = [key for key in spaces if key not in self._images]
        self._generator = torch.Generator(self._agent.device).manual_seed(seed)
        self._departure = self._measured(seed)
        self._valued = hasattr(self._agent.behaviour, "critic")
        self.temperature, self.agent_acts, self._posterior = temperature, False, False
        self._seen: Seen | None = None
        self.reset()

    @property
    def posterior(self) -> bool:
        """Whether what is really seen corrects the dream at each step."""
        return self._posterior

    @posterior.setter
    def posterior(self, chosen: bool) -> None:
        """Where it no longer does, a dream begins."""
        self._posterior = chosen
        self._left = None
        if chosen and self._beside:
            self._state = self._awake

    @property
    def alone(self) -> bool:
        """Whether nothing real is beside the dream."""
        return not self._beside

    @property
    def guess(self) -> float | None:
        """The error of the mean of the run's records; None where nothing is decoded."""
        return None if self._departure is None else self._departure.guess

    @torch.inference_mode()
    def reset(self) -> Frame:
        """A new real episode, and a dream beside it that begins at what is seen first."""
        self._seen = self._reality.reset()
        nothing = torch.zeros(1, self._codec.size, device=self._agent.device)
        self._awake = self._watched(self._seen, nothing, self._world.initial(1), first=1.0)
        return self._begin(self._awake, beside=True)

    @torch.inference_mode()
    def begin(self, moment: int) -> Frame:
        """A dream alone, from a recorded moment of that number."""
        chosen = self.moments.at(moment, self._generator)
        self._seen = Seen(chosen.observation, chosen.reward, False)
        return self._begin(chosen.state, beside=False)

    @torch.inference_mode()
    def step(self, values: Sequence[float]) -> Frame:
        """One step along the numbers of the controls, or the agent's own action; after an end, a new episode.

        Raises:
            UserError: if something that is not finite was dreamed, or seen.
        """
        if self._seen is not None and self._seen.over:
            return self.reset()
        own = self._chosen() if self.agent_acts else self.controls.action(values)
        taken = self._codec.encode(own)
        action = torch.from_numpy(taken).to(self._agent.device)
        self._state = self._world.imagine(action, self._state, self._generator, self.temperature)
        self._seen = None
        if self._beside:
            self._seen = self._reality.step(own[0])
            self._awake = self._watched(self._seen, action, self._awake, first=0.0)
            if self._posterior:
                self._state = self._awake
        self._step, self._taken = self._step + 1, self.controls.values(taken)
        return self.look()

    @torch.inference_mode()
    def look(self) -> Frame:
        """What there is to see where the dream stands.

        Raises:
            UserError: if something that is not finite was dreamed.
        """
        features, unit = self._state.features, float(self._world.preprocess.reward_unit)
        decoded, reward = self._world.decode(features), self._world.reward(features)
        dreamed = (features.read("hz"), reward, *decoded.values())
        if not all(bool(torch.isfinite(x).all()) for x in dreamed):
            raise UserError(f"the dream is not finite after {self._step} steps: reset it, or lower the temperature")
        seen = self._seen
        error = self._error(decoded)
        if self._left is None and self._departure is not None and error is not None and error > self._departure.guess:
            self._left = self._step
        return Frame(
            self._step,
            self._taken,
            self.pictures(features)[0] if self.pictures.keys else None,
            self._picture(),
            _flat({key: decoded[key] for key in self._vectors if key in decoded}),
            None if seen is None else _flat({key: seen.observation[key] for key in self._vectors}),
            self._latent(features.stoch),
            float(reward) * unit,
            None if seen is None else seen.reward,
            float(self._world.continue_(features)),
            float(self._agent.behaviour.value(features)) * unit if self._valued else None,
            error,
            None if self._posterior else self._left,
            seen is not None and seen.over,
        )

    def described(self) -> dict[str, Any]:
        """What stays the same, for the page."""
        lengths = {key: math.prod(self._reality.space[key].shape or ()) for key in self._vectors}
        notes = (
            [] if self._world.decoder else ["The world has no decoder: its dream is not to be seen, but in numbers."]
        )
        if self._reality.undrawn:
            notes.append(f"The environment is not to be seen: {self._reality.undrawn}.")
        return {
            "title": self.title,
            "controls": self.controls.described(),
            "vectors": [f"{key} {index}" for key, length in lengths.items() for index in range(length)],
            "moments": len(self.moments),
            "guess": self.guess,
            "value": self._valued,
            "notes": notes,
        }

    def close(self) -> None:
        """Close the environment."""
        self._reality.close()

    def _begin(self, state: State, *, beside: bool) -> Frame:
        self._state, self._beside = state, beside
        self._memory, self._first = self._agent.undecided(1), True
        self._step, self._left, self._taken = 0, None, self.controls.idle
        return self.look()

    def _watched(self, seen: Seen, action: Tensor, state: State, first: float) -> State:
        """The world's state after a real step, as an agent that is awake has it."""
        device = self._agent.device
        inputs = self._world.arriving(action, torch.tensor([seen.reward], dtype=torch.float32, device=device))
        return self._world.update(self._batch(seen), inputs, torch.tensor([first], device=device), state)

    def _chosen(self) -> np.ndarray:
        """The agent's own action "1 ..." where the dream stands."""
        first = torch.full((1,), float(self._first), device=self._agent.device)
        action, self._memory = self._agent.choose(self._state, self._memory, first, "evaluate", self._generator)
        self._first = False
        return self._codec.decode(action.float().cpu().numpy())

    def _batch(self, seen: Seen) -> dict[str, Tensor]:
        return {key: torch.as_tensor(x, device=self._agent.device)[None] for key, x in seen.observation.items()}

    @torch.inference_mode()
    def _measured(self, seed: int) -> Departure | None:
        if self._world.decoder is None:
            return None
        records = self.moments.some(SAMPLED, np.random.default_rng(seed)).to(self._agent.device)
        return Departure(self._world, self._images, records)

    def _error(self, decoded: Mapping[str, Tensor]) -> float | None:
        if self._departure is None or self._seen is None:
            return None
        return self._departure.error(decoded, self._batch(self._seen))

    def _picture(self) -> np.ndarray | None:
        """What is really seen; where the dream is alone, only the moment at which it began."""
        if self._seen is None or not (self._beside or self._images):
            return None
        return self._reality.picture(self._seen.observation, self._images)

    def _latent(self, stoch: Tensor) -> Float[np.ndarray, "R C"]:
        """z in as square a grid as its size allows, what its family spans in [0, 1]."""
        size = stoch.shape[-1]
        rows = max(number for number in range(1, math.isqrt(size) + 1) if size % number == 0)
        low, high = self._world.dynamics.latent.span
        return np.clip((stoch.float().cpu().numpy().reshape(rows, -1) - low) / (high - low), 0, 1)


def _flat(arrays: Mapping[str, Any]) -> list[float]:
    return [float(x) for values in arrays.values() for x in np.asarray(values).reshape(-1)]
