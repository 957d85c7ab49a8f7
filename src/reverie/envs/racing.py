"""CarRacing draws a picture at each frame, whether it is seen or not, and that is nearly all of its time."""

from typing import Any

import gymnasium
from gymnasium.wrappers import RepeatAction

_RACING = "gymnasium.envs.box2d.car_racing"


def draws_each_frame(env: gymnasium.Env[Any, Any]) -> bool:
    """Whether it is CarRacing."""
    return type(env.unwrapped).__module__ == _RACING


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
