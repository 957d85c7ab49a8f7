"""A world on its environment's side: real steps, chunks, and pictures of what it knows."""

import pytest
import torch
from small import ACTION, ROWS, SHAPES, STEPS, ReadsReward, make_batch, make_world
from torch.utils import _pytree as pytree

from reverie.dynamics.dynamics import Entry
from reverie.types import Batch


@pytest.mark.parametrize("entry", [Entry, ReadsReward])
@pytest.mark.parametrize("latent", ["gaussian", "categorical"])
@pytest.mark.parametrize("posterior", ["filter", "encode"])
def test_acting_sees_what_training_saw(latent, posterior, entry):
    world, batch = make_world(latent, posterior, entry=entry), make_batch()
    world.preprocess.reward_unit.fill_(2.0)
    trace = world.observe(batch, world.initial(ROWS))
    state = world.initial(ROWS)
    for t in range(STEPS):
        seen = {key: x[:, t] for key, x in batch.observation.items()}
        inputs = world.arriving(batch.action[:, t], batch.reward[:, t])
        state = world.update(seen, inputs, batch.first[:, t], state)
        torch.testing.assert_close(state.deter, trace.deter[:, t])
        torch.testing.assert_close(state.stoch, trace.stoch[:, t])
    for a, b in zip(pytree.tree_leaves(trace.last()), pytree.tree_leaves(state), strict=True):
        torch.testing.assert_close(a, b)


def test_draws_make_a_chunk_random_and_a_seed_makes_it_the_same():
    world, batch = make_world(), make_batch()
    one, again, other, mode = (
        world.observe(batch, world.initial(ROWS), None if seed is None else torch.Generator().manual_seed(seed)).stoch
        for seed in (1, 1, 2, None)
    )
    assert one.equal(again) and not one.equal(other) and not one.equal(mode)


def test_rewards_enter_in_their_unit():
    world, batch = make_world(), make_batch()
    world.preprocess.reward_unit.fill_(2.0)
    inputs = world.arriving(batch.action, batch.reward)
    assert inputs.action.equal(batch.action) and inputs.reward.equal(batch.reward / 2)
    assert world.observe(batch, world.initial(ROWS)).reward.equal(batch.reward / 2)


def test_before_an_episode_there_is_nothing():
    state = make_world().initial(ROWS)
    assert state.deter.equal(torch.zeros(ROWS, 5)) and state.stoch.equal(torch.zeros(ROWS, 3))


def test_pictures_are_in_the_observations_own_units():
    world, batch = make_world(), make_batch()
    trace = world.observe(batch, world.initial(ROWS))
    decoded, raw = world.decode(trace.features), world.decoder(trace.features)
    assert {key: tuple(x.shape[2:]) for key, x in decoded.items()} == SHAPES
    assert decoded["eye"].min() >= 0 and decoded["eye"].max() <= 1
    torch.testing.assert_close(decoded["eye"], (raw["eye"] + 0.5).clamp(0, 1))
    torch.testing.assert_close(decoded["speed"], raw["speed"].sign() * (raw["speed"].abs().exp() - 1))


def test_a_moved_batch_keeps_its_columns():
    batch = make_batch()
    index = torch.arange(ROWS)
    carried = Batch(batch.observation, batch.action, batch.reward, batch.first, batch.terminal, {"index": index})
    moved = carried.to(torch.device("cpu"))
    assert moved.opaque["index"].equal(index) and moved.observation["eye"].dtype == torch.uint8
    assert moved.first.equal(batch.first) and moved.terminal.equal(batch.terminal)
    assert moved.action.shape[-1] == ACTION
