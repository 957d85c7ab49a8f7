"""A learned world as a Gymnasium environment, so that any library's agent can train inside it (Ha & Schmidhuber 2018).

What its two calls do:

    reset      a real moment of the run's replay, encoded with what came before it
    step       z ~ p(. | h) at a temperature; the reward's mean; the end drawn with its learned chance
"""

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from reverie.errors import UserError
from reverie.play.dreams import Dreams
from reverie.play.starts import Start
from reverie.play.views import Observe

HORIZON = 200
"""Steps after which a dream is cut, unless one says otherwise."""


class DreamEnv(gymnasium.Env[Any, Any]):
    """One dream at a time of a run's world.

    The same seed and actions repeat the same dream: to the bit, on a CPU and with the same number of threads.

    Attributes:
        dreams: the world, the state in which the dream stands, and the generator.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"]}  # noqa: RUF012 (Gymnasium's)

    def __init__(
        self,
        run: str | Path,
        *,
        temperature: float = 1.0,
        horizon: int = HORIZON,
        observe: Observe = "features",
        start: Start = "first",
        device: str = "cpu",
        render_mode: str | None = None,
    ) -> None:
        """Load the world of a run.

        Args:
            run: its folder, with config, checkpoint and replay.
            temperature: of the prior that latents are drawn from; above 1 the world is less certain than it learned.
            horizon: steps after which a dream is truncated.
            observe: features, "D+Z" of float32, or the decoded observation in the environment's own space.
            start: at beginnings of episodes, or at any recorded moment.
            device: where to compute.
            render_mode: rgb_array draws the decoded image, if the world has one.

        Raises:
            UserError: if the run lacks its checkpoint, its replay or a decoder that is asked for, or an option makes
                no sense.
        """
        options = {"horizon": horizon, "observe": observe, "start": start, "device": device}
        self.dreams = Dreams(
            run, 1, temperature=temperature, horizon=horizon, observe=observe, start=start, device=device
        )
        self.action_space, self.observation_space = self.dreams.action_space, self.dreams.observation_space
        drawable = ["rgb_array"] if self.dreams.pictures.keys else []
        self.metadata = {"render_modes": drawable, "render_fps": self.dreams.fps}
        if render_mode is not None and render_mode not in drawable:
            cure = (
                "it can be 'rgb_array'"
                if drawable
                else f"its world decodes no image; make a probe that draws: reverie probe {run}"
            )
            raise UserError(f"{run}: render_mode cannot be '{render_mode}'; {cure}")
        self.render_mode = render_mode
        # By it the environment can be made again, as Gymnasium's checker does.
        self.spec = EnvSpec(
            "reverie/Dream-v0",
            entry_point="reverie.play.dream_env:DreamEnv",
            kwargs={"run": str(run), "temperature": temperature, **options},
        )
        self._over = True

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """A new dream from a real moment; the seed fixes the moment and all that is drawn until the next reset."""
        super().reset(seed=seed)
        self.dreams.begin(self.np_random)
        self._over = False
        return _only(self.dreams.observation()), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """One dreamed step along an action of the environment's own.

        Raises:
            ResetNeeded: if no dream runs.
            UserError: if something that is not finite was dreamed.
        """
        if self._over:
            raise ResetNeeded("the dream is over, or has not begun: call reset() first")
        step = self.dreams.step(np.asarray(action)[None])
        terminated, truncated = bool(step.terminated[0]), bool(step.truncated[0])
        self._over = terminated or truncated
        return _only(self.dreams.observation()), float(step.reward[0]), terminated, truncated, {}

    def render(self) -> np.ndarray | None:
        """The decoded image, "H W 3" of bytes, with render_mode rgb_array; otherwise None.

        Raises:
            ResetNeeded: if no dream has begun.
        """
        if self.render_mode is None:
            return None
        if self.dreams.state is None:
            raise ResetNeeded("there is nothing to draw: call reset() first")
        return self.dreams.drawn()[0]


class DreamVectorEnv(VectorEnv[Any, Any, np.ndarray]):
    """Many dreams of a run's world as one batch, with Gymnasium's next-step autoreset.

    The step after a dream's end ignores its action, and returns a new dream's beginning with reward 0. One generator
    serves all, so a row is not what a `DreamEnv` of some seed would dream.
    """

    metadata: dict[str, Any] = {"autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012 (Gymnasium's)

    def __init__(
        self,
        run: str | Path,
        num_envs: int,
        *,
        temperature: float = 1.0,
        horizon: int = HORIZON,
        observe: Observe = "features",
        start: Start = "first",
        device: str = "cpu",
    ) -> None:
        """Load the world of a run; the options are those of `DreamEnv`, which it raises UserError like."""
        self.num_envs = num_envs
        self.dreams = Dreams(
            run, num_envs, temperature=temperature, horizon=horizon, observe=observe, start=start, device=device
        )
        self.single_action_space = self.dreams.action_space
        self.single_observation_space = self.dreams.observation_space
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self._over = np.zeros(num_envs, np.bool_)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """New dreams in all rows; one seed fixes all."""
        super().reset(seed=seed)
        self.dreams.begin(self.np_random)
        self._over[:] = False
        return self.dreams.observation(), {}

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """One step of all dreams; those that ended at the step before begin anew.

        Raises:
            ResetNeeded: if no dreams have begun.
            UserError: if something that is not finite was dreamed.
        """
        if self.dreams.state is None:
            raise ResetNeeded("the dreams have not begun: call reset() first")
        reward, terminated, truncated = self.dreams.step(np.asarray(actions))
        rows = np.flatnonzero(self._over)
        if len(rows):
            self.dreams.restart(rows, self.np_random)
            reward[rows], terminated[rows], truncated[rows] = 0.0, False, False
        self._over = terminated | truncated
        return self.dreams.observation(), reward, terminated, truncated, {}


def _only(seen: Any) -> Any:
    """The one row of an observation."""
    return {key: x[0] for key, x in seen.items()} if isinstance(seen, dict) else seen[0]
