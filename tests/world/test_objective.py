"""The Filtering objective against slow computations, and where its gradients go."""

import math

import pytest
import torch
from small import ROWS, STEPS, generator, make_batch, make_world

from reverie.agents.parts import PARTS
from reverie.errors import UserError
from reverie.types import Loss, total
from reverie.world.consistency import Consistency, ConsistencyConfig
from reverie.world.diagnose import diagnose
from reverie.world.objective import Filtering, FilteringConfig
from reverie.world.two_models import TwoModels, TwoModelsConfig

LATENTS = sorted(name for name, kind in PARTS["latent"].items() if kind.exact)


def losses_of(world, batch, **changes):
    objective = Filtering(FilteringConfig(**changes), world)
    experience, losses = objective(world, batch, world.initial(ROWS), generator())
    assert experience.batch is batch
    return experience.trace, losses


def grown(loss, module):
    """Whether a loss has a gradient for the weights of a module."""
    if not loss.requires_grad:
        return False
    grads = torch.autograd.grad(loss.sum(), list(module.parameters()), retain_graph=True, allow_unused=True)
    return any(g is not None and g.abs().max() > 0 for g in grads)


def test_total_is_the_weighted_sum_of_means():
    # 2 * mean(1, 2, 3, 6) + 0.5 * mean(4) = 6 + 2
    losses = {"a": Loss(torch.tensor([[1.0, 2.0], [3.0, 6.0]]), 2.0), "b": Loss(torch.tensor([4.0]), 0.5)}
    assert total(losses).item() == 8
    assert total({}).item() == 0


@pytest.mark.parametrize("latent", LATENTS)
def test_losses_are_unreduced_and_named(latent):
    trace, losses = losses_of(make_world(latent), make_batch())
    names = {"observation/eye", "observation/speed", "reward", "continue", "dynamics", "representation"}
    assert set(losses) == names
    assert {tuple(loss.value.shape) for loss in losses.values()} == {(ROWS, STEPS)}
    assert trace.deter.shape[:2] == (ROWS, STEPS)


def test_each_loss_has_its_weight():
    weights = {
        "vector": 2.0,
        "image": 3.0,
        "reward": 5.0,
        "continuation": 7.0,
        "dynamics": 11.0,
        "representation": 13.0,
    }
    _, losses = losses_of(make_world(), make_batch(), **weights)
    assert losses["observation/speed"].weight == 2 and losses["observation/eye"].weight == 3
    assert [losses[name].weight for name in ("reward", "continue", "dynamics", "representation")] == [5, 7, 11, 13]


def test_reconstruction_and_reward_by_slow_computation():
    world, batch = make_world(), make_batch()
    world.preprocess.reward_unit.fill_(2.0)
    trace, losses = losses_of(world, batch)
    seen, drawn = world.preprocess(batch.observation), world.decoder(trace.features)
    expected = world.reward(trace.features)
    for b in range(ROWS):
        for t in range(STEPS):
            for key in ("eye", "speed"):
                error = (seen[key][b, t] - drawn[key][b, t]).flatten().tolist()
                truth = 0.5 * sum(x * x for x in error)
                assert losses[f"observation/{key}"].value[b, t].item() == pytest.approx(truth, rel=1e-4)
            # the reward r_t of arriving at t, read at t, in its unit
            truth = 0.5 * (expected[b, t].item() - batch.reward[b, t].item() / 2.0) ** 2
            assert losses["reward"].value[b, t].item() == pytest.approx(truth, rel=1e-4)


def test_a_time_limit_is_no_terminal():
    world, batch = make_world(), make_batch()
    trace, losses = losses_of(world, batch)
    chance = world.continue_(trace.features)
    assert batch.first[1].tolist() == batch.first[2].tolist() == [0, 0, 1, 0]
    for b in range(ROWS):
        for t in range(STEPS):
            ended = (b, t) == (1, 1)  # row 2 was cut off at the same step, and is to be believed to go on
            truth = -math.log(1 - chance[b, t].item() if ended else chance[b, t].item())
            assert losses["continue"].value[b, t].item() == pytest.approx(truth, rel=1e-4)


@pytest.mark.parametrize("latent", LATENTS)
def test_both_mismatches_are_that_of_posterior_and_prior_in_this_order(latent):
    world = make_world(latent)
    trace, losses = losses_of(world, make_batch(), free_nats=0.0)
    family = world.dynamics.latent
    truth = family.mismatch(trace.posterior, trace.prior, trace.stoch)
    if family.prior_size == family.posterior_size:  # otherwise the wrong order would not go unnoticed
        assert (truth - family.mismatch(trace.prior, trace.posterior, trace.stoch)).abs().max() > 1e-3
    torch.testing.assert_close(losses["dynamics"].value, truth)
    torch.testing.assert_close(losses["representation"].value, truth)


@pytest.mark.parametrize("latent", LATENTS)
def test_free_nats_are_a_floor_of_each_state(latent):
    world, batch = make_world(latent), make_batch()
    bare = losses_of(world, batch, free_nats=0.0)[1]["dynamics"].value
    middle = bare.median().item()
    cut = losses_of(world, batch, free_nats=middle)[1]
    assert (bare < middle).any() and (bare > middle).any()
    for name in ("dynamics", "representation"):
        torch.testing.assert_close(cut[name].value, bare.clamp_min(middle))


