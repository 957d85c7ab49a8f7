"""A block-diagonal linear layer, against a loop over its blocks."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reverie.errors import UserError
from reverie.nets.block import BlockLinear


def slowly(layer, x):
    blocks = []
    for g, part in enumerate(x.chunk(len(layer.weight), -1)):
        y = part @ layer.weight[g]
        blocks.append(y if layer.bias is None else y + layer.bias[g])
    return torch.cat(blocks, -1)


@given(
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from([(), (1,), (5,), (2, 3), (0,)]),
    st.booleans(),
)
def test_it_is_a_linear_layer_for_each_block(blocks, inputs, outputs, lead, bias):
    layer = BlockLinear(blocks, blocks * inputs, blocks * outputs, bias=bias).double()
    x = torch.randn(*lead, blocks * inputs, dtype=torch.float64)
    assert layer(x).shape == (*lead, blocks * outputs)
    torch.testing.assert_close(layer(x), slowly(layer, x))


def test_gradients_are_those_of_the_loop():
    layer = BlockLinear(3, 6, 9).double()
    x = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    wanted = [x, *layer.parameters()]
    ours = torch.autograd.grad(layer(x).square().sum(), wanted)
    truth = torch.autograd.grad(slowly(layer, x).square().sum(), wanted)
    for a, b in zip(ours, truth, strict=True):
        torch.testing.assert_close(a, b)


def test_a_block_sees_its_own_inputs_alone():
    layer, x = BlockLinear(3, 6, 9), torch.randn(1, 6)
    other = x.clone()
    other[:, 2:4] += 1
    moved = (layer(x) != layer(other))[0]
    assert moved.tolist() == [False] * 3 + [True] * 3 + [False] * 3


def test_how_it_starts():
    torch.manual_seed(1)
    normal = BlockLinear(8, 512, 1536, "normal")
    # DreamerV3 counts the inputs of all blocks
    assert normal.weight.std().item() == pytest.approx(512**-0.5, rel=0.01)
    assert normal.bias.abs().max() == 0
    assert BlockLinear(8, 512, 1536, "normal", fan_in=64).weight.std().item() == pytest.approx(64**-0.5, rel=0.01)
    uniform = BlockLinear(8, 512, 1536)
    assert uniform.weight.std().item() == pytest.approx(1 / math.sqrt(3 * 64), rel=0.01)
    assert uniform.weight.abs().max() <= 1 / 8 and 0.1 < uniform.bias.abs().max() <= 1 / 8


@pytest.mark.parametrize(("blocks", "inputs", "outputs"), [(3, 4, 6), (3, 6, 4), (0, 6, 6)])
def test_uneven_blocks_are_refused(blocks, inputs, outputs):
    with pytest.raises(UserError, match=f"{blocks} blocks cannot share {inputs} inputs and {outputs} outputs evenly"):
        BlockLinear(blocks, inputs, outputs)
