"""Maps over nested tuples, named tuples and dicts of tensors, such as a backbone's memory."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

T = TypeVar("T")


def map(function: Callable[..., Tensor], tree: T, *others: T) -> T:
    """Apply a function to each tensor of a tree, with the tensors at the same place of the others."""
    return pytree.tree_map(function, tree, *others)


def select(tree: T, rows: Tensor) -> T:
    """The chosen rows of each tensor's first axis; repeats are allowed."""
    return map(lambda x: x[rows], tree)


def stack(trees: Sequence[T], dim: int) -> T:
    """One tree whose tensors are stacked along a new axis."""
    return map(lambda *x: torch.stack(x, dim), trees[0], *trees[1:])


def detach(tree: T) -> T:
    """The same tree, cut from the graph."""
    return map(lambda x: x.detach(), tree)


def forget(tree: T, first: Tensor) -> T:
    """Zero where first "..." is one; each tensor is "... F" or more. Not even infinity leaves a trace."""

    def zero(x: Tensor) -> Tensor:
        return torch.where(first.bool().reshape(*first.shape, *[1] * (x.dim() - first.dim())), 0, x)

    return map(zero, tree)
