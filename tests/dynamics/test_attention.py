"""Attention against slow computations: layer by layer from its equations, and dreams from every start."""

import math

import pytest
import torch
from torch.utils import _pytree as pytree

from reverie.dynamics.attention import Attention, AttentionConfig
from reverie.dynamics.cache import Cache
from reverie.dynamics.shared import Shared
from reverie.dynamics.transformer_xl import TransformerXL, TransformerXLConfig
from reverie.errors import UserError

INPUTS, ROWS, STEPS = 5, 3, 6
KINDS = ["rotary", "relative", "learned", "waves"]
"""Of positions; waves are Transformer-XL's."""
STARTS = ["gathered", "shared"]


def configured(positions="rotary", **options):
    sizes = {"units": 8, "heads": 2, "layers": 2, "hidden": 6, "window": 3} | options
    return TransformerXLConfig(**sizes) if positions == "waves" else AttentionConfig(positions=positions, **sizes)


def made(tokens=1, **options):
    config = configured(**options)
    torch.manual_seed(3)
    kind = TransformerXL if isinstance(config, TransformerXLConfig) else Attention
    attention = kind(config, INPUTS, tokens)
    for parameter in attention.parameters():
        parameter.data.add_(0.3 * torch.randn_like(parameter))
    return attention.double().eval()


def draw(attention, rows, steps, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, steps, attention.tokens, INPUTS, generator=generator, dtype=torch.float64)


def boundaries():
    first = torch.zeros(ROWS, STEPS).double()
    first[1, 0] = first[1, 3] = first[2, 2] = 1
    return first


def same(a, b):
    torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


def layer_norm(x, norm):
    x = x - x.mean(-1, keepdim=True)
    return x / (x.square().mean(-1, keepdim=True) + norm.eps).sqrt() * norm.weight + norm.bias


