"""V's and M's losses against slow computations, and where their gradients go."""

import math
from dataclasses import replace

import pytest
import torch
from small import ROWS, STEPS, generator, make_batch, make_world

from reverie.errors import UserError
from reverie.types import Features
from reverie.world.vision_memory import (
    STORED,
    ControlConfig,
    MemoryConfig,
    VisionConfig,
    VisionMemory,
    VisionMemoryConfig,
    posterior_of,
)


def world_of(latent="mixture"):
    return make_world(latent, "encode", reads="z")


def losses_of(part, world, batch, **values):
    config = VisionMemoryConfig(vision=VisionConfig(**values)) if part == "vision" else VisionMemoryConfig()
    objective = getattr(VisionMemory(config, world), part)
    return objective(world, batch, world.initial(ROWS), generator())


def test_what_is_seen_is_scored_from_z_alone():
    world, batch = world_of(), make_batch()
    _, losses = losses_of("vision", world, batch, vector=3.0, image=5.0)
    observation = world.preprocess(batch.observation)
    z = world.dynamics.latent.posterior(posterior_of(world, observation)).sample(generator())
    decoded = world.decoder(Features(torch.full((ROWS, STEPS, 5), math.nan), z))
    for key, weight in {"eye": 5.0, "speed": 3.0}.items():
        error = 0.5 * (decoded[key] - observation[key]).square().flatten(2).sum(-1)
        torch.testing.assert_close(losses[f"observation/{key}"].value, error)
        assert losses[f"observation/{key}"].weight == weight


def test_bright_pixels_weigh_more():
    world, batch = world_of(), make_batch()
    _, plain = losses_of("vision", world, batch)
    _, losses = losses_of("vision", world, batch, bright=3.0)
    observation = world.preprocess(batch.observation)
    z = world.dynamics.latent.posterior(posterior_of(world, observation)).sample(generator())
    decoded, seen = world.decoder(Features(torch.zeros(ROWS, STEPS, 5), z))["eye"], observation["eye"]
    for b in range(ROWS):
        for t in range(STEPS):
            loss = 0.0
            for mean, pixel in zip(decoded[b, t].flatten(0, 1), seen[b, t].flatten(0, 1), strict=True):
                glow = max(0.0, pixel.mean().item())
                loss += 0.5 * (1 + 3 * glow) * (mean - pixel).square().sum().item()
            assert losses["observation/eye"].value[b, t].item() == pytest.approx(loss, rel=1e-4)
    assert (losses["observation/eye"].value > plain["observation/eye"].value).all()
    assert losses["observation/speed"].value.equal(plain["observation/speed"].value)


def test_the_departure_by_slow_computation():
    world, batch = world_of(), make_batch()
    _, losses = losses_of("vision", world, batch, free_nats=0.0)
    mean, raw = posterior_of(world, world.preprocess(batch.observation)).chunk(2, -1)
    std = torch.nn.functional.softplus(raw) + 0.1
    for b in range(ROWS):
        for t in range(STEPS):
            pairs = zip(mean[b, t].tolist(), std[b, t].tolist(), strict=True)
            nats = sum(-math.log(s) + (s * s + m * m - 1) / 2 for m, s in pairs)
            assert losses["prior"].value[b, t].item() == pytest.approx(nats, rel=1e-4)


def test_free_nats_are_a_floor_for_all_dimensions_together():
    _, losses = losses_of("vision", world_of(), make_batch(), free_nats=100.0)
    assert (losses["prior"].value == 300.0).all()  # three dimensions


def test_what_comes_next_is_scored_by_its_likelihood():
    """The gradient is that of -log p(z), by finite differences of a slow sum over components."""
    world, batch = world_of(), make_batch()
    experience, losses = losses_of("memory", world, batch)
    bias = world.dynamics.prior_net[-1].bias
    (gradient,) = torch.autograd.grad(losses["dynamics"].value.sum(), bias)

    def surprise(index, change):
        with torch.no_grad():
            parameters = experience.trace.prior.double()
            parameters[..., index] += change
            logits, mean, raw = parameters.unflatten(-1, (3, 3, 2)).unbind(-3)
            std, z = torch.nn.functional.softplus(raw) + 0.1, experience.trace.stoch.double().unsqueeze(-1)
            normal = torch.distributions.Normal(mean, std).log_prob(z).exp()
            return -(torch.softmax(logits, -1) * normal).sum(-1).log().sum()

    for index in range(0, 18, 5):
        slope = (surprise(index, 1e-4) - surprise(index, -1e-4)) / 2e-4
        assert gradient[index].item() == pytest.approx(slope.item(), rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("latent", ["mixture", "gaussian", "categorical"])
def test_what_v_has_stored_stands_for_the_observation(latent):
    world, batch = world_of(latent), make_batch()
    stored = posterior_of(world, world.preprocess(batch.observation)).detach()
    blind = {key: torch.zeros_like(x) for key, x in batch.observation.items()}
    _, seen = losses_of("memory", world, batch)
    _, recalled = losses_of("memory", world, replace(batch, observation=blind, opaque={STORED: stored}))
    assert set(seen) == {"dynamics", "reward", "continue"}
    for name, loss in seen.items():
        torch.testing.assert_close(recalled[name].value, loss.value)


def test_latents_are_drawn_again_each_time():
    world, batch = world_of(), make_batch()
    memory = VisionMemory(VisionMemoryConfig(), world).memory
    draws = generator()
    one, other = (memory(world, batch, world.initial(ROWS), draws)[0].trace.stoch for _ in range(2))
    assert not torch.equal(one, other)


def test_the_memory_does_not_shape_what_is_seen():
    world, batch = world_of(), make_batch()
    _, losses = losses_of("memory", world, batch)
    sum(loss.value.sum() for loss in losses.values()).backward()
    assert all(p.grad is None for p in [*world.encoder.parameters(), *world.dynamics.posterior.parameters()])
    assert all(p.grad is not None for p in world.dynamics.backbone.parameters())


def test_by_itself_it_only_observes():
    world, batch = world_of(), make_batch()
    objective = VisionMemory(VisionMemoryConfig(), world)
    experience, losses = objective(world, batch, world.initial(ROWS), generator())
    trace = world.observe(batch, world.initial(ROWS), generator())
    assert losses == {}
    torch.testing.assert_close(experience.trace.deter, trace.deter)


def test_a_decoder_that_reads_the_memory_is_refused():
    with pytest.raises(UserError, match=r"--decoder\.reads must be z with --objective vision-memory"):
        VisionMemory(VisionMemoryConfig(), make_world("mixture", "encode"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: VisionMemoryConfig(rounds=0), "objective.rounds must be at least 1, not 0"),
        (lambda: VisionMemoryConfig(vision=VisionConfig(rows=0)), "objective.vision.rows must be at least 1, not 0"),
        (
            lambda: VisionMemoryConfig(control=ControlConfig(evaluate_every=0)),
            "objective.control.evaluate-every must be at least 1, not 0",
        ),
        (
            lambda: VisionMemoryConfig(memory=MemoryConfig(reward=-1.0)),
            "objective.memory.reward must not be negative, not -1.0",
        ),
    ],
)
def test_values_that_make_no_sense_are_refused(make, message):
    with pytest.raises(UserError, match=message):
        make()
