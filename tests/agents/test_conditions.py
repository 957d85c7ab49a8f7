"""Action-conditioned agents: they learn, act, dream and come back from JSON; what cannot work is refused."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import built, learner, random_batch, tiny

from reverie.agents.conditions import CHECKS
from reverie.agents.parts import PARTS
from reverie.agents.presets import PRESETS
from reverie.agents.resolve import from_plain, resolve
from reverie.dynamics.action_conditioned import CONDITIONS, ActionConditioned
from reverie.errors import UserError
from reverie.report.evaluate import Episode
from reverie.report.open_loop import dreamed_returns, open_loop

BACKBONES = [name for name, kind in PARTS["backbone"].items() if kind.remembers]
LATENTS = [name for name, kind in PARTS["latent"].items() if kind.exact]
CHOICES = [*itertools.product(BACKBONES, LATENTS, [b for b in PARTS["behaviour"] if b not in ("evolution", "none")])]
CHOICES += [(backbone, "gaussian", "evolution") for backbone in BACKBONES]
REACH = 3


def conditioned(**changes):
    """A tiny run whose world is conditioned on actions; dreams are of 3 steps, chunks of 5."""
    resolved = tiny(posterior="encode", **changes)
    config = resolved.config
    parts = {
        name: replace(getattr(config.behaviour, name), reads="z")
        for name in ("actor", "critic", "controller")
        if hasattr(getattr(config.behaviour, name, None), "reads")
    }
    dynamics = replace(config.dynamics, condition="action", reach=REACH)
    return replace(resolved, config=replace(config, dynamics=dynamics, behaviour=replace(config.behaviour, **parts)))


@pytest.mark.parametrize(("backbone", "latent", "behaviour"), CHOICES)
def test_it_learns_with_every_backbone_latent_and_behaviour(backbone, latent, behaviour):
    resolved = conditioned(backbone=backbone, latent=latent, behaviour=behaviour)
    learning = learner(resolved)
    assert isinstance(learning.agent.world.dynamics, ActionConditioned)
    stage = PRESETS["dreamer"].program(resolved.config)[-1]
    for seed in range(2):
        metrics = learning.update(stage, random_batch(learning.agent, seed=seed), diagnosed=True)
        assert all(math.isfinite(value) for value in metrics.values()), metrics
    assert metrics["grad/world"] > 0
    assert behaviour == "evolution" or metrics["grad/actor"] > 0


def test_it_comes_back():
    resolved = conditioned()
    assert from_plain(resolved.plain()) == resolved


def test_an_older_configuration_is_conditioned_on_history():
    whole = resolve("dreamer", "py:tiny:walk")
    plain = whole.plain()
    del plain["config"]["dynamics"]["condition"], plain["config"]["dynamics"]["reach"]
    assert from_plain(plain) == whole


def test_it_acts_by_what_it_sees_now():
    """The actor reads z alone, and z the observation alone: what came before moves no action."""
    agent = built(conditioned()).eval()
    draws = np.random.default_rng(0)

    def seen():
        return {"state": draws.normal(size=(2, 2)).astype(np.float32)}

    last, carries = seen(), [agent.initial(2), agent.initial(2)]
    for first in (1, 0, 0):
        for index, carry in enumerate(carries):
            _, carries[index] = agent.act(seen(), np.ones(2), np.full(2, first), carry)
    one, two = (agent.act(last, np.zeros(2), np.zeros(2), carry)[0] for carry in carries)
    assert np.array_equal(one, two)


def episodes(number, length=12):
    draws = np.random.default_rng(1)
    return [
        Episode(
            {"state": draws.normal(size=(length + 1, 2)).astype(np.float32)},
            draws.uniform(-2, 2, (length + 1, 1)).astype(np.float32),
            draws.normal(size=length + 1),
            False,
        )
        for _ in range(number)
    ]


def test_open_loop_dreams_are_anchored_at_what_was_seen_last():
    agent = built(conditioned()).eval()
    for weight in agent.world.parameters():
        weight.data.add_(0.3 * torch.randn_like(weight))
    whole = episodes(2)
    other = [replace(e, observation={"state": e.observation["state"].copy()}) for e in whole]
    for episode in other:
        episode.observation["state"][:3] += 1
    one, two = (open_loop(agent, seen, context=4, steps=8) for seen in (whole, other))
    assert np.array_equal(one.dream["state"][:, 4:], two.dream["state"][:, 4:])
    assert not np.array_equal(one.dream["state"][:, :3], two.dream["state"][:, :3])
    for episode in other:
        episode.observation["state"][3] += 1
    last = open_loop(agent, other, context=4, steps=8)
    assert np.abs(one.dream["state"][:, 4] - last.dream["state"][:, 4]).max() > 1e-4
    assert np.isfinite(dreamed_returns(agent, whole)).all()


def test_every_condition_says_what_it_asks():
    assert set(CHECKS) == set(CONDITIONS)


def test_a_backbone_that_cannot_see_its_anchor_is_refused():
    resolved = conditioned()

    class Window(type(resolved.config.backbone)):
        window = 2

    hidden = Window(units=8)
    with pytest.raises(UserError, match=r"--backbone.window 2 hides anchors that are up to --dynamics.reach 3 steps"):
        replace(resolved, config=replace(resolved.config, backbone=hidden))


def test_critics_of_actions_must_read_latents_alone():
    resolved = tiny("tdmpc2", backbone="gru")
    config = replace(resolved.config, dynamics=replace(resolved.config.dynamics, condition="action", reach=REACH))
    replace(resolved, config=config)
    with pytest.raises(UserError, match=r"--behaviour.reads must be z with --dynamics.condition action, not hz"):
        replace(resolved, config=replace(config, behaviour=replace(config.behaviour, reads="hz")))
