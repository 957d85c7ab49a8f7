"""A world on its environment's side: real steps, chunks, and pictures of what it knows."""

import pytest
import torch
from small import ACTION, ROWS, SHAPES, STEPS, make_batch, make_world
from torch.utils import _pytree as pytree

from reverie.types import Batch, Inputs


@pytest.mark.parametrize("latent", ["gaussian", "categorical"])
@pytest.mark.parametrize("posterior", ["filter", "encode"])
def test_acting_sees_what_training_saw(latent, posterior):
    world, batch = make_world(latent, posterior), make_batch()
    trace = world.observe(batch, world.initial(ROWS))
    state = world.initial(ROWS)
    for t in range(STEPS):
        seen = {key: x[:, t] for key, x in batch.observation.items()}
        state = world.update(seen, Inputs(batch.action[:, t]), batch.first[:, t], state)
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


def test_inputs_are_zero_where_an_episode_begins_even_if_they_were_infinite():
    inputs = Inputs(torch.full((3, 2), torch.nan), torch.tensor([1.0, torch.inf, 3.0]))
    first = torch.tensor([1.0, 1.0, 0.0])
    assert inputs.reset(first).action[:2].tolist() == [[0, 0], [0, 0]]
    assert inputs.reset(first).reward.tolist() == [0, 0, 3]
    assert inputs.reset(first).action[2].isnan().all()
    assert Inputs(inputs.action).reset(first).reward is None


def test_a_batch_gives_the_backbone_its_actions_and_rewards_and_keeps_its_opaque_columns():
    batch = make_batch()
    assert batch.inputs.action is batch.action and batch.inputs.reward is batch.reward
    index = torch.arange(ROWS)
    carried = Batch(batch.observation, batch.action, batch.reward, batch.first, batch.terminal, {"index": index})
    moved = carried.to(torch.device("cpu"))
    assert moved.opaque["index"].equal(index) and moved.observation["eye"].dtype == torch.uint8
    assert moved.first.equal(batch.first) and moved.terminal.equal(batch.terminal)
    assert moved.action.shape[-1] == ACTION
