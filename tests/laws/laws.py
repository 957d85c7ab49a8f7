"""The laws that every backbone keeps, as functions: each raises AssertionError where a backbone breaks it.

A memory is opaque: two memories are the same if the same inputs lead on from them to the same outputs. Inputs are
random; episodes begin at random inside the chunk; the memory that the chunk follows is that of another chunk.
"""

from typing import Any, NamedTuple

import torch
from backbones import INPUTS
from torch import Tensor
from torch.utils import _pytree as pytree

from reverie.types import History

ROWS, STEPS, AHEAD = 4, 6, 3
"""B and T of a chunk, and the inputs by which memories are compared."""

EXACT = {"rtol": 0.0, "atol": 1e-10}


class Chunk(NamedTuple):
    """A chunk of inputs "B T K U", its episodes' beginnings "B T", the memory before it, and inputs that follow."""

    u: Tensor
    first: Tensor
    state: Any
    ahead: Tensor


def chunk(backbone: Any, seed: int) -> Chunk:
    """Random inputs; in row 0 nothing begins, in row 1 an episode begins at the chunk's first step."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    first = (torch.rand(ROWS, STEPS, generator=generator) < 0.3).double()
    first[0], first[1, 0] = 0, 1
    memory = walk(
        backbone, draw(ROWS, 3, backbone.tokens, INPUTS), torch.zeros(ROWS, 3).double(), backbone.initial(ROWS)
    )[1][-1]
    memory = pytree.tree_map(lambda x: x.detach(), memory)
    return Chunk(draw(ROWS, STEPS, backbone.tokens, INPUTS), first, memory, draw(ROWS, AHEAD, backbone.tokens, INPUTS))


def walk(backbone: Any, u: Tensor, first: Tensor, state: Any) -> tuple[Tensor, list[Any]]:
    """What scan shall equal: forget and step, again and again. Outputs "B T D" and the memory after each step."""
    hs, states = [], []
    for now, start in zip(u.unbind(1), first.unbind(1), strict=True):
        h, state = backbone.step(now, backbone.forget(state, start))
        hs.append(h)
        states.append(state)
    return torch.stack(hs, 1), states


def lead_on(backbone: Any, state: Any, ahead: Tensor) -> Tensor:
    """The outputs "N AHEAD D" that follow a memory, as a dream's do: all that can be known of it."""
    hs = []
    for now in ahead.unbind(1):
        h, state = backbone.step(now, state)
        hs.append(h)
    return torch.stack(hs, 1)


def same(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, **EXACT)


def same_memory(backbone: Any, a: Any, b: Any, ahead: Tensor) -> None:
    same(lead_on(backbone, a, ahead), lead_on(backbone, b, ahead))


def moved(a: Tensor, b: Tensor) -> None:
    assert (a - b).abs().max() > 1e-6, "nothing moved"


def remembers(backbone: Any) -> bool:
    """Whether its memory holds any number at all."""
    _, memory = backbone.step(torch.zeros(1, backbone.tokens, INPUTS).double(), backbone.initial(1))
    return any(leaf.numel() for leaf in pytree.tree_leaves(memory))


def check_fold(backbone: Any, seed: int) -> None:
    """1. scan equals repeated forget and step: outputs, last memory, and the history that collect makes of the walk."""
    u, first, state, ahead = chunk(backbone, seed)
    h, history = backbone.scan(u, first, state)
    stepped, states = walk(backbone, u, first, state)
    assert h.shape == (ROWS, STEPS, backbone.size)
    same(h, stepped)
    for made in (history, backbone.collect(states)):
        same_memory(backbone, made.last(), states[-1], ahead)


def check_chunk(backbone: Any, seed: int) -> None:
    """2. two chunks through last() equal one, wherever it is cut."""
    u, first, state, ahead = chunk(backbone, seed)
    h, history = backbone.scan(u, first, state)
    for cut in range(1, STEPS):
        before, middle = backbone.scan(u[:, :cut], first[:, :cut], state)
        after, end = backbone.scan(u[:, cut:], first[:, cut:], middle.last())
        same(torch.cat([before, after], 1), h)
        same_memory(backbone, end.last(), history.last(), ahead)


def check_causal(backbone: Any, seed: int) -> None:
    """3. inputs and episodes that come after t move no output and no memory up to t; the input at t moves h_t."""
    u, first, state, ahead = chunk(backbone, seed)
    h, history = backbone.scan(u, first, state)
    rows = torch.arange(ROWS)
    for t in range(STEPS - 1):
        other, begins = u.clone(), first.clone()
        other[:, t + 1 :] += 1
        begins[:, t + 1 :] = 1 - begins[:, t + 1 :]
        changed, after = backbone.scan(other, begins, state)
        same(changed[:, : t + 1], h[:, : t + 1])
        moved(changed[:, t + 1], h[:, t + 1])
        steps = torch.full((ROWS,), t)
        same_memory(backbone, after.at(rows, steps), history.at(rows, steps), ahead)


