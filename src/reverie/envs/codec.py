"""The action codec: the environment's own action on one side, float32 in [-1, 1] on the other.

Replay stores the environment's own action, so that an episode can be stepped through again exactly; the model, the
policy and the planner see `size` numbers in [-1, 1] and never ask which environment they came from.
"""

from typing import Any, Protocol, runtime_checkable

import numpy as np
from gymnasium import Space, spaces
from jaxtyping import Float, Float32, Shaped

from reverie.errors import UserError


@runtime_checkable
class ActionCodec(Protocol):
    """Between the environment's own actions "... *shape" and the model's "... A"."""

    @property
    def size(self) -> int:
        """A, the numbers in one action of the model."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one action of the environment."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the environment's own actions."""
        ...

    @property
    def groups(self) -> tuple[int, ...]:
        """The widths of its one-hot groups, of which only the largest number matters; none where all numbers do."""
        ...

    def encode(self, action: Shaped[np.ndarray, "..."]) -> Float32[np.ndarray, "... A"]:
        """The environment's own actions "... *shape" as the model sees them, in [-1, 1]."""
        ...

    def decode(self, model_action: Float[np.ndarray, "... A"]) -> Shaped[np.ndarray, "..."]:
        """The model's actions as the environment's own "... *shape", within its bounds and of its type."""
        ...

    def sample(self, rng: np.random.Generator, rows: int) -> Shaped[np.ndarray, "rows ..."]:
        """Uniform actions of the environment's own, `rows` of them."""
        ...


class BoxCodec:
    """A bounded Box, flattened, its bounds at -1 and 1; a coordinate with low == high is 0 to the model.

    Raises UserError where a bound is infinite.
    """

    groups: tuple[int, ...] = ()

    def __init__(self, space: spaces.Box) -> None:
        low, high = space.low.astype(np.float64), space.high.astype(np.float64)
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            raise UserError(
                f"the action space {space} has an infinite bound, so its actions cannot be scaled to [-1, 1]: give it "
                "finite bounds, for instance with gymnasium.wrappers.TransformAction or RescaleAction and ClipAction"
            )
        self.shape: tuple[int, ...] = space.shape
        self.dtype: np.dtype[Any] = np.dtype(space.dtype)
        self.size = int(np.prod(self.shape))
        self._low: np.ndarray[Any, Any] = space.low
        self._high: np.ndarray[Any, Any] = space.high
        # Halves first: high - low overflows for the widest bounds of the type.
        self._middle, self._half = low / 2 + high / 2, high / 2 - low / 2

    def encode(self, action: Shaped[np.ndarray, "..."]) -> Float32[np.ndarray, "... A"]:
        """Actions "... *shape" as float32 "... A", clipped to [-1, 1]; ValueError where the shape is another."""
        action = np.asarray(action)
        lead = _lead(action, self.shape)
        half = np.where(self._half > 0, self._half, 1.0)
        scaled = np.clip((action.astype(np.float64) - self._middle) / half, -1.0, 1.0)
        return scaled.reshape(*lead, self.size).astype(np.float32)

    def decode(self, model_action: Float[np.ndarray, "... A"]) -> Shaped[np.ndarray, "..."]:
        """Actions "... A" as the environment's own, clipped to its bounds; rounded, where those are integers."""
        scaled = np.asarray(model_action)
        lead = _lead(scaled, (self.size,))
        return self._own(np.clip(scaled.astype(np.float64), -1.0, 1.0).reshape(*lead, *self.shape))

    def sample(self, rng: np.random.Generator, rows: int) -> Shaped[np.ndarray, "rows ..."]:
        """Uniform between the bounds; both ends included where the environment counts in integers."""
        if np.issubdtype(self.dtype, np.integer):
            return rng.integers(self._low, self._high, size=(rows, *self.shape), dtype=self.dtype, endpoint=True)
        return self._own(rng.uniform(-1.0, 1.0, size=(rows, *self.shape)))

    def _own(self, scaled: np.ndarray) -> np.ndarray:
        action = self._middle + self._half * scaled
        if np.issubdtype(self.dtype, np.integer):
            action = np.rint(action)
        # Clipped after the cast as well: the nearest float32 may lie outside float64 bounds, and past an integer's.
        action = np.clip(action, self._low.astype(np.float64), self._high.astype(np.float64))
        return np.clip(action.astype(self.dtype), self._low, self._high)


