"""DreamerV3's numbers: parameters counted by hand."""

import pytest
import torch
from gymnasium import spaces
from tiny import tiny

from reverie.agents.build import build
from reverie.agents.dreamerv3 import SIZES
from reverie.agents.presets import PRESETS

STATE = spaces.Dict({"state": spaces.Box(-1, 1, (24,))})
CONTINUOUS = spaces.Box(-1, 1, (6,))
"""What dm_control's walker shows and takes."""

BY_HAND = {
    # 24 -> 64, and twice 64 -> 64; each with a bias, and a scale of its norm
    "world.encoder": (24 * 64 + 2 * 64) + 2 * (64 * 64 + 2 * 64),
    # z, 32 of 4 classes, and a to 64 each; the block GRU; posterior [h, e]; prior
    "world.dynamics": (128 * 64 + 2 * 64)
    + (6 * 64 + 2 * 64)
    + (512 * 64 + 2 * 64)  # the whole memory, narrowed
    + 8 * (64 + 64 + 2 * 64) * 64  # 8 blocks of [own 64, narrowed 64, entered 128] -> 64
    + 2 * 512  # their bias and the scale of their norm
    + 8 * (64 * 3 * 64 + 3 * 64)  # 8 blocks to three gates
    + ((512 + 64) * 64 + 2 * 64 + 64 * 128 + 128)
    + ((512 * 64 + 2 * 64) + (64 * 64 + 2 * 64) + (64 * 128 + 128)),
    # all that follow read [h, z], 640 numbers
    "world.decoder": (640 * 64 + 2 * 64) + 2 * (64 * 64 + 2 * 64) + (64 * 24 + 24),
    "world.reward": (640 * 64 + 2 * 64) + (64 * 255 + 255),
    "world.continue_": (640 * 64 + 2 * 64) + (64 + 1),
    "behaviour.actor": (640 * 64 + 2 * 64) + 2 * (64 * 64 + 2 * 64) + (64 * 12 + 12),
    "behaviour.critic.value": (640 * 64 + 2 * 64) + 2 * (64 * 64 + 2 * 64) + (64 * 255 + 255),
}
REFERENCE = {
    "world.encoder": 10_112,
    "world.dynamics": 364_416,
    "world.decoder": 51_096,
    "world.reward": 57_663,
    "world.continue_": 41_153,
    "behaviour.actor": 50_316,
    "behaviour.critic.value": 66_111,
}


def count(module):
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def at(scale):
    """The agent of a scale, on walker's spaces, without memory for its weights."""
    resolved = tiny("dreamerv3")
    config = PRESETS["dreamerv3"].config(resolved.config.env, scale)
    with torch.device("meta"):
        return build(config, resolved.parts, STATE, CONTINUOUS)


def by_hand(deter, units, classes):
    """All parameters of a size: the sums above with letters in them."""

    def net(inputs, layers, outputs=0):
        hidden = (inputs * units + 2 * units) + (layers - 1) * (units * units + 2 * units)
        return hidden + (units * outputs + outputs)

    z, bins = 32 * classes, 255
    block = deter // 8
    cell = 8 * (block + 3 * units) * block + 2 * deter + 8 * (3 * block * block + 3 * block)
    dynamics = net(z, 1) + net(6, 1) + net(deter, 1) + cell + net(deter + units, 1, z) + net(deter, 2, z)
    heads = net(deter + z, 3, 24) + net(deter + z, 1, bins) + net(deter + z, 1, 1)
    return net(24, 3) + dynamics + heads + net(deter + z, 3, 12) + net(deter + z, 3, bins)


def test_the_smallest_size_has_the_reference_implementations_parameters():
    agent = at("1m")
    assert {name: count(agent.get_submodule(name)) for name in BY_HAND} == BY_HAND == REFERENCE
    assert count(agent) == 640_867
    assert count(agent) + agent.behaviour.ends.numel() == 640_869


@pytest.mark.parametrize("size", SIZES)
def test_every_size_has_its_parameters(size):
    agent = at(size)
    assert count(agent) == by_hand(*SIZES[size])


def test_the_paper_is_the_size_of_its_control_tasks():
    env = tiny().config.env
    assert PRESETS["dreamerv3"].config(env, "paper") == PRESETS["dreamerv3"].config(env, "12m")
