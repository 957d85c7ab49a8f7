"""Time that passes as it does for a robot."""

import time
from collections.abc import Callable
from typing import Any

import gymnasium


class Paced(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Each step takes until the tick at which a robot's next observation would come.

    A step that comes late is not made up for: the ticks go on from there. A robot would have gone on by itself
    meanwhile, which a simulator does not.

    Attributes:
        period: seconds from tick to tick.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        rate: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """rate: steps a second."""
        super().__init__(env)
        self.period = 1 / rate
        self._clock, self._sleep = clock, sleep
        self._tick = 0.0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode, and the ticks with it."""
        result = self.env.reset(seed=seed, options=options)
        self._tick = self._clock()
        return result

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step, and wait for the tick."""
        result = self.env.step(action)
        now = self._clock()
        self._tick = max(self._tick + self.period, now)
        if self._tick > now:
            self._sleep(self._tick - now)
        return result
