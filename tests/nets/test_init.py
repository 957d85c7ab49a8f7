"""The weights a layer starts with."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from reverie.dynamics.gru import GRU, GRUConfig
from reverie.nets.cnn import CNNConfig, ImageEncoder
from reverie.nets.init import initialise
from reverie.nets.mlp import MLP, MLPConfig


@pytest.mark.parametrize(
    ("layer", "fan_in"),
    [
        (lambda: nn.Linear(50, 2000), 50),
        (lambda: nn.Conv2d(4, 1000, 5), 4 * 25),
        (lambda: nn.ConvTranspose2d(6, 1000, 4), 6 * 16),
    ],
)
def test_the_normal_one_has_variance_one_over_fan_in_and_no_tails(layer, fan_in):
    made = initialise(layer(), "normal")
    scaled = made.weight.detach() * math.sqrt(fan_in)
    n = scaled.numel()
    assert abs(scaled.mean()) < 5 / math.sqrt(n)
    # of a normal cut at two deviations the kurtosis is 2.37: the deviation of std is sqrt(1.37 / 4 n)
    assert abs(scaled.std() - 1) < 5 * 0.59 / math.sqrt(n)
    # cut at two deviations of the normal before cutting, 2 / 0.8796 of the one after: 2.2737
    assert 2.2 < scaled.abs().max() <= 2.2737
    assert made.bias.abs().max() == 0


def test_a_shared_sum_counts_all_that_enters_it():
    layer = initialise(nn.Linear(10, 20000, bias=False), "normal", fan_in=1000)
    assert layer.weight.std().item() == pytest.approx(1000**-0.5, rel=0.02)
    gru = GRU(GRUConfig(units=200, init="normal"), 300)
    for weight in (gru.input.weight, gru.recurrent.weight):
        assert weight.std().item() == pytest.approx(500**-0.5, rel=0.02)


def test_the_uniform_one_is_torchs():
    torch.manual_seed(1)
    theirs = nn.Linear(3, 4)
    after = torch.get_rng_state()
    torch.manual_seed(1)
    ours = initialise(nn.Linear(3, 4))
    assert ours.weight.equal(theirs.weight) and ours.bias.equal(theirs.bias)
    assert torch.get_rng_state().equal(after)  # nothing more was drawn


@given(st.sampled_from(["uniform", "normal"]), st.sampled_from([0.0, 0.01, 0.5, 2.0]))
def test_the_scale_multiplies_the_weights_and_clears_the_bias(name, scale):
    torch.manual_seed(2)
    whole = initialise(nn.Linear(3, 4), name)
    torch.manual_seed(2)
    scaled = initialise(nn.Linear(3, 4), name, scale=scale)
    torch.testing.assert_close(scaled.weight, scale * whole.weight)
    assert scaled.bias.abs().max() == 0


def test_networks_start_as_they_are_told():
    mlp = MLP(MLPConfig(layers=1, units=2000, init="normal"), 40, 500, scale=0.01)
    assert mlp[0].weight.std().item() == pytest.approx(40**-0.5, rel=0.02)
    assert mlp[-1].weight.std().item() == pytest.approx(0.01 * 2000**-0.5, rel=0.02)
    cnn = ImageEncoder(CNNConfig(depth=500, stages=1, init="normal"), 3, 4, 4)
    assert cnn.layers[0].weight.std().item() == pytest.approx(48**-0.5, rel=0.02)
