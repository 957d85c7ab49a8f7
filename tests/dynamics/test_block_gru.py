"""DreamerV3's recurrent core, against a slow computation block by block."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reverie.dynamics.block_gru import BlockGRU, BlockGRUConfig
from reverie.dynamics.dynamics import ConcatEntry, Dynamics, DynamicsConfig
from reverie.dynamics.posterior import Filter, FilterConfig
from reverie.errors import UserError
from reverie.latent.categorical import Categorical, CategoricalConfig
from reverie.nets.mlp import MLPConfig
from reverie.types import Inputs


def rms(x, weight):
    return x / (x.square().mean(-1, keepdim=True) + 1e-4).sqrt() * weight


def silu(x):
    return x / (1 + torch.exp(-x))


def slowly(gru, u, h, layers):
    """One step; each block's matrix is put together from its parts and applied to all that the block sees."""
    blocks, width = len(gru.own.weight), gru.size // len(gru.own.weight)
    linear, norm, _ = gru.narrow
    x = silu(rms(h @ linear.weight.T + linear.bias, norm.weight))
    ys = []
    for g in range(blocks):
        own = slice(g * width, (g + 1) * width)
        whole = torch.cat([gru.own.weight[g], gru.whole.weight[own].T, gru.input.weight[own].T])
        ys.append(torch.cat([h[:, own], x, u], -1) @ whole + gru.own.bias[g])
    y = silu(rms(torch.cat(ys, -1), gru.finish[0].weight))
    for deeper in range(layers - 1):
        linear, (norm, _) = gru.deeper[2 * deeper], gru.deeper[2 * deeper + 1]
        parts = [part @ linear.weight[g] + linear.bias[g] for g, part in enumerate(y.chunk(blocks, -1))]
        y = silu(rms(torch.cat(parts, -1), norm.weight))
    after = []
    for g, part in enumerate(y.chunk(blocks, -1)):
        reset, candidate, update = (part @ gru.gates.weight[g] + gru.gates.bias[g]).split(width, -1)
        candidate = torch.tanh(torch.sigmoid(reset) * candidate)
        update = torch.sigmoid(update - 1)
        after.append(update * candidate + (1 - update) * h[:, g * width : (g + 1) * width])
    return torch.cat(after, -1)


@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 5), st.integers(1, 3), st.integers(1, 4))
def test_a_step_by_slow_computation(blocks, width, hidden, layers, inputs):
    config = BlockGRUConfig(units=blocks * width, hidden=hidden, blocks=blocks, layers=layers)
    gru = BlockGRU(config, inputs).double()
    for parameter in gru.parameters():
        parameter.data.add_(0.3 * torch.randn_like(parameter))
    u, h = torch.randn(3, 1, inputs).double(), torch.randn(3, gru.size).double()
    now, memory = gru.step(u, h)
    torch.testing.assert_close(now, slowly(gru, u[:, 0], h, layers))
    assert memory is now


def test_its_weights_by_hand():
    # DreamerV3, size1m, with z and a of 64 units each
    gru = BlockGRU(BlockGRUConfig(units=512, hidden=64, blocks=8), 128)
    narrow = (512 * 64 + 64) + 64  # dynin0 and its norm
    first = 8 * (64 + 64 + 128) * 64 + 512  # dynhid0
    norm = 512
    gates = 8 * 64 * 192 + 3 * 512  # dyngru
    assert (narrow, first, gates) == (32_896, 131_584, 99_840)
    assert sum(p.numel() for p in gru.parameters()) == narrow + first + norm + gates == 264_832


def test_how_it_starts():
    gru = BlockGRU(BlockGRUConfig(), 128)
    for layer in (gru.own, gru.whole, gru.input):  # one matrix a block, in three parts
        assert layer.weight.std().item() == pytest.approx((8 * 256) ** -0.5, rel=0.02)
    assert gru.gates.weight.std().item() == pytest.approx(512**-0.5, rel=0.02)
    assert gru.narrow[0].weight.std().item() == pytest.approx(512**-0.5, rel=0.02)
    assert gru.own.bias.abs().max() == gru.gates.bias.abs().max() == 0
    uniform = BlockGRU(BlockGRUConfig(init="uniform"), 128)
    assert uniform.own.weight.abs().max() <= 1 / 8 < 1.01 * uniform.own.weight.abs().max()


@pytest.mark.parametrize(("norm", "bias"), [("layer", False), ("rms", True), ("none", True)])
def test_there_is_a_bias_where_no_norm_shifts(norm, bias):
    gru = BlockGRU(BlockGRUConfig(units=6, hidden=4, blocks=2, layers=2, norm=norm), 3)
    assert all((layer.bias is not None) == bias for layer in (gru.narrow[0], gru.own, gru.deeper[0]))
    assert gru.gates.bias is not None
    assert gru.step(torch.randn(2, 1, 3), torch.randn(2, 6))[0].isfinite().all()


def test_it_forgets_slowly_at_first():
    gru = BlockGRU(BlockGRUConfig(), 16)
    h = torch.rand(64, 512) - 0.5
    kept = gru.step(torch.randn(64, 1, 16), h)[0]
    share = (kept * h).sum() / h.square().sum()
    assert share.item() == pytest.approx(1 - 1 / (1 + math.e), abs=0.05)  # 1 - sigmoid(-1)


def test_with_dreamerv3s_latent_and_entry():
    small = MLPConfig(units=16, norm="rms", init="normal")
    z = Categorical(CategoricalConfig(groups=32, classes=4))
    enter = ConcatEntry(small, z.size, 2)
    gru = BlockGRU(BlockGRUConfig(units=64, hidden=16), enter.size)
    posterior = Filter(FilterConfig(mlp=small), gru.size, 5, z.posterior_size)
    both = Dynamics(DynamicsConfig(entry=small, prior=small, join="concat"), enter, gru, z, posterior)
    first = torch.zeros(3, 6)
    first[1, 2] = 1
    inputs = Inputs(torch.rand(3, 6, 2), torch.zeros(3, 6))
    trace = both.observe(torch.randn(3, 6, 5), inputs, first, both.initial(3), torch.Generator().manual_seed(0))
    assert trace.deter.shape == (3, 6, 64) and trace.stoch.shape == (3, 6, 128)
    assert trace.stoch.detach().unflatten(-1, (32, 4)).sum(-1).equal(torch.ones(3, 6, 32))
    z.mismatch(trace.posterior, trace.prior, trace.stoch).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in both.parameters())


@pytest.mark.parametrize("name", ["units", "hidden", "blocks", "layers"])
def test_sizes_below_one_are_refused(name):
    with pytest.raises(UserError, match=rf"backbone.{name} must be at least 1, not 0"):
        BlockGRUConfig(**{name: 0})


def test_uneven_blocks_are_refused():
    with pytest.raises(UserError, match=r"backbone.units must be divisible by backbone.blocks, not 500 by 8"):
        BlockGRUConfig(units=500)
