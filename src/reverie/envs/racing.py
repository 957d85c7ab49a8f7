"""Gymnasium's CarRacing: its pedals, and the pictures that it draws at each frame, which are nearly all of its time."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.wrappers import RepeatAction, TransformAction
from jaxtyping import Float

_RACING = "gymnasium.envs.box2d.car_racing"


def draws_each_frame(env: gymnasium.Env[Any, Any]) -> bool:
    """Whether it is CarRacing."""
    return type(env.unwrapped).__module__ == _RACING


def with_pedals(env: gymnasium.Env[Any, Any]) -> gymnasium.Env[Any, Any]:
    """CarRacing with Pedals where its actions are its own: not choices, nor what a wrapper has made of them."""
    space = env.action_space
    own = isinstance(space, spaces.Box) and np.array_equal(space.low, (-1, 0, 0))
    return Pedals(env) if own and draws_each_frame(env) else env


class Pedals(TransformAction[Any, Any, Any]):
    """Steering, gas and brake from -1 to 1, as World Models has them: half gas at 0, and no brake up to there.

    The brake is strong. Were it scaled like other actions, half of it at 0, a car would creep whose actions are random
    or near 0, at a half and a tenth of the speed that it has so.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env, _pedals, spaces.Box(-1.0, 1.0, (3,), np.float32))


def _pedals(action: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    steering, gas, brake = np.asarray(action, np.float32)
    return np.array([steering, (1 + gas) / 2, max(brake, 0)], np.float32)


class RepeatUndrawn(RepeatAction[Any, Any]):
    """Holds an action, and draws the last of its frames alone: the same picture to the bit."""

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """As RepeatAction's."""
        game: Any = self.unwrapped
        shown = game.reward

        def skip(mode: str) -> Any:
            nonlocal shown
            shown = game.reward  # in the bar of instruments; the frame's own reward is added after the drawing
            return game.state.copy()  # Gymnasium warns of a step that gives the picture of the one before

        game._render = skip  # hides the method
        try:
            _, reward, terminated, truncated, info = super().step(action)
        finally:
            del game._render
        own, game.reward = game.reward, shown
        game.state = game._render("state_pixels")
        game.reward = own
        return game.state, reward, terminated, truncated, info