class OneHotCodec:
    """A Discrete space of n choices as n numbers: 1 at the choice and 0 elsewhere; decoded by the largest."""

    def __init__(self, space: spaces.Discrete) -> None:
        self.shape: tuple[int, ...] = ()
        self.dtype: np.dtype[Any] = np.dtype(space.dtype)
        self.size = int(space.n)
        self.groups: tuple[int, ...] = (self.size,)
        self._start = int(space.start)

    def encode(self, action: Shaped[np.ndarray, "..."]) -> Float32[np.ndarray, "... A"]:
        """Choices "..." as one-hot rows "... A"; ValueError where one is outside [start, start + A)."""
        index = np.asarray(action, dtype=np.int64) - self._start
        if ((index < 0) | (index >= self.size)).any():
            raise ValueError(f"actions must lie in [{self._start}, {self._start + self.size}), got {action}")
        return np.eye(self.size, dtype=np.float32)[index]

    def decode(self, model_action: Float[np.ndarray, "... A"]) -> Shaped[np.ndarray, "..."]:
        """The choice "..." whose number is the largest, the first of equals."""
        scores = np.asarray(model_action)
        _lead(scores, (self.size,))
        return np.asarray(np.argmax(scores, axis=-1) + self._start).astype(self.dtype)

    def sample(self, rng: np.random.Generator, rows: int) -> Shaped[np.ndarray, "rows ..."]:
        """Uniform over the choices."""
        return (rng.integers(self.size, size=rows) + self._start).astype(self.dtype)


class MultiDiscreteCodec:
    """A MultiDiscrete space, flattened: a group of one-hot numbers for each of its choices, one after the other."""

    def __init__(self, space: spaces.MultiDiscrete) -> None:
        self.shape: tuple[int, ...] = space.nvec.shape
        self.dtype: np.dtype[Any] = np.dtype(space.dtype)
        self._widths: np.ndarray[Any, Any] = space.nvec.flatten().astype(np.int64)
        self._start: np.ndarray[Any, Any] = space.start.astype(np.int64)
        self.groups: tuple[int, ...] = tuple(int(width) for width in self._widths)
        self.size = sum(self.groups)
        self._begin = np.cumsum(self._widths) - self._widths  # where each group begins among the A numbers

    def encode(self, action: Shaped[np.ndarray, "..."]) -> Float32[np.ndarray, "... A"]:
        """Choices "... *shape" as one-hot groups "... A"; ValueError where one is outside its bounds."""
        action = np.asarray(action)
        lead = _lead(action, self.shape)
        index = (action.astype(np.int64) - self._start).reshape(*lead, len(self.groups))
        if ((index < 0) | (index >= self._widths)).any():
            end = self._start + self._widths.reshape(self.shape)
            raise ValueError(f"actions must lie in [{self._start.tolist()}, {end.tolist()}), got {action.tolist()}")
        seen = np.zeros((*lead, self.size), np.float32)
        np.put_along_axis(seen, self._begin + index, 1.0, axis=-1)
        return seen

    def decode(self, model_action: Float[np.ndarray, "... A"]) -> Shaped[np.ndarray, "..."]:
        """The choice of each group whose number is the largest, the first of equals, as "... *shape"."""
        scores = np.asarray(model_action)
        lead = _lead(scores, (self.size,))
        choices = [part.argmax(-1) for part in np.split(scores, self._begin[1:], axis=-1)]
        return (np.stack(choices, -1).reshape(*lead, *self.shape) + self._start).astype(self.dtype)

    def sample(self, rng: np.random.Generator, rows: int) -> Shaped[np.ndarray, "rows ..."]:
        """Uniform over the choices of each group."""
        index = rng.integers(self._widths.reshape(self.shape), size=(rows, *self.shape))
        return (index + self._start).astype(self.dtype)


class MultiBinaryCodec(MultiDiscreteCodec):
    """A MultiBinary space: a group of two one-hot numbers for each bit."""

    def __init__(self, space: spaces.MultiBinary) -> None:
        super().__init__(spaces.MultiDiscrete(np.full(space.shape, 2)))
        self.dtype = np.dtype(space.dtype)


CODECS: dict[type[Space], Any] = {
    spaces.Box: BoxCodec,
    spaces.Discrete: OneHotCodec,
    spaces.MultiDiscrete: MultiDiscreteCodec,
    spaces.MultiBinary: MultiBinaryCodec,
}
"""The codec of each kind of action space."""


def codec(space: Space) -> ActionCodec:
    """The codec of an action space; UserError names a space that has none."""
    for kind, known in CODECS.items():
        if isinstance(space, kind):
            return known(space)
    raise UserError(
        f"the action space {space} is not supported: only {', '.join(kind.__name__ for kind in CODECS)} are; wrap the "
        "environment so that its actions are one of them, for instance with gymnasium.wrappers.TransformAction"
    )


def _lead(array: np.ndarray, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The dimensions in front of `shape`; ValueError where the array does not end in it."""
    lead = array.shape[: array.ndim - len(shape)]
    if array.shape != (*lead, *shape):
        raise ValueError(f"actions must have the shape (..., {', '.join(map(str, shape))}), got {array.shape}")
    return lead
