"""Convolutional stacks."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reverie.errors import UserError
from reverie.nets.cnn import CNNConfig, ImageDecoder, ImageEncoder

CONFIG = CNNConfig(depth=2, stages=2)


def test_the_size_of_an_embedding():
    # 16 x 24 halved twice is 4 x 6, with 2 * 2 channels
    encoder = ImageEncoder(CONFIG, 3, 16, 24)
    assert encoder.size == 4 * 6 * 4
    assert encoder(torch.zeros(5, 3, 16, 24)).shape == (5, encoder.size)


@pytest.mark.parametrize(("height", "width"), [(16, 24), (8, 4), (64, 64)])
def test_the_decoder_gives_the_shape_back(height, width):
    assert ImageDecoder(CONFIG, 7, 3, height, width)(torch.zeros(2, 7)).shape == (2, 3, height, width)


def test_one_stage():
    config = CNNConfig(depth=3, stages=1)
    assert ImageEncoder(config, 1, 2, 2)(torch.zeros(1, 1, 2, 2)).shape == (1, 3)
    assert ImageDecoder(config, 4, 1, 2, 2)(torch.zeros(1, 4)).shape == (1, 1, 2, 2)


def test_channels_double():
    assert CNNConfig(depth=8, stages=4).channels == [8, 16, 32, 64]


@pytest.mark.parametrize(("height", "width"), [(16, 22), (18, 16)])
@pytest.mark.parametrize(
    "network", [lambda h, w: ImageEncoder(CONFIG, 3, h, w), lambda h, w: ImageDecoder(CONFIG, 7, 3, h, w)]
)
def test_sides_that_cannot_be_halved_are_refused(network, height, width):
    with pytest.raises(UserError, match=f"{height} x {width} cannot be halved 2 times; choose a size divisible by 4"):
        network(height, width)


@pytest.mark.parametrize("norm", ["layer", "rms", "none"])
def test_each_image_is_alone(norm):
    config = CNNConfig(depth=2, stages=2, norm=norm)
    encoder, decoder = ImageEncoder(config, 3, 8, 12), ImageDecoder(config, 7, 3, 8, 12)
    images, features = torch.randn(4, 3, 8, 12), torch.randn(4, 7)
    torch.testing.assert_close(encoder(images)[2:3], encoder(images[2:3]))
    torch.testing.assert_close(decoder(features)[2:3], decoder(features[2:3]))


def test_every_pixel_is_seen_and_every_feature_is_drawn():
    encoder, decoder = ImageEncoder(CONFIG, 1, 8, 8), ImageDecoder(CONFIG, 5, 1, 8, 8)
    image, features = torch.randn(1, 1, 8, 8, requires_grad=True), torch.randn(1, 5, requires_grad=True)
    encoder(image).square().sum().backward()
    decoder(features).square().sum().backward()
    assert (image.grad != 0).all() and (features.grad != 0).all()


@pytest.mark.parametrize("changes", [{"depth": 0}, {"stages": 0}])
def test_what_cannot_be_is_refused(changes):
    with pytest.raises(UserError, match="depth >= 1 and stages >= 1, not"):
        CNNConfig(**changes)


V3 = CNNConfig(depth=2, multipliers=(2, 3, 4, 4), kernel=5, norm="rms", init="normal")


@pytest.mark.parametrize(("height", "width"), [(64, 64), (16, 48)])
def test_dreamerv3s_sizes(height, width):
    encoder, decoder = ImageEncoder(V3, 3, height, width), ImageDecoder(V3, 7, 3, height, width)
    assert V3.channels == [4, 6, 8, 8]
    assert encoder.size == 8 * (height // 16) * (width // 16)
    assert encoder(torch.zeros(2, 3, height, width)).shape == (2, encoder.size)
    assert decoder(torch.zeros(2, 7)).shape == (2, 3, height, width)
    convolutions = [layer for layer in (*encoder.layers, *decoder.layers) if hasattr(layer, "kernel_size")]
    assert {layer.kernel_size for layer in convolutions} == {(5, 5)}
    assert all(layer.bias is not None for layer in convolutions)  # RMSNorm has no shift


@given(st.integers(2, 7), st.integers(1, 3), st.integers(1, 3))
def test_any_kernel_halves_and_doubles(kernel, high, wide):
    config = CNNConfig(depth=1, stages=2, kernel=kernel)
    encoder, decoder = ImageEncoder(config, 1, 4 * high, 4 * wide), ImageDecoder(config, 3, 1, 4 * high, 4 * wide)
    assert encoder(torch.zeros(1, 1, 4 * high, 4 * wide)).shape == (1, encoder.size)
    assert decoder(torch.zeros(1, 3)).shape == (1, 1, 4 * high, 4 * wide)


def test_a_kernel_of_five_by_slow_computation():
    config = CNNConfig(depth=1, stages=1, kernel=5, norm="none", activation="relu")
    encoder, image = ImageEncoder(config, 1, 4, 6), torch.randn(1, 1, 4, 6)
    padded, (layer, *_) = torch.nn.functional.pad(image, (2, 2, 2, 2)), encoder.layers
    for y in range(2):
        for x in range(3):
            patch = padded[0, 0, 2 * y : 2 * y + 5, 2 * x : 2 * x + 5]
            truth = ((patch * layer.weight[0, 0]).sum() + layer.bias[0]).clamp_min(0)
            torch.testing.assert_close(encoder(image)[0, 3 * y + x], truth)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kernel": 1}, "kernel >= 2, not 1"),
        ({"multipliers": (2, 3)}, r"multipliers must be 4 numbers >= 1, one for each of stages, not \(2, 3\)"),
        ({"multipliers": (2, 3, 0, 4)}, r"not \(2, 3, 0, 4\)"),
    ],
)
def test_stages_that_cannot_be_are_refused(changes, said):
    with pytest.raises(UserError, match=said):
        CNNConfig(**changes)


def test_multipliers_come_from_json_as_a_list():
    assert CNNConfig(multipliers=[2, 3, 4, 4]) == CNNConfig(multipliers=(2, 3, 4, 4))
