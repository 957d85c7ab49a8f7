"""Observations to embeddings, and features back to observations."""

import pytest
import torch

from reverie.errors import UserError
from reverie.nets.cnn import CNNConfig
from reverie.nets.mlp import MLPConfig
from reverie.representation.decoder import Decoder, DecoderConfig
from reverie.representation.encoder import Encoder, EncoderConfig, image_keys, vector_keys
from reverie.types import Features

MLP, CNN = MLPConfig(units=5), CNNConfig(depth=2, stages=1)
BOTH = {"speed": (2,), "eye": (4, 6, 3), "angle": (1,), "back": (2, 2, 1)}


def encoder(shapes):
    return Encoder(EncoderConfig(mlp=MLP, cnn=CNN), shapes)


def decoder(shapes, **changes):
    return Decoder(DecoderConfig(mlp=MLP, cnn=CNN, **changes), 3, 4, shapes)


def observation(*lead, shapes=BOTH):
    return {key: torch.randn(*lead, *shape) for key, shape in shapes.items()}


def features(*lead):
    return Features(torch.randn(*lead, 3), torch.randn(*lead, 4))


def test_images_have_three_axes_and_vectors_one():
    assert image_keys(BOTH) == ["back", "eye"] and vector_keys(BOTH) == ["angle", "speed"]


@pytest.mark.parametrize(
    ("keys", "size"),
    [(["speed"], 5), (["speed", "angle"], 5), (["eye"], 2 * 2 * 3), (list(BOTH), 5 + 2 * 1 * 1 + 2 * 2 * 3)],
)
def test_the_size_of_the_embedding(keys, size):
    shapes = {key: BOTH[key] for key in keys}
    network = encoder(shapes)
    assert network.size == size
    assert network(observation(2, 7, shapes=shapes)).shape == (2, 7, size)
    assert network(observation(2, shapes=shapes)).shape == (2, size)


def test_the_order_of_the_keys_does_not_matter():
    torch.manual_seed(0)
    one = encoder(BOTH)
    torch.manual_seed(0)
    two = encoder(dict(reversed(BOTH.items())))
    seen = observation(2)
    assert one(seen).equal(two(dict(reversed(seen.items()))))


@pytest.mark.parametrize("key", sorted(BOTH))
def test_every_key_is_read(key):
    network, seen = encoder(BOTH), observation(2)
    assert not network(seen).equal(network(seen | {key: seen[key] + 1}))


def test_a_chunk_is_encoded_step_by_step():
    network, seen = encoder(BOTH), observation(2, 3)
    step = network({key: x[:, 1] for key, x in seen.items()})
    torch.testing.assert_close(network(seen)[:, 1], step)


def test_what_is_decoded_has_the_observations_shapes():
    decoded = decoder(BOTH)(features(2, 7))
    assert {key: tuple(x.shape) for key, x in decoded.items()} == {key: (2, 7, *BOTH[key]) for key in BOTH}


def test_a_chunk_is_decoded_step_by_step():
    network, known = decoder(BOTH), features(2, 3)
    whole, step = network(known), network(Features(known.deter[:, 1], known.stoch[:, 1]))
    for key in BOTH:
        torch.testing.assert_close(whole[key][:, 1], step[key])


def test_each_loss_is_half_the_summed_squared_error_unreduced():
    network, known, seen = decoder(BOTH), features(2, 3), observation(2, 3)
    losses, decoded = network.loss(known, seen), network(known)
    assert set(losses) == set(BOTH)
    for key, loss in losses.items():
        assert loss.shape == (2, 3)
        for b in range(2):
            for t in range(3):
                error = sum(
                    (x - y) ** 2
                    for x, y in zip(
                        decoded[key][b, t].flatten().tolist(), seen[key][b, t].flatten().tolist(), strict=True
                    )
                )
                assert loss[b, t].item() == pytest.approx(error / 2, rel=1e-4)


@pytest.mark.parametrize(("reads", "moves"), [("h", (True, False)), ("z", (False, True)), ("hz", (True, True))])
def test_it_reads_what_it_says(reads, moves):
    network, known = decoder(BOTH, reads=reads), features(2)
    before = network(known)
    for other, moved in zip(
        (known._replace(deter=known.deter + 1), known._replace(stoch=known.stoch + 1)), moves, strict=True
    ):
        after = network(other)
        assert all(before[key].equal(after[key]) != moved for key in BOTH)


@pytest.mark.parametrize("build", [encoder, decoder])
def test_an_image_that_cannot_be_halved_is_refused(build):
    with pytest.raises(UserError, match="5 x 4 cannot be halved 1 times"):
        build({"eye": (5, 4, 3)})
