"""Every scale of every preset learns, and has its source's values."""

import math

import gymnasium
import numpy as np
import pytest
import torch
from tiny import built, changed, learner, random_batch, tiny, weights

from reverie.agents.build import build
from reverie.agents.presets import PRESETS

SCALES = [(name, scale) for name, preset in PRESETS.items() for scale in preset.scales]
HUGE = [
    *(("dreamerv3", size) for size in ("25m", "50m", "100m", "200m", "400m")),
    *(("tdmpc2", size) for size in ("48m", "317m")),
]
"""Too large to be trained here: tests/agents/test_dreamerv3.py, and a test below, build them without memory and
count."""


@pytest.mark.parametrize(("preset", "scale"), [pair for pair in SCALES if pair not in HUGE], ids=lambda name: name)
def test_the_published_sizes_make_an_update(preset, scale):
    resolved = tiny(preset)
    config = PRESETS[preset].config(resolved.config.env, scale, resolved.parts)
    full = type(resolved)(preset=preset, scale=scale, parts=resolved.parts, config=config)
    agent = built(full)
    before = weights(agent)
    metrics = learner(full, agent).update(full.program()[-1], random_batch(agent), diagnosed=True)
    assert all(math.isfinite(value) for value in metrics.values()), metrics
    assert changed(before, agent)


@pytest.mark.parametrize(("size", "millions"), [("5m", 5), ("19m", 19), ("48m", 48), ("317m", 317)])
def test_tdmpc2s_sizes_have_the_parameters_of_their_names(size, millions):
    resolved = tiny("tdmpc2")
    config = PRESETS["tdmpc2"].config(resolved.config.env, size)
    state = gymnasium.spaces.Dict({"state": gymnasium.spaces.Box(-9, 9, (24,), np.float32)})
    with torch.device("meta"):
        agent = build(config, resolved.parts, state, gymnasium.spaces.Box(-1, 1, (6,), np.float32))
    assert sum(p.numel() for p in agent.parameters() if p.requires_grad) == pytest.approx(millions * 1e6, rel=0.05)


def test_the_paper_has_its_sizes():
    # Dreamer, appendix A: 30 Gaussians, 200 units, ELU; horizon 15, gamma 0.99, lambda 0.95; Adam at 6e-4, 8e-5, 8e-5.
    config = PRESETS["dreamer"].config(tiny().config.env, "paper")
    assert (config.latent.size, config.backbone.units, config.encoder.mlp.activation) == (30, 200, "elu")
    assert (config.behaviour.horizon, config.behaviour.gamma, config.behaviour.lambda_) == (15, 0.99, 0.95)
    assert config.objective.optimiser.lr == 6e-4
    assert config.behaviour.actor_optimiser.lr == config.behaviour.critic_optimiser.lr == 8e-5
    assert (config.train.batch, config.train.length, config.objective.free_nats) == (50, 50, 3.0)


def test_an_exchanged_part_has_the_values_of_its_scale():
    resolved = tiny(scale="paper", posterior="encode")
    mlp = PRESETS["dreamer"].config(resolved.config.env, "paper", resolved.parts).posterior.mlp
    assert (mlp.units, mlp.activation) == (200, "elu")
