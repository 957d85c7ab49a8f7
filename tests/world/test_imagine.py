"""Dreams: which index is which, and where gradients go."""

import pytest
import torch
from small import ACTION, ROWS, ReadsReward, generator, make_batch, make_world
from torch.utils import _pytree as pytree

from reverie.agents.parts import PARTS
from reverie.nets.frozen import frozen
from reverie.ops import tree
from reverie.types import Features, State
from reverie.world.imagine import imagine, unroll

HORIZON = 4
LATENTS = sorted(PARTS["latent"])


class Line:
    """A point on a line: an action moves it, its place is the reward, and it goes on where its place is below ten."""

    def imagine(self, action, state, generator=None):
        place = state.stoch + action
        return State((), state.deter + 1, place, state.reward)

    def reward(self, features):
        return features.stoch[..., 0]

    def continue_(self, features):
        return (features.stoch[..., 0] < 10).float()


def at(*places):
    return State((), torch.zeros(len(places), 1), torch.tensor(places).unsqueeze(-1), torch.zeros(len(places)))


def constant(step):
    return lambda features: torch.full_like(features.stoch, step)


def test_reward_and_continuation_at_i_are_those_of_arriving_at_i_plus_one():
    dream = imagine(Line(), constant(2.0), at(0.0, 5.0), 3, pathwise=False, generator=None)
    # from 5: places 5 | 7, 9, 11
    assert dream.features.stoch[1, :, 0].tolist() == [5, 7, 9, 11]
    assert dream.reward.tolist() == [[2, 4, 6], [7, 9, 11]]
    assert dream.continue_.tolist() == [[1, 1, 1], [1, 1, 0]]
    assert dream.features.deter[:, :, 0].tolist() == [[0, 1, 2, 3]] * 2
    assert dream.chosen.stoch[1, :, 0].tolist() == [5, 7, 9]
    assert dream.arrived.stoch[1, :, 0].tolist() == [7, 9, 11]


def test_the_action_at_i_was_chosen_at_the_features_i():
    dream = imagine(Line(), lambda features: 2 * features.stoch, at(1.0), 3, pathwise=False, generator=None)
    # places 1 | 3, 9, 27
    assert dream.features.stoch[0, :, 0].tolist() == [1, 3, 9, 27]
    assert dream.action[0, :, 0].tolist() == [2, 6, 18]


def test_the_pathwise_gradient_of_an_action_is_that_of_all_that_comes_after_it():
    step = torch.zeros(1, HORIZON, 1, requires_grad=True)
    # r_1 + .. + r_4, and action i moves all places after i: 4, 3, 2, 1
    unroll(Line(), step, at(0.0)).reward.sum().backward()
    assert step.grad.flatten().tolist() == [4, 3, 2, 1]


def test_the_policy_reads_features_that_are_cut_from_the_graph():
    gain = torch.tensor(1.0, requires_grad=True)
    dream = imagine(Line(), lambda features: gain * features.stoch, at(1.0), 3, pathwise=True, generator=None)
    # places s_i = 1 | 2, 4, 8. d(s_1 + s_2 + s_3)/dgain through the actions alone: 3 s_0 + 2 s_1 + s_2 = 3 + 4 + 4.
    # Were the features not cut, it would be d(2 + 4 + 8)/dgain = 1 + 4 + 12.
    dream.reward.sum().backward()
    assert gain.grad.item() == 11


def test_without_pathwise_there_is_no_graph():
    gain = torch.tensor(1.0, requires_grad=True)
    dream = imagine(Line(), lambda features: gain * features.stoch, at(1.0), 3, pathwise=False, generator=None)
    assert not any(leaf.requires_grad for leaf in pytree.tree_leaves(dream))


@pytest.mark.parametrize("pathwise", [True, False])
@pytest.mark.parametrize("outside", [True, False])
def test_the_callers_grad_mode_returns_and_is_obeyed(pathwise, outside):
    gain = torch.tensor(1.0, requires_grad=True)
    with torch.set_grad_enabled(outside):
        dream = imagine(Line(), lambda f: gain * f.stoch, at(1.0), 2, pathwise=pathwise, generator=None)
        assert torch.is_grad_enabled() == outside
    assert dream.reward.requires_grad == (pathwise and outside)


