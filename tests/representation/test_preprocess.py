"""What happens to observations and rewards before a network sees them."""

import pytest
import torch

from reverie.errors import UserError
from reverie.representation.preprocess import (
    VECTORS,
    Pixels,
    Preprocess,
    PreprocessConfig,
    Standardise,
    StandardisePixels,
    Symlog,
)

SHAPES = {"image": (4, 4, 3), "speed": (2,)}


def preprocess(**changes):
    return Preprocess(PreprocessConfig(**changes), SHAPES)


def seen(n=50):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, 2, generator=generator) * torch.tensor([3.0, 0.1]) + torch.tensor([100.0, -2.0])


def test_by_hand():
    # 1, 3 and 8 have the mean 4 and the variance (9 + 1 + 16) / 3
    standardise = Standardise(1)
    standardise.update(torch.tensor([[1.0], [3.0]]))
    standardise.update(torch.tensor([[8.0]]))
    assert standardise.mean.item() == pytest.approx(4)
    assert standardise(torch.tensor([[8.0]])).item() == pytest.approx(4 / (26 / 3) ** 0.5)


@pytest.mark.parametrize("pieces", [[50], [1] * 50, [7, 13, 30], [49, 1]])
def test_statistics_merged_in_pieces_are_those_of_all(pieces):
    running, x = Standardise(2), seen()
    for piece in x.split(pieces):
        running.update(piece)
    torch.testing.assert_close(running.mean, x.mean(0))
    torch.testing.assert_close(running.std, x.std(0, correction=0))
    assert running.get_extra_state()[0] == 50


def test_statistics_go_on_from_a_checkpoint():
    one, two, x = Standardise(2), Standardise(2), seen()
    one.update(x[:20])
    two.load_state_dict(one.state_dict())
    one.update(x[20:])
    two.update(x[20:])
    assert two.mean.equal(one.mean) and two.std.equal(one.std)


def test_nothing_new_changes_nothing():
    running = Standardise(2)
    running.update(torch.zeros(0, 2))
    assert running.mean.tolist() == [0.0, 0.0] and running.std.tolist() == [1.0, 1.0]


def test_what_was_seen_becomes_standard():
    standardise = Standardise(2)
    standardise.update(seen())
    y = standardise(seen())
    torch.testing.assert_close(y.mean(0), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(y.std(0, correction=0), torch.ones(2), atol=1e-4, rtol=0)


def test_before_anything_was_seen_nothing_happens():
    assert Standardise(2)(torch.tensor([[2.0, -3.0]])).tolist() == [[2.0, -3.0]]


def test_a_constant_does_not_explode():
    standardise = Standardise(1)
    standardise.update(torch.full((10, 1), 5.0))
    assert standardise(torch.tensor([[5.0], [6.0]])).tolist() == [[0.0], [10.0]]


def test_far_values_are_clamped():
    assert Standardise(1)(torch.tensor([[1e6], [-1e6]])).tolist() == [[10.0], [-10.0]]


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_restore_is_the_inverse(name):
    transform = VECTORS[name](2)
    transform.update(seen())
    torch.testing.assert_close(transform.restore(transform(seen())), seen(), rtol=1e-5, atol=1e-4)


def test_pixels_are_centred_and_come_back_between_zero_and_one():
    pixels = Pixels()
    x = torch.tensor([0, 51, 255], dtype=torch.uint8)
    torch.testing.assert_close(pixels(x), torch.tensor([-0.5, -0.3, 0.5]))
    torch.testing.assert_close(pixels.restore(pixels(x)), torch.tensor([0.0, 0.2, 1.0]))
    assert pixels.restore(torch.tensor([-2.0, 2.0])).tolist() == [0.0, 1.0]


def test_pixels_are_standardised_by_one_mean_and_deviation_of_all():
    pixels = StandardisePixels()
    pixels.update(torch.tensor([0, 255], dtype=torch.uint8).reshape(2, 1, 1, 1))  # mean 1/2, deviation 1/2
    x = torch.tensor([0, 51, 255], dtype=torch.uint8)
    torch.testing.assert_close(pixels(x), torch.tensor([-1.0, -0.6, 1.0]))
    torch.testing.assert_close(pixels.restore(pixels(x)), torch.tensor([0.0, 0.2, 1.0]))


def test_a_blank_image_is_divided_by_the_least_deviation():
    pixels = StandardisePixels()
    pixels.update(torch.zeros(4, 2, 2, 3, dtype=torch.uint8))
    torch.testing.assert_close(pixels(torch.tensor([255], dtype=torch.uint8)), torch.tensor([20.0]))


def test_symlog_measures_nothing():
    symlog = Symlog(1)
    symlog.update(torch.full((10, 1), 1e3))
    torch.testing.assert_close(symlog(torch.tensor([[1.7182818]])), torch.tensor([[1.0]]))


def test_each_key_has_its_own():
    both = preprocess(images="unit")
    both.update({"image": torch.zeros(50, 4, 4, 3, dtype=torch.uint8), "speed": seen()})
    out = both({"speed": seen(), "image": torch.full((50, 4, 4, 3), 255, dtype=torch.uint8)})
    assert out["image"].unique().tolist() == [0.5]
    assert out["speed"].abs().max() < 10 and abs(out["speed"].mean().item()) < 1e-3
    torch.testing.assert_close(both.restore(out)["speed"], seen(), rtol=1e-5, atol=1e-4)


def test_the_statistics_are_saved_with_the_weights():
    one, two = preprocess(), preprocess()
    one.update({"image": torch.zeros(50, 4, 4, 3, dtype=torch.uint8), "speed": seen()})
    one.measure_reward(torch.full((5,), 7.0))
    two.load_state_dict(one.state_dict())
    assert two.transforms[0](seen()).equal(one.transforms[0](seen()))
    assert two.reward_unit == 7


@pytest.mark.parametrize(
    ("given", "rewards", "unit"),
    [
        (0.0, [3.0, -4.0, 0.0, 5.0], (50 / 4) ** 0.5),  # the root mean square
        (0.0, [0.1, 0.0], 1.0),  # at least 1: small rewards are left as they are
        (2.5, [100.0], 2.5),  # what was given is not measured
    ],
)
def test_the_unit_of_the_reward(given, rewards, unit):
    part = preprocess(reward_unit=given)
    assert part.reward_unit == (given or 1.0)
    part.measure_reward(torch.tensor(rewards))
    assert part.reward_unit.item() == pytest.approx(unit)


def test_a_negative_unit_is_refused():
    with pytest.raises(UserError, match=r"preprocess.reward-unit must not be negative, not -3.0"):
        PreprocessConfig(reward_unit=-3.0)


@pytest.mark.parametrize("key", ["keys", "type", "robot.speed"])
def test_a_key_of_the_observation_may_have_any_name(key):
    part = Preprocess(PreprocessConfig(), {key: (2,)})
    assert part({key: seen()})[key].shape == (50, 2)