def check_reset(backbone: Any, seed: int) -> None:
    """4. nothing before `first` leaks past it: from there on all is as if it came after `initial`."""
    u, first, state, ahead = chunk(backbone, seed)
    for t in range(STEPS):
        begins = first.clone()
        begins[:, t] = 1
        h, history = backbone.scan(u, begins, state)
        fresh, anew = backbone.scan(u[:, t:], first[:, t:], backbone.initial(ROWS))
        same(h[:, t:], fresh)
        same_memory(backbone, history.last(), anew.last(), ahead)
    forgotten = backbone.forget(state, torch.tensor([1.0, 0, 1, 0]).double())
    mixed = lead_on(backbone, forgotten, ahead)
    same(mixed[0::2], lead_on(backbone, backbone.initial(ROWS), ahead)[0::2])
    same(mixed[1::2], lead_on(backbone, state, ahead)[1::2])


def check_start(backbone: Any, seed: int) -> None:
    """5. at(b, t), then steps: as if the prefix that ends at t had been scanned. Any (b, t), in any order, repeated."""
    u, first, state, ahead = chunk(backbone, seed)
    _, states = walk(backbone, u, first, state)
    prefixes = [backbone.scan(u[:, : t + 1], first[:, : t + 1], state)[1].last() for t in range(STEPS)]
    truth = torch.stack([lead_on(backbone, prefix, ahead) for prefix in prefixes], 1)
    rows = torch.arange(ROWS).repeat_interleave(STEPS).flip(0)
    steps = torch.arange(STEPS).repeat(ROWS).flip(0)
    rows, steps = torch.cat([rows, rows[:3]]), torch.cat([steps, steps[:3]])
    histories: list[History] = [backbone.scan(u, first, state)[1], backbone.collect(states)]
    for history in histories:
        same(lead_on(backbone, history.at(rows, steps), ahead[rows]), truth[rows, steps])


def check_rows(backbone: Any, seed: int) -> None:
    """6. each row is alone: chosen rows, in any order and repeated, give the chosen rows of the output."""
    u, first, state, ahead = chunk(backbone, seed)
    h, history = backbone.scan(u, first, state)
    for chosen in ([2, 0, 3, 1], [3, 3, 0], [1]):
        rows = torch.tensor(chosen)
        picked, after = backbone.scan(u[rows], first[rows], backbone.select(state, rows))
        same(picked, h[rows])
        same_memory(backbone, after.last(), backbone.select(history.last(), rows), ahead[rows])
        same(walk(backbone, u[rows], first[rows], backbone.select(state, rows))[0], h[rows])


def check_gradient(backbone: Any, seed: int) -> None:
    """7. d h_T / d u_t is finite and the same through step, scan and two scans; non-zero at t = T and, where there is a
    memory, at t = 1. A backbone without a memory has h_T from u_T alone: there the other gradients are exactly zero.
    """
    u, _, state, _ = chunk(backbone, seed)
    going = torch.zeros(ROWS, STEPS).double()

    def two(u: Tensor) -> Tensor:
        middle = backbone.scan(u[:, :2], going[:, :2], state)[1].last()
        return backbone.scan(u[:, 2:], going[:, 2:], middle)[0]

    grads = []
    weights = torch.randn(backbone.size, generator=torch.Generator().manual_seed(seed)).double()
    for way in (
        lambda u: walk(backbone, u, going, state)[0],
        lambda u: backbone.scan(u, going, state)[0],
        two,
    ):
        leaf = u.clone().requires_grad_()
        (way(leaf)[:, -1] @ weights).sum().backward()
        assert leaf.grad is not None
        grads.append(leaf.grad)
    stepped, scanned, chunked = grads
    assert stepped.isfinite().all()
    same(stepped, scanned)
    same(stepped, chunked)
    size = stepped.abs().amax((0, 2, 3))
    assert size[-1] > 1e-6, "h_T does not depend on u_T"
    if remembers(backbone):
        assert size[0] > 1e-9, "h_T does not depend on u_1"
    else:
        assert (size[:-1] == 0).all(), "h_T depends on more than u_T"


def check_pure(backbone: Any, seed: int) -> None:
    """State goes in and comes out: nothing that is given is written to, and nothing stays behind in the module."""
    u, first, state, _ = chunk(backbone, seed)
    given = pytree.tree_map(lambda x: x.clone(), (u, first, state))
    before = {name: x.clone() for name, x in backbone.state_dict().items()}
    once, _ = backbone.scan(u, first, state)
    walk(backbone, u, first, state)
    backbone.step(u[:, 0], state)
    again, _ = backbone.scan(u, first, state)
    assert torch.equal(once, again)
    for old, now in zip(pytree.tree_leaves(given), pytree.tree_leaves((u, first, state)), strict=True):
        assert torch.equal(old, now), "an argument was written to"
    for name, x in backbone.state_dict().items():
        assert torch.equal(before[name], x), name


LAWS = {
    "fold": check_fold,
    "chunk": check_chunk,
    "causal": check_causal,
    "reset": check_reset,
    "start": check_start,
    "rows": check_rows,
    "gradient": check_gradient,
    "pure": check_pure,
}
