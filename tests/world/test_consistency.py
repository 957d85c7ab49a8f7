"""The consistency objective is the sum that a loop makes, and sends gradients where it should."""

import math
from dataclasses import replace

import pytest
import torch
from tiny import built, learner, random_batch, tiny, weights

from reverie.agents.presets import PRESETS
from reverie.errors import UserError
from reverie.world.consistency import DISTANCES, ConsistencyConfig, within


def made(latent="simnorm", **objective):
    resolved = tiny("tdmpc2", latent=latent)
    config = replace(resolved.config, objective=replace(resolved.config.objective, **objective))
    return replace(resolved, config=config)


def forward(agent, batch, generator=None):
    return agent.objective(agent.world, batch, agent.world.initial(len(batch.first)), generator)


def _squared(dynamics, h, dreamed, parameters):
    z = dynamics.latent.posterior(parameters).mode()
    return sum(float(a - b) ** 2 for a, b in zip(dreamed, z, strict=True)) / len(z)


def _cosine(dynamics, h, dreamed, parameters):
    """The squared distance of the two on the unit sphere."""
    z = dynamics.latent.posterior(parameters).mode()
    lengths = [math.sqrt(sum(float(x) ** 2 for x in vector)) for vector in (dreamed, z)]
    return sum(float(a / lengths[0] - b / lengths[1]) ** 2 for a, b in zip(dreamed, z, strict=True))


def _mismatch(dynamics, h, dreamed, parameters):
    z = dynamics.latent.posterior(parameters).mode()
    return float(dynamics.latent.mismatch(parameters, dynamics.prior(h), z))


ORACLES = {"squared": _squared, "cosine": _cosine, "mismatch": _mismatch}


def test_every_distance_has_its_oracle():
    assert set(ORACLES) == set(DISTANCES)


@pytest.mark.parametrize("latent", ["simnorm", "fsq", "deterministic"])
@pytest.mark.parametrize("distance", DISTANCES)
@torch.no_grad()
def test_losses_are_those_of_a_walk(distance, latent):
    agent = built(made(rho=0.7, distance=distance, latent=latent))
    world, batch = agent.world, random_batch(agent, rows=3, length=5)
    experience, losses = forward(agent, batch)
    embed = world.encoder(world.preprocess(batch.observation))
    parameters = world.dynamics.posterior.mlp(embed)
    for row in range(3):
        state = world.dynamics.select(
            world.dynamics.start(experience.trace, torch.tensor([row]), torch.tensor([0])), torch.tensor([0])
        )
        weight = 1.0
        for step in range(4):
            state = world.imagine(batch.action[row : row + 1, step + 1], state)
            weight *= float(1 - batch.first[row, step + 1])
            between = ORACLES[distance](world.dynamics, state.deter[0], state.stoch[0], parameters[row, step + 1])
            assert float(losses["dynamics"].value[row, step]) == pytest.approx(weight * 0.7**step * between, abs=1e-5)
            reward = float(world.reward.loss(state.features, batch.reward[row : row + 1, step + 1]))
            assert float(losses["reward"].value[row, step]) == pytest.approx(weight * 0.7**step * reward, abs=1e-5)
            going = float(world.continue_.loss(state.features, 1 - batch.terminal[row : row + 1, step + 1]))
            assert float(losses["continue"].value[row, step]) == pytest.approx(weight * 0.7**step * going, abs=1e-5)


def test_what_is_matched_has_no_gradient_and_what_is_dreamed_has_one():
    agent = built(made())
    batch = random_batch(agent)
    batch.first.zero_()
    for seen in batch.observation.values():
        seen.requires_grad_()
    _, losses = forward(agent, batch)
    [gradient] = torch.autograd.grad(losses["dynamics"].value[:, -1].sum(), list(batch.observation.values()))
    assert gradient[:, 0].abs().sum() > 0, "the first observation begins the dream"
    assert not gradient[:, 1:].any(), "the others are what it is matched with"


def test_codes_are_drawn_along_the_unroll_and_the_gradient_passes_them():
    agent = built(made("fsq", distance="mismatch"))
    batch = random_batch(agent, rows=8)
    batch.first.zero_()
    seen = [forward(agent, batch, torch.Generator().manual_seed(seed))[0] for seed in (0, 0, 1)]
    codes = [experience.dreamed.stoch for experience in seen]
    assert torch.equal(codes[0], codes[1]) and not torch.equal(codes[0], codes[2])
    assert torch.equal(codes[0][:, 0], codes[2][:, 0]), "what was seen is certain"
    for seen in batch.observation.values():
        seen.requires_grad_()
    _, losses = forward(agent, batch, torch.Generator().manual_seed(0))
    [gradient] = torch.autograd.grad(losses["dynamics"].value[:, -1].sum(), list(batch.observation.values()))
    assert gradient[:, 0].abs().sum() > 0 and not gradient[:, 1:].any()


def test_the_mismatch_is_with_what_the_slow_encoder_saw():
    agent = built(made("fsq", distance="mismatch", target_rate=0.5))
    batch = random_batch(agent)
    before = forward(agent, batch)[1]["dynamics"].value
    with torch.no_grad():
        for weight in agent.objective._slow.parameters():
            weight.neg_()
    assert not torch.equal(forward(agent, batch)[1]["dynamics"].value, before)


def test_encoder_and_posterior_learn_more_slowly():
    resolved = made(encoder_rate=0.25)
    agent = built(resolved)
    optimiser = learner(resolved, agent).optimisers["world"]
    world = resolved.config.objective.optimiser.lr
    rates = {p: group["lr"] for group in optimiser._algorithm.param_groups for p in group["params"]}
    slow = [*agent.world.encoder.parameters(), *agent.world.dynamics.posterior.parameters()]
    assert {rates[p] for p in slow} == {0.25 * world}
    assert {rate for p, rate in rates.items() if not any(p is q for q in slow)} == {world}


def test_steps_of_another_episode_count_nothing():
    first = torch.tensor([[1.0, 0, 0, 1, 0], [0, 0, 0, 0, 0]])
    assert within(first).tolist() == [[1, 1, 0, 0], [1, 1, 1, 1]]


def test_a_slow_encoder_follows_and_is_not_trained():
    resolved = made(target_rate=0.25)
    agent = built(resolved)
    slow = agent.objective._slow
    assert not any(p.requires_grad for p in slow.parameters())
    before, fast = weights(slow), [agent.world.encoder, agent.world.dynamics.posterior]
    learning = learner(resolved, agent)
    learning.update(PRESETS["tdmpc2"].program(resolved.config)[-1], random_batch(agent))
    after = [p for module in fast for p in module.parameters()]
    for (name, old), new in zip(before.items(), after, strict=True):
        torch.testing.assert_close(dict(slow.named_parameters())[name], old + 0.25 * (new - old))


def test_there_is_no_decoder():
    agent = built(made())
    assert agent.world.decoder is None
    assert not any(name.startswith("world.decoder") for name in agent.state_dict())


@pytest.mark.parametrize(("name", "value"), [("rho", 0.0), ("target_rate", 1.5), ("reward", -1.0)])
def test_values_that_make_no_sense_are_refused(name, value):
    with pytest.raises(UserError, match=f"objective.{name.replace('_', '-')} must"):
        ConsistencyConfig(**{name: value})
