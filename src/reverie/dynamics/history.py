"""The history of a backbone whose memory at each step can simply be stored."""

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from torch import Tensor

from reverie.ops import tree

S = TypeVar("S")


class Stacked(NamedTuple, Generic[S]):
    """Memories stacked over time: a tree of tensors "B T ..."."""

    memory: S

    @classmethod
    def of(cls, states: Sequence[S]) -> "Stacked[S]":
        """The memories after each of T steps."""
        return cls(tree.stack(states, 1))

    def last(self) -> S:
        """The memory after the last step, "B ..."."""
        return tree.map(lambda x: x[:, -1], self.memory)

    def at(self, rows: Tensor, steps: Tensor) -> S:
        """The memories after the chosen (b, t), "N ..."."""
        return tree.map(lambda x: x[rows, steps], self.memory)