def turned(x, place, base):
    """Pair i is numbers i and i + V/2, turned by place * base^(-2 i / V)."""
    width, out = len(x), x.clone()
    for i in range(width // 2):
        angle = place * torch.tensor(base ** (-2 * i / width), dtype=torch.float32).item()  # as the buffer has it
        a, b = x[i], x[i + width // 2]
        out[i] = a * math.cos(angle) - b * math.sin(angle)
        out[i + width // 2] = a * math.sin(angle) + b * math.cos(angle)
    return out


def wave(distance, width):
    """Sines and cosines of the distance times 10000^(-2 n / W)."""
    angles = [distance * 10_000 ** (-2 * n / width) for n in range(width // 2)]
    return torch.tensor([math.sin(a) for a in angles] + [math.cos(a) for a in angles]).double()


def slowly(attention, config, u):
    """An episode "T K U" from its beginning, query by query and key by key; positions too, but for learned ones."""
    kind = getattr(config, "positions", "waves")
    tokens, width = attention.tokens, config.units // config.heads
    x = u.flatten(0, 1) @ attention.embed.weight.T + attention.embed.bias
    if kind == "learned":
        x = x + torch.stack([attention.positions.embedding[n % (config.window * tokens)] for n in range(len(x))])
    for number, layer in enumerate(attention.layers):
        asked = layer_norm(x, layer.before) @ layer.ask.weight.T + layer.ask.bias
        query, key, value = (part.unflatten(-1, (config.heads, width)) for part in asked.chunk(3, -1))
        rows = []
        for i in range(len(x)):
            seen = [j for j in range(i + 1) if i // tokens - j // tokens < config.window]
            heads = []
            for head in range(config.heads):
                scores, values = [], []
                for j in seen:
                    q, k, v = query[i, head], key[j, head], value[j, head]
                    if kind == "rotary":
                        q, k = turned(q, i, config.base), turned(k, j, config.base)
                    if kind == "relative":
                        far = min(i - j, config.clip) if config.clip else i - j
                        k, v = k + attention.positions.keys[number, far], v + attention.positions.values[number, far]
                    score = q @ k
                    if kind == "waves":
                        far = attention.positions.read[number].weight @ wave(i - j, config.units)
                        score += (q + attention.positions.bias[number, head]) @ far.unflatten(0, (-1, width))[head]
                    scores.append(score / math.sqrt(width))
                    values.append(v)
                heads.append(torch.stack(scores).softmax(0) @ torch.stack(values))
            rows.append(torch.cat(heads))
        x = x + torch.stack(rows) @ layer.told.weight.T + layer.told.bias
        hidden = layer_norm(x, layer.between) @ layer.widen.weight.T + layer.widen.bias
        hidden = 0.5 * hidden * (1 + torch.erf(hidden / math.sqrt(2)))
        x = x + hidden @ layer.narrow.weight.T + layer.narrow.bias
    return layer_norm(x, attention.norms[0])[tokens - 1 :: tokens]


@pytest.mark.parametrize("tokens", [1, 3])
@pytest.mark.parametrize("options", [{"positions": kind} for kind in KINDS] + [{"positions": "relative", "clip": 2}])
def test_by_slow_computation(options, tokens):
    attention = made(tokens, **options)
    u = draw(attention, 1, STEPS)
    h, _ = attention.scan(u, torch.zeros(1, STEPS).double(), attention.initial(1))
    same(h[0], slowly(attention, configured(**options), u[0]))


@pytest.mark.parametrize("kind", KINDS)
def test_steps_have_the_gradient_of_a_scan(kind):
    attention = made(positions=kind)
    u, first = draw(attention, ROWS, STEPS), boundaries()
    weights = torch.randn(ROWS, STEPS, attention.size, generator=torch.Generator().manual_seed(1)).double()
    h, _ = attention.scan(u, first, attention.initial(ROWS))
    state, walked = attention.initial(ROWS), []
    for now, start in zip(u.unbind(1), first.unbind(1), strict=True):
        each, state = attention.step(now, attention.forget(state, start))
        walked.append(each)
    whole, parts = (
        torch.autograd.grad((weights * x).sum(), list(attention.parameters())) for x in (h, torch.stack(walked, 1))
    )
    for (name, _), a, b in zip(attention.named_parameters(), whole, parts, strict=True):
        assert a.abs().max() > 0, name
        same(a, b)


@pytest.mark.parametrize("options", [{}, {"window": 12}, {"outputs": "all", "gate": "gtrxl"}], ids=str)
@pytest.mark.parametrize("tokens", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_dreams_from_everywhere_are_those_of_a_full_recomputation(kind, tokens, options):
    ways = [made(tokens, positions=kind, starts=starts, **options) for starts in STARTS]
    before, u, ahead = (draw(ways[0], ROWS, steps, seed) for seed, steps in ((0, 2), (1, STEPS), (2, 5)))
    still, first = torch.zeros(ROWS, 2).double(), boundaries()
    rows = torch.arange(ROWS).repeat_interleave(STEPS)[torch.randperm(ROWS * STEPS)]
    steps = torch.arange(ROWS * STEPS).remainder(STEPS)[torch.randperm(ROWS * STEPS)]

    truth = []
    for t in range(STEPS):
        # from the very beginning, with no memory at all
        whole = torch.cat([before, u[:, : t + 1], ahead], 1)
        begins = torch.cat([still, first[:, : t + 1], torch.zeros(ROWS, 5).double()], 1)
        truth.append(ways[0].scan(whole, begins, ways[0].initial(ROWS))[0][:, -5:])
    truth = torch.stack(truth, 1)

    for attention in ways:
        memory = attention.scan(before, still, attention.initial(ROWS))[1].last()
        state = attention.scan(u, first, memory)[1].at(rows, steps)
        for step in range(5):
            h, state = attention.step(ahead[rows, step], state)
            same(h, truth[rows, steps, step])
            if step == 1:  # in the midst of a dream: rows of it, and the way back
                order = torch.randperm(len(rows))
                state = attention.select(attention.select(state, order), order.argsort())


@pytest.mark.parametrize("starts", STARTS)
@pytest.mark.parametrize("kind", KINDS)
def test_it_reaches_as_far_as_its_layers_do(kind, starts):
    attention = made(positions=kind, starts=starts)  # 2 layers of 3 steps: 4 steps back
    u = draw(attention, 1, 8).requires_grad_()
    for t in (5, 7):
        _, history = attention.scan(u[:, :t], torch.zeros(1, t).double(), attention.initial(1))
        last, _ = attention.step(u[:, t], history.at(torch.tensor([0]), torch.tensor([t - 1])))
        [gradient] = torch.autograd.grad(last.square().sum(), u)
        size = gradient.abs().amax((0, 2, 3))
        assert (size[t - 4 : t + 1] > 1e-9).all()
        assert (size[: t - 4] == 0).all()


def test_windows_that_are_computed_anew_are_something_else():
    # h_t from the window's steps alone, as many transformers dream: the first layer's keys would know less
    attention = made()
    u = draw(attention, 1, 5)
    whole = attention.scan(u, torch.zeros(1, 5).double(), attention.initial(1))[0][:, -1]
    anew = attention.scan(u[:, 2:], torch.zeros(1, 3).double(), attention.initial(1))[0][:, -1]
    assert (whole - anew).abs().max() > 1e-4


@pytest.mark.parametrize("wild", [math.inf, math.nan])
@pytest.mark.parametrize("starts", STARTS)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_is_forgotten_leaves_a_trace(kind, starts, wild):
    attention = made(positions=kind, starts=starts)
    u, ahead = draw(attention, ROWS, STEPS), draw(attention, ROWS, 1, 1)[:, 0]
    _, history = attention.scan(u, torch.zeros(ROWS, STEPS).double(), attention.initial(ROWS))
    fresh, _ = attention.step(ahead, attention.initial(ROWS))
    rows = torch.arange(ROWS)
    for state in (history.last(), history.at(rows, rows + 2)):
        broken = pytree.tree_map(lambda x: x + wild if x.is_floating_point() else x, state)
        same(attention.step(ahead, attention.forget(broken, torch.ones(ROWS)))[0], fresh)
        same(attention.scan(ahead.unsqueeze(1), torch.ones(ROWS, 1).double(), broken)[0][:, 0], fresh)
        some = attention.step(ahead, attention.forget(broken, torch.tensor([0.0, 1, 0])))[0]
        same(some[1], fresh[1])
        assert some[0].isnan().all()


@pytest.mark.parametrize("tokens", [1, 3])
def test_what_a_dream_holds(tokens):
    # M = 2 K tokens of a window of 3, 2 layers, keys and values, 8 numbers each
    rows, steps = torch.arange(40) % ROWS, torch.arange(40) % STEPS
    for starts in STARTS:
        attention = made(tokens, starts=starts)
        _, history = attention.scan(draw(attention, ROWS, STEPS), boundaries(), attention.initial(ROWS))
        state = history.at(rows, steps)
        held = {x.data_ptr(): x.numel() for x in pytree.tree_leaves(state) if x.is_floating_point() and x.numel()}
        if starts == "gathered":
            assert isinstance(state, Cache) and sum(held.values()) == 40 * 2 * tokens * 2 * 2 * 8
        else:
            assert isinstance(state, Shared) and sum(held.values()) == ROWS * (2 + STEPS) * tokens * 2 * 2 * 8
        for _ in range(2):
            state = attention.step(draw(attention, 40, 1)[:, 0], state)[1]
        assert isinstance(state, Cache)  # as many steps as a window holds are the dream's own: nothing is shared


@pytest.mark.parametrize("starts", STARTS)
def test_a_dream_may_be_written_into_a_history(starts):
    attention = made(starts=starts)
    _, history = attention.scan(draw(attention, ROWS, STEPS), boundaries(), attention.initial(ROWS))
    rows, ahead = torch.tensor([2, 0]), draw(attention, 2, 3, 1)
    states, state = [], history.at(rows, rows + 1)
    whole = attention.scan(ahead, torch.zeros(2, 3).double(), state)[0]
    for step in range(2):
        state = attention.step(ahead[:, step], state)[1]
        states.append(state)
    same(attention.step(ahead[:, 2], attention.collect(states).last())[0], whole[:, 2])


@pytest.mark.parametrize("starts", STARTS)
@pytest.mark.parametrize("kind", KINDS)
def test_under_autocast_the_memory_keeps_its_precision(kind, starts):
    attention = made(positions=kind, starts=starts).float()
    u = draw(attention, ROWS, STEPS).float()
    with torch.autocast("cpu", torch.bfloat16):
        h, history = attention.scan(u, boundaries().float(), attention.initial(ROWS))
        rows = torch.arange(ROWS)
        for state in (history.last(), history.at(rows, rows), attention.step(u[:, 0], history.at(rows, rows))[1]):
            assert {x.dtype for x in pytree.tree_leaves(state)} == {torch.float32, torch.long}
        now, _ = attention.step(u[:, 5], history.at(rows, torch.full((ROWS,), 4)))
    assert h.dtype == now.dtype == torch.float32
    torch.testing.assert_close(now[:1], h[:1, 5], rtol=0, atol=0.1)  # row 0: no episode begins there


def test_age_knows_no_end():
    attention = made(positions="learned")
    state = attention.initial(2)
    u = draw(attention, 2, 1)[:, 0]
    _, far = attention.step(u, state._replace(age=state.age + 10**9))
    assert far.age.tolist() == [10**9 + 1] * 2
    # places come back after a window of 3: 10^9 is 1 modulo 3
    near = state._replace(age=state.age + 4)
    same(attention.step(u, near)[0], attention.step(u, state._replace(age=state.age + 10**9))[0])


def test_sizes():
    assert made(outputs="last").size == 8
    attention = made(3, outputs="all", layers=3)
    assert attention.size == 24
    assert attention.step(draw(attention, 2, 1)[:, 0], attention.initial(2))[0].shape == (2, 24)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": 0}, "backbone.units must be at least 1, not 0"),
        ({"layers": 0}, "backbone.layers must be at least 1, not 0"),
        ({"heads": 0}, "backbone.heads must be at least 1, not 0"),
        ({"hidden": 0}, "backbone.hidden must be at least 1, not 0"),
        ({"window": 1}, "backbone.window must be at least 2, not 1"),
        ({"units": 10}, "backbone.units must be divisible by backbone.heads, not 10 by 4"),
        ({"units": 12}, "rotary positions turn pairs: backbone.units / backbone.heads must be even, not 3; "),
        ({"base": 1.0}, "backbone.base must be above 1, not 1.0"),
        ({"clip": -1}, "backbone.clip must not be negative, not -1"),
    ],
    ids=str,
)
def test_values_that_make_no_sense(options, message):
    with pytest.raises(UserError) as error:
        AttentionConfig(**options)
    assert str(error.value).startswith(message)