def real_start(world):
    trace = world.observe(make_batch(), world.initial(ROWS))
    start = world.dynamics.start(trace, torch.tensor([2, 0, 0]), torch.tensor([1, 3, 0]))
    return tree.detach(start), trace


@pytest.mark.parametrize("latent", LATENTS)
def test_a_dream_starts_at_the_real_state(latent):
    world = make_world(latent)
    start, trace = real_start(world)
    dream = unroll(world, torch.zeros(3, HORIZON, ACTION), start, generator())
    assert dream.features.deter[:, 0].equal(trace.deter[[2, 0, 0], [1, 3, 0]])
    assert dream.features.stoch[:, 0].equal(trace.stoch[[2, 0, 0], [1, 3, 0]])
    assert dream.features.deter.shape == (3, HORIZON + 1, 5)
    assert dream.reward.shape == dream.continue_.shape == (3, HORIZON)


@pytest.mark.parametrize("seed", [None, 3])
@pytest.mark.parametrize("latent", LATENTS)
def test_unroll_is_repeated_imagining(latent, seed):
    world = make_world(latent)
    state, _ = real_start(world)
    action = torch.randn(3, HORIZON, ACTION)
    one, two = (None, None) if seed is None else (generator(seed), generator(seed))
    dream = unroll(world, action, state, one)
    assert dream.action.equal(action)
    for step in range(HORIZON):
        state = world.imagine(action[:, step], state, two)
        torch.testing.assert_close(dream.features.deter[:, step + 1], state.deter)
        torch.testing.assert_close(dream.features.stoch[:, step + 1], state.stoch)
        torch.testing.assert_close(dream.reward[:, step], world.reward(state.features))
        torch.testing.assert_close(dream.continue_[:, step], world.continue_(state.features))


def test_the_predicted_reward_enters_the_next_step_where_rewards_are_read():
    world = make_world(entry=ReadsReward)
    state, _ = real_start(world)
    action = torch.randn(3, HORIZON, ACTION)
    dream = unroll(world, action, state)
    for step in range(HORIZON):
        state = world.dynamics.imagine(action[:, step], state)
        torch.testing.assert_close(dream.features.deter[:, step + 1], state.deter)
        state = state._replace(reward=world.reward(state.features))
        torch.testing.assert_close(dream.reward[:, step], state.reward)
    unpaid = unroll(world, action, real_start(world)[0]._replace(reward=torch.zeros(3)))
    assert (unpaid.features.deter[:, 1] - dream.features.deter[:, 1]).abs().max() > 1e-3


@pytest.mark.parametrize("latent", LATENTS)
def test_gradients_reach_every_action_but_no_weight_of_a_frozen_world(latent):
    world = make_world(latent)
    start, _ = real_start(world)
    action = torch.randn(3, HORIZON, ACTION, requires_grad=True)
    with frozen(world):
        unroll(world, action, start, generator()).reward.sum().backward()
    assert action.grad.isfinite().all()
    assert (action.grad.abs().sum(-1) > 1e-9).all()
    assert all(p.grad is None for p in world.parameters())
    assert all(p.requires_grad for p in world.parameters())


@pytest.mark.parametrize("latent", LATENTS)
def test_frozen_or_not_a_dream_is_the_same(latent):
    world = make_world(latent)
    start, _ = real_start(world)

    def dream(pathwise):
        policy = lambda features: torch.tanh(features.stoch[:, :ACTION])  # noqa: E731
        return imagine(world, policy, start, HORIZON, pathwise=pathwise, generator=generator(1))

    with frozen(world):
        cold = dream(True)
    for left, right in ((cold, dream(True)), (cold, dream(False))):
        for a, b in zip(pytree.tree_leaves(left), pytree.tree_leaves(right), strict=True):
            torch.testing.assert_close(a, b)


def test_features_of_a_type():
    known = Features(torch.ones(2, 1), torch.zeros(2, 2))
    assert known.read("hz").tolist() == [[1, 0, 0]] * 2
    assert known.read("h") is known.deter and known.read("z") is known.stoch
