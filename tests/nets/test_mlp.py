"""Multilayer perceptrons, norms and activations."""

import pytest
import torch
from torch import nn

from reverie.errors import UserError
from reverie.nets.mlp import MLP, MLPConfig
from reverie.nets.norm import ImageNorm, RMSNorm, activation, norm


def layers(mlp):
    return [type(layer).__name__ for layer in mlp]


def test_each_hidden_layer_is_linear_norm_activation():
    mlp = MLP(MLPConfig(layers=2, units=5), 3, 4)
    assert layers(mlp) == ["Linear", "LayerNorm", "SiLU", "Linear", "LayerNorm", "SiLU", "Linear"]
    assert mlp.size == 4 and mlp(torch.zeros(2, 7, 3)).shape == (2, 7, 4)


def test_without_outputs_it_ends_with_its_units():
    mlp = MLP(MLPConfig(layers=1, units=5), 3)
    assert mlp.size == 5 and mlp(torch.zeros(2, 3)).shape == (2, 5)


def test_no_layers_are_a_linear_map_or_nothing():
    assert layers(MLP(MLPConfig(layers=0), 3, 4)) == ["Linear"]
    nothing, x = MLP(MLPConfig(layers=0), 3), torch.randn(2, 3)
    assert nothing.size == 3 and nothing(x).equal(x)


@pytest.mark.parametrize(("norm", "bias"), [("layer", False), ("rms", True), ("none", True)])
def test_a_hidden_layer_has_a_bias_where_no_norm_shifts(norm, bias):
    mlp = MLP(MLPConfig(norm=norm), 3, 4)
    assert (mlp[0].bias is not None) == bias
    assert mlp[-1].bias is not None


@pytest.mark.parametrize(
    ("norm", "bias", "told"),
    [("layer", False, False), ("layer", True, True), ("rms", False, True), ("none", False, True)],
)
def test_a_first_layer_tells_how_long_its_input_is_where_it_has_a_bias(norm, bias, told):
    torch.manual_seed(0)
    mlp, x = MLP(MLPConfig(units=64, norm=norm, bias=bias), 4), torch.randn(32, 4)
    moved = (mlp(2 * x) - mlp(x)).norm() / mlp(x).norm()
    assert (moved > 0.1) == told


def test_the_computation_by_hand():
    mlp = MLP(MLPConfig(layers=1, units=2, norm="none", activation="relu"), 1, 1)
    with torch.no_grad():
        for parameter, values in zip(mlp.parameters(), ([[1.0], [-1.0]], [0.0, 1.0], [[2.0, 3.0]], [0.5]), strict=True):
            parameter.copy_(torch.tensor(values))
    # x = 4: relu(4, -4 + 1) = (4, 0), so 2 * 4 + 0.5; x = -1: relu(-1, 2) = (0, 2), so 3 * 2 + 0.5
    assert mlp(torch.tensor([[4.0], [-1.0]])).tolist() == [[8.5], [6.5]]


def test_a_head_that_starts_at_zero_predicts_nothing_and_learns():
    mlp = MLP(MLPConfig(units=5), 3, 2, scale=0.0)
    y = mlp(torch.randn(4, 3))
    assert y.equal(torch.zeros(4, 2))
    y.sum().backward()
    assert mlp[-1].weight.grad.abs().max() > 0
    assert MLP(MLPConfig(units=5), 3, 2)(torch.randn(4, 3)).abs().min() > 0


@pytest.mark.parametrize(
    ("name", "truth"), [("silu", -0.2689414), ("elu", -0.6321206), ("relu", 0.0), ("tanh", -0.7615942)]
)
def test_activations_at_minus_one(name, truth):
    assert activation(name)(torch.tensor(-1.0)).item() == pytest.approx(truth)


def test_an_images_norm_is_over_the_channels_of_each_pixel():
    norm, image = ImageNorm(3), torch.randn(2, 3, 4, 5)
    nn.init.normal_(norm.norm.weight)
    for row, y, x in [(0, 0, 0), (1, 3, 4), (1, 2, 0)]:
        torch.testing.assert_close(norm(image)[row, :, y, x], norm.norm(image[row, :, y, x]))


def test_the_rms_norm_by_hand():
    rms = norm("rms", 2)
    with torch.no_grad():
        rms.weight.copy_(torch.tensor([1.0, 2.0]))
    # the mean square of (3, 4) is 12.5; of (0.01, 0) it is 0.00005, beside which epsilon counts
    truth = [[3 / 12.5001**0.5, 8 / 12.5001**0.5], [0.01 / 0.00015**0.5, 0.0]]
    torch.testing.assert_close(rms(torch.tensor([[3.0, 4.0], [0.01, 0.0]])), torch.tensor(truth))
    assert [name for name, _ in rms.named_parameters()] == ["weight"]


@pytest.mark.parametrize("shape", [(5,), (3, 5), (2, 3, 5), (0, 5)])
def test_the_rms_norm_and_its_gradient_are_torchs(shape):
    ours, theirs = RMSNorm(5).double(), nn.RMSNorm(5, eps=1e-4).double()
    nn.init.normal_(ours.weight)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    g = torch.randn(shape, dtype=torch.float64)
    torch.testing.assert_close(ours(x), theirs(x))
    for a, b in zip(
        torch.autograd.grad(ours(x), [x, ours.weight], g),
        torch.autograd.grad(theirs(x), [x, theirs.weight], g),
        strict=True,
    ):
        torch.testing.assert_close(a, b)
    ours.requires_grad_(False)
    torch.testing.assert_close(*(torch.autograd.grad(net(x), x, g)[0] for net in (ours, theirs)))


def test_the_rms_norm_keeps_its_precision_under_autocast():
    with torch.autocast("cpu", torch.bfloat16):
        assert RMSNorm(4)(torch.randn(2, 4, dtype=torch.bfloat16)).dtype == torch.float32


@pytest.mark.parametrize("name", ["layer", "rms"])
def test_an_images_norm_may_be_either(name):
    image = torch.randn(2, 3, 4, 5)
    flat = norm(name, 3)(image.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    torch.testing.assert_close(ImageNorm(3, name)(image), flat)


@pytest.mark.parametrize("changes", [{"layers": -1}, {"units": 0}])
def test_what_cannot_be_is_refused(changes):
    with pytest.raises(UserError, match=str(*changes.values())):
        MLPConfig(**changes)
