"""What recurrent cells share: a walk in which the inputs' share is computed once for all steps."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

from jaxtyping import Float
from torch import Tensor, nn

from reverie.dynamics.history import Stacked
from reverie.ops import tree

S = TypeVar("S")


class Recurrent(nn.Module, ABC, Generic[S]):
    """h_t, s_t from s_{t-1} and the inputs' share W u_t: a cell, walked.

    Attributes:
        size: D.
        input: from u to the inputs' share.
    """

    remembers = True
    walkable = True
    many_tokens = False
    tokens = 1
    HOT = ("step",)
    size: int
    input: nn.Linear

    @abstractmethod
    def initial(self, rows: int) -> S:
        """Zeros, "B D" each."""

    @abstractmethod
    def cell(self, share: Tensor, state: S) -> S:
        """The memory after one step, from the inputs' share and the memory before."""

    @staticmethod
    @abstractmethod
    def shown(state: S) -> Tensor:
        """h, the part of a memory that is read."""

    def forget(self, state: S, first: Float[Tensor, "B"]) -> S:
        """Zero where first is one."""
        return tree.forget(state, first)

    def step(self, u: Float[Tensor, "B 1 U"], state: S) -> tuple[Float[Tensor, "B D"], S]:
        """One step of the cell."""
        state = self.cell(self.input(u[:, 0]), state)
        return self.shown(state), state

    def scan(
        self, u: Float[Tensor, "B T 1 U"], first: Float[Tensor, "B T"], state: S
    ) -> tuple[Float[Tensor, "B T D"], Stacked[S]]:
        """A walk, with the inputs' share computed once for all steps."""
        shares = self.input(u[:, :, 0]).unbind(1)
        states = []
        for share, start in zip(shares, first.unbind(1), strict=True):
            state = self.cell(share, self.forget(state, start))
            states.append(state)
        history = self.collect(states)
        return self.shown(history.memory), history

    def collect(self, states: Sequence[S]) -> Stacked[S]:
        """The memories of a walk, stacked."""
        return Stacked.of(states)

    def select(self, state: S, rows: Tensor) -> S:
        """Rows of the memory."""
        return tree.select(state, rows)