def test_a_mismatch_below_the_free_nats_has_no_gradient():
    world = make_world()
    _, losses = losses_of(world, make_batch(), free_nats=1e3)
    assert losses["dynamics"].value.unique().tolist() == [1e3]
    assert not grown(losses["dynamics"].value, world) and not grown(losses["representation"].value, world)


@pytest.mark.parametrize("latent", LATENTS)
def test_the_dynamics_term_moves_the_prior_and_the_representation_term_the_posterior(latent):
    # In a chunk of one step, where no latent has entered the backbone yet.
    world = make_world(latent)
    _, losses = losses_of(world, make_batch(steps=1), free_nats=0.0)
    posterior, prior = world.dynamics.posterior, world.dynamics.prior_net
    dynamics, representation = losses["dynamics"].value, losses["representation"].value
    assert (grown(dynamics, prior), grown(dynamics, posterior)) == (True, False)
    # A point is rounded to one code or another, whatever the chances of the codes: nothing draws it to them.
    drawn = not world.dynamics.latent.certain
    assert (grown(representation, prior), grown(representation, posterior)) == (False, drawn)
    assert grown(representation, world.encoder) == drawn and not grown(dynamics, world.encoder)


def test_every_part_learns_from_the_sum():
    world = make_world()
    _, losses = losses_of(world, make_batch(), free_nats=0.0)
    total(losses).backward()
    silent = [name for name, p in world.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert silent == []


def test_without_a_decoder_nothing_is_reconstructed():
    world = make_world(decoder=False)
    trace, losses = losses_of(world, make_batch())
    assert set(losses) == {"reward", "continue", "dynamics", "representation"}
    assert world.decode(trace.features) == {}


@pytest.mark.parametrize(
    "name", ["vector", "image", "reward", "continuation", "dynamics", "representation", "free_nats"]
)
def test_what_cannot_be_is_refused(name):
    with pytest.raises(UserError, match=f"objective.{name.replace('_', '-')} must not be negative, not -0.5"):
        FilteringConfig(**{name: -0.5})


@pytest.mark.parametrize("latent", LATENTS)
def test_diagnosis_in_the_environments_units(latent):
    world, batch = make_world(latent), make_batch()
    world.preprocess.reward_unit.fill_(2.0)
    trace, losses = losses_of(world, batch, free_nats=0.0)
    figures = diagnose(world, batch, trace, torch.ones_like(batch.first))
    assert figures["kl"].item() == pytest.approx(losses["dynamics"].value.mean().item(), rel=1e-5)
    error = (2 * world.reward(trace.features) - batch.reward).abs().mean()
    assert figures["reward/error"].item() == pytest.approx(error.item(), rel=1e-5)
    latent = world.dynamics.latent
    for which, distribution in (("posterior", latent.posterior(trace.posterior)), ("prior", latent.prior(trace.prior))):
        entropy = distribution.entropy().mean().item()
        assert figures[f"latent/{which}_entropy"].item() == pytest.approx(entropy, rel=1e-5)
    assert not any(figure.requires_grad for figure in figures.values())


FORETOLD = {
    "filtering": (Filtering, FilteringConfig, [[1, 1, 1, 1, 1], [1, 1, 1, 1, 1]]),
    "two models": (TwoModels, TwoModelsConfig, [[0, 1, 1, 1, 1], [1, 1, 1, 1, 1]]),
    "consistency": (Consistency, ConsistencyConfig, [[0, 1, 1, 0, 0], [0, 1, 1, 1, 1]]),
}


@pytest.mark.parametrize("name", FORETOLD)
def test_what_is_foretold_is_what_the_predictions_losses_score(name):
    kind, config, truth = FORETOLD[name]
    objective = kind(config(), make_world("categorical", "encode"))
    first = torch.tensor([[0.0, 0, 0, 1, 0], [1, 0, 0, 0, 0]])
    assert objective.foretold(first).tolist() == truth


def test_figures_of_predictions_leave_out_what_was_not_foretold():
    world, batch = make_world(), make_batch()
    trace, _ = losses_of(world, batch)
    foretold = torch.ones_like(batch.first)
    foretold[:, 0] = 0
    figures = diagnose(world, batch, trace, foretold)
    latent = world.dynamics.latent
    kl = latent.mismatch(trace.posterior, trace.prior, trace.stoch)
    assert figures["kl"].item() == pytest.approx(kl[:, 1:].mean().item(), rel=1e-5)
    error = (world.reward(trace.features) * world.preprocess.reward_unit - batch.reward).abs()
    assert figures["reward/error"].item() == pytest.approx(error[:, 1:].mean().item(), rel=1e-5)


def test_nothing_foretold_is_no_error_and_no_number_that_is_none():
    world, batch = make_world(), make_batch()
    trace, _ = losses_of(world, batch)
    figures = diagnose(world, batch, trace, torch.zeros_like(batch.first))
    assert figures["kl"] == 0 and figures["reward/error"] == 0
