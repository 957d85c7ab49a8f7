"""The Protocol of a backbone: the causal map u_1..T -> h_1..T, with u_t = (z_{t-1}, a_{t-1}).

    h_t, s_t = step(u_t, forget(s_{t-1}, first_t))

The laws that every backbone keeps are in tests/laws/test_backbones.py.
"""

from collections.abc import Sequence
from typing import ClassVar, Protocol, TypeVar

from jaxtyping import Float
from torch import Tensor

from reverie.types import History

S = TypeVar("S")


class Backbone(Protocol[S]):
    """A causal map with a memory S, a tree of tensors whose first axis is B. State goes in and comes out."""

    remembers: ClassVar[bool]
    """Whether h knows more than what entered last."""
    walkable: ClassVar[bool]
    """Whether a filter posterior may walk it through a chunk, step by step."""
    many_tokens: ClassVar[bool]
    """Whether it can be built for more than one token per step."""
    size: int
    """D, the width of h."""
    tokens: int
    """K, the tokens per step that it was built for."""

    def initial(self, rows: int) -> S:
        """The memory before anything happened, for B rows."""
        ...

    def forget(self, state: S, first: Float[Tensor, "B"]) -> S:
        """The memory at an episode's boundary: rows where first is one start anew."""
        ...

    def step(self, u: Float[Tensor, "B K U"], state: S) -> tuple[Float[Tensor, "B D"], S]:
        """One step; K tokens enter (one, or three for z, a and r), h is read at the last."""
        ...

    def scan(
        self, u: Float[Tensor, "B T K U"], first: Float[Tensor, "B T"], state: S
    ) -> tuple[Float[Tensor, "B T D"], History]:
        """All steps of a chunk at once; equals repeated forget and step."""
        ...

    def collect(self, states: Sequence[S]) -> History:
        """The history of a walk by step: the memories after each of T steps."""
        ...

    def select(self, state: S, rows: Tensor) -> S:
        """Rows of a memory; repeats are allowed."""
        ...
