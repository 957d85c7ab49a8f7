"""Maps over nested tensors."""

from typing import NamedTuple

import torch

from reverie.ops import tree


class Memory(NamedTuple):
    hidden: torch.Tensor
    layers: tuple[dict[str, torch.Tensor], ...]


def memory(offset=0.0):
    return Memory(torch.arange(3.0).unsqueeze(1) + offset, ({"keys": torch.arange(12.0).reshape(3, 2, 2) + offset},))


def test_map_keeps_the_structure_and_takes_the_same_place_of_the_others():
    added = tree.map(torch.add, memory(), memory(1.0))
    assert isinstance(added, Memory)
    assert added.hidden.tolist() == [[1.0], [3.0], [5.0]]
    assert added.layers[0]["keys"][0].tolist() == [[1.0, 3.0], [5.0, 7.0]]


def test_select_takes_rows_in_any_order_with_repeats():
    picked = tree.select(memory(), torch.tensor([2, 0, 2]))
    assert picked.hidden.tolist() == [[2.0], [0.0], [2.0]]
    assert picked.layers[0]["keys"][:, 0, 0].tolist() == [8.0, 0.0, 8.0]


def test_stack_makes_a_new_axis():
    stacked = tree.stack([memory(), memory(10.0)], 1)
    assert stacked.hidden.tolist() == [[[0.0], [10.0]], [[1.0], [11.0]], [[2.0], [12.0]]]
    assert stacked.layers[0]["keys"].shape == (3, 2, 2, 2)


def test_detach_cuts_every_leaf():
    grown = tree.map(lambda x: x.requires_grad_() * 2, memory())
    cut = tree.detach(grown)
    assert grown.hidden.requires_grad
    assert not cut.hidden.requires_grad and not cut.layers[0]["keys"].requires_grad


def test_forget_zeroes_the_rows_where_first_is_one():
    forgotten = tree.forget(memory(1.0), torch.tensor([0.0, 1.0, 0.0]))
    assert forgotten.hidden.tolist() == [[1.0], [0.0], [3.0]]
    assert forgotten.layers[0]["keys"].sum((1, 2)).tolist() == [10.0, 0.0, 42.0]


def test_forget_along_rows_and_time():
    x = torch.ones(2, 3, 2)
    first = torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    assert tree.forget(x, first)[..., 0].tolist() == [[1, 0, 1], [0, 1, 1]]


def test_what_was_infinite_is_forgotten_too():
    broken = torch.tensor([[float("nan")], [float("inf")], [1.0]])
    assert tree.forget(broken, torch.tensor([1.0, 1.0, 0.0])).tolist() == [[0.0], [0.0], [1.0]]
