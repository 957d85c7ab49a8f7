"""What a person can do: a slider for each number of an action, or a choice out of some."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float32

from reverie.envs.codec import ActionCodec
from reverie.errors import UserError


class Controls:
    """Between what is moved on the page, a number for each control, and the environment's own actions.

    A slider's number is in [-1, 1]; that of a choice counts from 0.

    Attributes:
        size: how many controls there are.
        idle: their numbers where nothing is done.
    """

    def __init__(self, codec: ActionCodec, names: Sequence[str]) -> None:
        """names: of the choices, where there is one control and they are known."""
        self._codec, self._names = codec, names
        self.size = len(codec.groups) or codec.size
        self.idle = [0.0] * self.size

    def described(self) -> list[dict[str, Any]]:
        """Each control for the page: the names of its choices, or the ends of its slider in the environment's units."""
        if self._codec.groups:
            named = len(self._codec.groups) == 1 and len(self._names) == self._codec.size
            return [
                {"choices": list(self._names) if named else [str(choice) for choice in range(width)]}
                for width in self._codec.groups
            ]
        low, high = (self._codec.decode(np.full((1, self.size), end)).reshape(-1) for end in (-1.0, 1.0))
        return [{"low": float(least), "high": float(most)} for least, most in zip(low, high, strict=True)]

    def check(self, values: Sequence[float]) -> None:
        """See that there is a number for each control, and that it can be had.

        Raises:
            UserError: if not.
        """
        if len(values) != self.size:
            raise UserError(f"an action needs {self.size} numbers, not {len(values)}")
        for value, width in zip(values, self._codec.groups, strict=False):
            if value != int(value) or not 0 <= value < width:
                raise UserError(f"a choice must be a whole number from 0 to {width - 1}, not {value}")

    def action(self, values: Sequence[float]) -> np.ndarray:
        """The environment's own action "1 ..."; sliders are clipped to their ends."""
        if not self._codec.groups:
            return self._codec.decode(np.array([values], np.float32))
        one_hot = [np.eye(width, dtype=np.float32)[int(x)] for x, width in zip(values, self._codec.groups, strict=True)]
        return self._codec.decode(np.concatenate(one_hot)[None])

    def values(self, encoded: Float32[np.ndarray, "1 A"]) -> list[float]:
        """The numbers of the controls for an action of the model."""
        if not self._codec.groups:
            return [float(x) for x in encoded[0]]
        parts = np.split(encoded[0], np.cumsum(self._codec.groups)[:-1])
        return [float(part.argmax()) for part in parts]
