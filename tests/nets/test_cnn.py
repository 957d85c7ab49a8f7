"""Convolutional stacks."""

import pytest
import torch

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


@pytest.mark.parametrize("norm", ["layer", "none"])
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
