"""Images that are cropped and resized."""

import numpy as np
import pytest
from counting import Counting
from gymnasium import spaces

from reverie.envs import EnvConfig, make
from reverie.errors import UserError


class Striped(Counting):
    """Each row of what it shows, and of what it draws, holds its number."""

    def fill(self, space):
        if isinstance(space, spaces.Box) and space.dtype == np.uint8:
            return np.broadcast_to(np.arange(space.shape[0], dtype=np.uint8)[:, None, None], space.shape).copy()
        return super().fill(space)

    def render(self):
        return self.fill(spaces.Box(0, 255, (100, 50, 3), np.uint8))


IMAGE = spaces.Box(0, 255, (100, 40, 1), np.uint8)


def striped(space=None):
    return lambda: Striped(space, render_mode="rgb_array")


def test_rows_are_cropped_before_a_drawn_image_is_resized():
    env = make(striped(), pixels=True, size=(4, 5), crop=(0.4, 0.8))
    assert env.observation_space["image"].shape == (4, 5, 3)
    image = env.reset()[0]["image"]
    assert image.dtype == np.uint8 and env.observation_space.contains({"image": image})
    # Rows 40 to 79, ten to each: their means, rounded to even.
    np.testing.assert_array_equal(image[:, 0, 0], [44, 54, 64, 74])


def test_own_images_keep_their_size_without_a_crop_and_a_height():
    assert make(striped(IMAGE), size=8).observation_space["image"].shape == (100, 40, 1)
    assert make(striped(IMAGE), size=8, crop=(0, 0.5)).observation_space["image"].shape == (8, 8, 1)
    assert make(striped(IMAGE), size=(4, 8)).observation_space["image"].shape == (4, 8, 1)


def test_every_image_is_framed_and_vectors_are_not():
    space = spaces.Dict(left=IMAGE, right=spaces.Box(0, 255, (50, 50, 3), np.uint8), speed=spaces.Box(0, 9, (2,)))
    env = make(striped(space), crop=(0.5, 1), size=(2, 6), frame_stack=2)
    seen, _ = env.reset()
    shapes = {key: value.shape for key, value in seen.items()}
    assert shapes == {"left": (2, 6, 2), "right": (2, 6, 6), "speed": (4,)}
    assert env.observation_space.contains(seen)
    assert (seen["left"][0] == 62).all() and (seen["right"][1] == 43).all()


def test_the_options():
    config = EnvConfig(env="py:counting:factory", pixels=True, size=6, height=4, crop=[0.25, 0.75])
    assert config.crop == (0.25, 0.75)  # as it comes from JSON
    assert config.make().observation_space["image"].shape == (4, 6, 3)
    config = EnvConfig(env="py:counting:factory", pixels=True, size=6)
    assert config.make().observation_space["image"].shape == (6, 6, 3)


@pytest.mark.parametrize("crop", [(0.5, 0.5), (0.6, 0.4), (-0.1, 1), (0, 1.1), (0, float("nan")), (0.1, 0.2, 0.3), ()])
def test_a_crop_that_makes_no_sense(crop):
    with pytest.raises(UserError, match="--crop needs two shares of the height"):
        EnvConfig(env="py:counting:factory", crop=crop)
    with pytest.raises(UserError, match="crop needs two shares of the height"):
        make(striped(IMAGE), crop=crop)


def test_a_negative_height():
    with pytest.raises(UserError, match="--height must not be negative, not -2"):
        EnvConfig(env="py:counting:factory", height=-2)


def test_nothing_to_crop():
    with pytest.raises(UserError, match=r"observes no image, so --crop and --height are not for it.*--pixels"):
        make(striped(), crop=(0.1, 0.9))
    with pytest.raises(UserError, match=r"leaves no row of an image of .*, which has 100"):
        make(striped(IMAGE), crop=(0.5, 0.501))
