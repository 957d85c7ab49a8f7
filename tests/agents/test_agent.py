"""An agent in someone else's loop."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from tiny import Walk, built, tiny

from reverie.agents.build import build
from reverie.agents.parts import PARTS
from reverie.envs.make import EnvConfig, make, make_vector
from reverie.errors import UserError
from reverie.report.evaluate import Evaluator
from reverie.report.open_loop import dreamed_returns


def observations(rows, seed=0):
    return {"state": np.random.default_rng(seed).normal(size=(rows, 2)).astype(np.float32)}


def acted(agent, steps, rows=1, mode="evaluate", generator=None):
    carry, actions = agent.initial(rows), []
    for step in range(steps):
        action, carry = agent.act(
            observations(rows, step), np.zeros(rows), np.full(rows, step == 0), carry, mode, generator
        )
        actions.append(action)
    return np.stack(actions)


def test_a_loop_of_ones_own():
    agent, env = built(tiny()), make("py:tiny:walk")
    observation, _ = env.reset(seed=3)
    carry, reward, first, steps, over = agent.initial(1), np.zeros(1), np.ones(1), 0, False
    while not over:
        rows = {key: value[None] for key, value in observation.items()}
        action, carry = agent.act(rows, reward, first, carry)
        assert env.action_space.contains(action[0])
        observation, paid, terminated, truncated, _ = env.step(action[0])
        reward, first = np.array([paid]), np.zeros(1)
        steps, over = steps + 1, terminated or truncated
    assert steps == 10


def test_evaluation_is_deterministic_and_exploration_draws():
    agent = built(tiny())
    np.testing.assert_array_equal(acted(agent, 4), acted(agent, 4))

    def explored(seed):
        return acted(agent, 4, mode="explore", generator=torch.Generator().manual_seed(seed))

    np.testing.assert_array_equal(explored(1), explored(1))
    assert np.abs(explored(1) - explored(2)).min() > 0
    assert np.abs(explored(1) - acted(agent, 4)).min() > 0


def test_evaluation_draws_nothing():
    agent = built(tiny())
    before = torch.random.get_rng_state()
    plain = acted(agent, 3)
    assert torch.equal(torch.random.get_rng_state(), before)
    # A generator is for planners.
    np.testing.assert_array_equal(acted(agent, 3, generator=torch.Generator().manual_seed(1)), plain)


def test_an_action_that_is_not_finite_is_told_and_not_taken():
    agent = built(tiny())
    agent.world.encoder.mlp[0].weight.data.fill_(float("nan"))
    with pytest.raises(UserError, match="the agent chose an action that is not a number"):
        acted(agent, 1)


def test_rows_do_not_know_each_other():
    agent = built(tiny())
    carry, alone = agent.initial(3), [agent.initial(1) for _ in range(3)]
    for step in range(4):
        seen = observations(3, step)
        first = np.array([step == 0, step in (0, 2), step == 0], np.float32)
        together, carry = agent.act(seen, np.zeros(3), first, carry)
        for row in range(3):
            one = {key: value[row : row + 1] for key, value in seen.items()}
            action, alone[row] = agent.act(one, np.zeros(1), first[row : row + 1], alone[row])
            np.testing.assert_allclose(together[row], action[0], atol=1e-5)


def test_first_forgets_everything_before():
    agent = built(tiny())
    carry = agent.initial(1)
    for step in range(3):
        _, carry = agent.act(observations(1, step), np.zeros(1), np.zeros(1), carry)
    late, kept = agent.act(observations(1, 9), np.zeros(1), np.ones(1), carry)
    fresh, new = agent.act(observations(1, 9), np.zeros(1), np.ones(1), agent.initial(1))
    other, _ = agent.act(observations(1, 9), np.zeros(1), np.zeros(1), carry)
    np.testing.assert_array_equal(late, fresh)
    torch.testing.assert_close(kept.state.deter, new.state.deter, rtol=0, atol=0)
    assert not np.array_equal(other, fresh)


def test_what_is_carried_is_the_action_that_was_taken():
    agent = built(tiny())
    action, carry = agent.act(observations(2), np.zeros(2), np.ones(2), agent.initial(2))
    # The environment's actions lie in [-2, 2], the model's in [-1, 1].
    np.testing.assert_allclose(action, 2 * carry.action.numpy(), atol=1e-6)


@pytest.mark.parametrize(
    ("space", "free"),
    [
        (spaces.Box(np.array([-2, 1], np.float32), np.array([2, 1], np.float32)), [True, False]),
        (spaces.Box(-3, 3, (2,), np.int64), [True, True]),
    ],
    ids=["constant", "integers"],
)
def test_what_is_carried_is_what_replay_would_hold(space, free):
    # A coordinate with one value is 0 to the world, and integers are what they were rounded to.
    resolved = tiny()
    seen = spaces.Dict({"state": spaces.Box(-1, 1, (2,), np.float32)})
    agent = build(resolved.config, resolved.parts, seen, space)
    action, carry = agent.act(observations(8), np.zeros(8), np.ones(8), agent.initial(8))
    np.testing.assert_array_equal(carry.action.numpy(), agent.codec.encode(action))
    assert (carry.action.abs().amax(0) > 0).tolist() == free


@pytest.mark.parametrize("behaviour", [name for name in PARTS["behaviour"] if name != "none"])
@pytest.mark.parametrize(
    "space",
    [spaces.Discrete(3, start=2), spaces.MultiDiscrete([[2, 3], [1, 4]]), spaces.MultiBinary(3)],
    ids=lambda space: type(space).__name__,
)
def test_every_behaviour_acts_in_every_space(behaviour, space):
    resolved = tiny(behaviour=behaviour)
    seen = spaces.Dict({"state": spaces.Box(-1, 1, (2,), np.float32)})
    agent = build(resolved.config, resolved.parts, seen, space)
    for mode in ("explore", "evaluate"):
        actions = acted(agent, 4, rows=3, mode=mode, generator=torch.Generator().manual_seed(0))
        assert all(space.contains(action) for step in actions for action in step)


@pytest.mark.parametrize("planner", ["none", "cem"])
def test_a_dream_brings_what_the_agent_expects_of_an_episode(planner):
    agent = built(tiny(planner=planner))
    agent.world.preprocess.reward_unit.fill_(3.0)
    evaluator = Evaluator(make_vector([EnvConfig(env="py:tiny:walk").make] * 2), seed=1)
    episodes = evaluator(agent)
    evaluator.close()
    first = {"state": np.stack([episode.observation["state"][0] for episode in episodes])}
    _, carry = agent.act(first, np.zeros(2), np.ones(2), agent.initial(2))
    steps = max(len(episode.reward) for episode in episodes) - 1
    dreamed = agent.dream(carry, steps)
    alive = np.concatenate([np.ones((2, 1)), dreamed.going[:, :-1]], 1)
    np.testing.assert_allclose((alive * dreamed.reward).sum(1), dreamed_returns(agent, episodes), rtol=1e-5)
    assert dreamed.action.shape == (2, steps, 1) and dreamed.observation["state"].shape == (2, steps, 2)


def test_a_dream_begins_with_the_action_just_chosen_and_decodes_what_its_world_can():
    agent = built(tiny("tdmpc2"))
    action, carry = agent.act(observations(3), np.zeros(3), np.ones(3), agent.initial(3))
    dreamed = agent.dream(carry, 4)
    np.testing.assert_allclose(dreamed.action[:, 0], action, rtol=1e-6)
    assert dreamed.observation == {} and dreamed.reward.shape == dreamed.going.shape == (3, 4)
    with pytest.raises(UserError, match="a dream needs at least 1 step, not 0"):
        agent.dream(carry, 0)


@pytest.mark.parametrize("space", [spaces.Discrete(3), spaces.MultiDiscrete([2, 3])])
def test_dreams_of_choices_name_them_and_leave_what_is_carried(space):
    resolved = tiny("tssm")
    agent = build(resolved.config, resolved.parts, spaces.Dict(state=spaces.Box(-1, 1, (2,), np.float32)), space).eval()
    _, carry = agent.act(observations(2), np.zeros(2), np.ones(2), agent.initial(2))
    dreamed, again = agent.dream(carry, 5), agent.dream(carry, 5)
    assert all(space.contains(choice) for row in dreamed.action for choice in row)
    np.testing.assert_array_equal(dreamed.reward, again.reward)


def test_an_observation_that_no_network_reads_is_refused():
    resolved = tiny()
    space = spaces.Dict({"grid": spaces.Box(-1, 1, (4, 4), np.float32)})
    with pytest.raises(UserError, match=r"observation 'grid' has shape \(4, 4\); a vector"):
        build(resolved.config, resolved.parts, space, Walk().action_space)


def test_images_and_vectors_together():
    resolved = tiny()
    space = spaces.Dict(
        {"image": spaces.Box(0, 255, (16, 16, 3), np.uint8), "state": spaces.Box(-1, 1, (2,), np.float32)}
    )
    agent = build(resolved.config, resolved.parts, space, Walk().action_space)
    seen = {key: np.stack([value] * 2) for key, value in space.sample().items()}
    action, carry = agent.act(seen, np.zeros(2), np.ones(2), agent.initial(2))
    assert action.shape == (2, 1)
    assert agent.world.decode(carry.state.features)["image"].shape == (2, 16, 16, 3)


def test_the_environment_is_seen_by_its_own_name():
    assert type(make("py:tiny:walk").unwrapped) is Walk
