"""S5 against walks, and what it keeps."""

import math

import pytest
import torch
from torch.utils import _pytree as pytree

from reverie.dynamics.s5 import S5, S5Config
from reverie.errors import UserError
from reverie.ops import tree

INPUTS, ROWS, STEPS = 5, 3, 6
INITIAL = ["ring", "hippo", "linear"]


def made(tokens=1, **options):
    torch.manual_seed(3)
    sizes = {"units": 6, "layers": 2, "states": 4, "blocks": 2}
    return S5(S5Config(**{**sizes, **options}), INPUTS, tokens).double().eval()


def draw(steps=STEPS, tokens=1, rows=ROWS):
    return torch.randn(rows, steps, tokens, INPUTS).double()


def boundaries():
    first = torch.zeros(ROWS, STEPS).double()
    first[1, 0] = first[1, 3] = first[2, 2] = 1
    return first


def same(a, b):
    torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@pytest.mark.parametrize("initial", INITIAL)
def test_a_long_chunk_is_a_walk(initial):
    s5 = made(initial=initial)
    u, first = draw(300, rows=2), (torch.rand(2, 300) < 0.02).double()
    state = tree.map(lambda x: x + 1, s5.initial(2))
    h, history = s5.scan(u, first, state)
    for t in range(300):
        now, state = s5.step(u[:, t], s5.forget(state, first[:, t]))
        same(h[:, t], now)
    for a, b in zip(history.last().layers, state.layers, strict=True):
        same(a, b)


def test_tokens_are_steps_of_the_recursion():
    several, single = made(3), made()
    u, first = draw(tokens=3), boundaries()
    h, history = several.scan(u, first, several.initial(ROWS))
    apart = torch.zeros(ROWS, STEPS, 3).double()
    apart[:, :, 0] = first
    every, each = single.scan(u.flatten(1, 2).unsqueeze(2), apart.flatten(1), single.initial(ROWS))
    same(h, every[:, 2::3])
    rows, steps = torch.tensor([2, 0, 1]), torch.tensor([1, 5, 3])
    for a, b in zip(history.at(rows, steps).layers, each.at(rows, 3 * steps + 2).layers, strict=True):
        same(a, b)


def test_what_a_memory_holds():
    s5 = made(layers=3)
    state = s5.scan(draw(), boundaries(), s5.initial(ROWS))[1].at(torch.tensor([0, 1]), torch.tensor([2, 2]))
    assert [x.shape for x in state.layers] == [(2, 8)] * 3  # of each layer 4 complex states
    assert s5.size == 6 and s5.step(draw(1)[:2, 0], state)[0].shape == (2, 6)


@pytest.mark.parametrize("wild", [math.inf, math.nan])
def test_nothing_that_is_forgotten_leaves_a_trace(wild):
    s5 = made()
    u, first = draw(), boundaries()
    fresh, _ = s5.scan(u[:, 2:], first[:, 2:], s5.initial(ROWS))
    broken = tree.map(lambda x: x + wild, s5.initial(ROWS))
    h, _ = s5.scan(u, first, broken)
    assert h[0].isnan().all() and h[1].isfinite().all()
    same(h[2, 2:], fresh[2])  # an episode begins there, in the midst of the chunk
    u[2, 1] = wild
    same(s5.scan(u, first, s5.initial(ROWS))[0][2, 2:], fresh[2])


@pytest.mark.parametrize("initial", INITIAL)
def test_under_autocast_the_states_keep_their_precision(initial):
    s5 = made(initial=initial).float()
    u, first = draw().float(), boundaries().float()
    exact = s5.scan(u, first, s5.initial(ROWS))[0]
    with torch.autocast("cpu", torch.bfloat16):
        h, history = s5.scan(u, first, s5.initial(ROWS))
        rows = torch.arange(ROWS)
        now, after = s5.step(u[:, 5], history.at(rows, torch.full((ROWS,), 4)))
    for state in (history.last(), after):
        assert {x.dtype for x in pytree.tree_leaves(state)} == {torch.float32}
    assert h.dtype == now.dtype == torch.float32
    torch.testing.assert_close(h, exact, rtol=0, atol=0.1)
    torch.testing.assert_close(now, h[:, 5], rtol=0, atol=0.1)


def test_a_state_space_loses_nothing_under_autocast():
    s5 = made().float()
    layer, systems = s5.layers[0], s5.systems
    x, segment = torch.randn(2, 7, 6), torch.zeros(2, 7, dtype=torch.long)
    system = tuple(part[0] for part in systems())
    _, states = layer(x, system, torch.zeros(2, 8), segment)
    with torch.autocast("cpu", torch.bfloat16):
        _, again = layer(x, tuple(part[0] for part in systems()), torch.zeros(2, 8), segment)
    assert torch.equal(states, again)


def test_double_stays_double():
    s5 = made()
    h, history = s5.scan(draw(), boundaries(), s5.initial(ROWS))
    assert {h.dtype, *[x.dtype for x in history.memory.layers]} == {torch.float64}


def test_every_weight_learns():
    s5 = made()
    h, _ = s5.scan(draw(), boundaries(), s5.initial(ROWS))
    h.square().mul(torch.arange(6.0)).sum().backward()
    for name, parameter in s5.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": 0}, "backbone.units must be at least 1, not 0"),
        ({"layers": 0}, "backbone.layers must be at least 1, not 0"),
        ({"states": 0}, "backbone.states must be at least 1, not 0"),
        ({"blocks": 0}, "backbone.blocks must be at least 1, not 0"),
        ({"initial": "hippo", "blocks": 6}, "backbone.states must be divisible by backbone.blocks, not 64 by 6"),
        ({"radius_max": 1.0}, "backbone.radius-min and backbone.radius-max must be in (0, 1), and in this order, not"),
        ({"radius_min": 0.98}, "backbone.radius-min and backbone.radius-max must be in (0, 1), and in this order, not"),
        ({"radius_min": 0.0}, "backbone.radius-min and backbone.radius-max must be in (0, 1), and in this order, not"),
        ({"dt_min": 0.0}, "backbone.dt-min and backbone.dt-max must be positive, and in this order, not 0.0 and 0.1"),
        ({"dt_min": 0.2}, "backbone.dt-min and backbone.dt-max must be positive, and in this order, not 0.2 and 0.1"),
        ({"dt_max": math.nan}, "backbone.dt-min and backbone.dt-max must be positive, and in this order, not"),
    ],
    ids=str,
)
def test_values_that_make_no_sense(options, message):
    with pytest.raises(UserError) as error:
        S5Config(**options)
    assert str(error.value).startswith(message)


def test_a_ring_needs_no_blocks():
    assert made(states=3, blocks=2).initial(1).layers[0].shape == (1, 6)
