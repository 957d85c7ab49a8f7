"""Collecting: what lands in the records, index by index."""

import itertools
import json

import numpy as np
import pytest
from gymnasium import spaces
from scripted import Counting

from reverie.data.collect import Collector, RandomAct, columns_of
from reverie.data.replay import Replay
from reverie.envs.codec import codec
from reverie.envs.make import make_vector
from reverie.envs.seeds import EpisodeSeeds
from reverie.errors import UserError


def collector(*makers):
    envs = make_vector(makers)
    actions = codec(envs.single_action_space)
    columns = columns_of(envs.single_observation_space, actions)
    replay = Replay(columns, actions, streams=len(makers), capacity=100_000, length=2)
    return Collector(envs, actions, replay), replay


def numbered():
    """Actions 0.01, 0.02, .. for all environments together, row after row; and what it was asked."""
    asked = []

    def act(observation, reward, first):
        assert (reward == 10 * observation["step"][:, 0]).all()
        asked.append((observation["step"][:, 0].tolist(), first.tolist()))
        return (0.01 * len(asked) + 0.5 * np.arange(len(first)))[:, None].astype(np.float32)

    return act, asked


def column(records, name, row=0):
    return [round(float(np.asarray(record[name][row]).item()), 3) for record in records]


def test_a_record_holds_what_is_known_on_arriving():
    collecting, _ = collector(lambda: Counting(length=3))
    act, asked = numbered()
    records = collecting.collect(5, act)
    # index                                      0     1     2     3     4     5     6
    assert column(records, "observation/step") == [0, 1, 2, 3, 0, 1, 2]
    assert column(records, "action") == [0, 0.01, 0.02, 0.03, 0, 0.05, 0.06]
    assert column(records, "reward") == [0, 10, 20, 30, 0, 10, 20]
    assert column(records, "first") == [1, 0, 0, 0, 1, 0, 0]
    assert column(records, "terminal") == [0, 0, 0, 1, 0, 0, 0]
    # The environment itself saw the action that its record holds.
    assert column(records, "observation/action") == column(records, "action")
    assert collecting.steps == 5
    # It chose at 0 1 2, was asked (in vain) at the terminal 3, and chose again at 0 1.
    assert asked == [([0], [True]), ([1], [False]), ([2], [False]), ([3], [False]), ([0], [True]), ([1], [False])]


def test_two_environments_run_their_own_episodes():
    collecting, replay = collector(lambda: Counting(length=2), lambda: Counting(length=3))
    records = collecting.collect(8, numbered()[0])
    assert column(records, "observation/step", 0) == [0, 1, 2, 0, 1, 2]
    assert column(records, "observation/step", 1) == [0, 1, 2, 3, 0, 1]
    assert column(records, "first", 0) == [1, 0, 0, 1, 0, 0]
    assert column(records, "first", 1) == [1, 0, 0, 0, 1, 0]
    assert column(records, "action", 0) == [0, 0.01, 0.02, 0, 0.04, 0.05]
    assert column(records, "action", 1) == [0, 0.51, 0.52, 0.53, 0, 0.55]
    assert column(records, "reward", 0) == [0, 10, 20, 0, 10, 20]
    assert column(records, "reward", 1) == [0, 10, 20, 30, 0, 10]
    # 2 + 2 + 1 + 1 + 2 agent steps; the resets at index 3 and 4 are none.
    assert collecting.steps == 8
    assert len(replay) == 12


def test_steps_taken_go_on_over_calls():
    collecting, replay = collector(lambda: Counting(length=3))
    for steps in range(1, 11):
        collecting.collect(1, numbered()[0])
        assert collecting.steps == steps
    assert len(replay) == 10 + 4  # episodes began at 0, 3, 6 and 9


@pytest.mark.parametrize(("ending", "terminal"), [("terminal", 1), ("truncated", 0)])
def test_a_time_limit_is_no_terminal(ending, terminal):
    collecting, _ = collector(lambda: Counting(length=2, ending=ending))
    records = collecting.collect(3, numbered()[0])
    assert column(records, "observation/step") == [0, 1, 2, 0, 1]
    assert column(records, "first") == [1, 0, 0, 1, 0]
    assert column(records, "terminal") == [0, 0, terminal, 0, 0]


def test_returns_of_finished_episodes():
    collecting, _ = collector(lambda: Counting(length=2), lambda: Counting(length=3))
    collecting.collect(8, numbered()[0])
    assert collecting.finished == [30, 60, 30]  # 10 + 20, 10 + 20 + 30


def test_chunks_are_aligned_by_arrival():
    collecting, replay = collector(lambda: Counting(length=3), lambda: Counting(length=4, ending="truncated"))
    collecting.collect(60, RandomAct(codec(Counting().action_space), np.random.default_rng(0)))
    batch = replay.sample(300, np.random.default_rng(0))
    going = 1 - batch.first
    # The action at t led to the observation at t, which shows it; so did the reward.
    np.testing.assert_allclose(batch.action, batch.observation["action"], atol=1e-6)
    np.testing.assert_array_equal(batch.reward, 10 * batch.observation["step"][..., 0])
    assert batch.action[going.bool()].abs().min() > 0
    assert (batch.action[batch.first.bool()] == 0).all()
    # The step counts on within an episode and starts anew where first is one.
    step = batch.observation["step"][..., 0]
    np.testing.assert_array_equal(step[:, 1:], (step[:, :-1] + 1) * going[:, 1:])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("what", "named"), [("observation", "an observation 'step'"), ("reward", "a reward")])
def test_a_number_that_is_not_finite_stops_the_run(what, named, value):
    collecting, replay = collector(Counting, lambda: Counting(length=9, bad=(what, 4, value)))
    with pytest.raises(UserError) as error:
        collecting.collect(50, numbered()[0])
    message = str(error.value)
    assert message.startswith(f"the environment returned {named} of {value} after 7 agent steps;")
    assert "\n" not in message
    assert len(replay) == 2 * 4  # the bad record was not kept


def test_random_actions_repeat_and_fill_the_space():
    actions = codec(Counting().action_space)
    draws = [RandomAct(actions, np.random.default_rng(seed))({}, np.zeros(2000), np.zeros(2000)) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])
    assert draws[0].min() < -0.99 < 0.99 < draws[0].max()
    assert abs(draws[0].mean()) < 0.05


def held(holds, rows=3, steps=400, resumed_at=None):
    """Random actions "T B" of episodes of 50 steps, those of row 1 ending at other times."""
    rng = np.random.default_rng(5)
    chooser, made = RandomAct(codec(Counting().action_space), rng, holds), []
    for step in range(steps):
        if step == resumed_at:
            fresh = RandomAct(codec(Counting().action_space), rng, holds)
            fresh.resume(json.loads(json.dumps(chooser.state())))
            chooser = fresh
        first = np.array([step % 50 == 0, step % 50 == 20, step % 50 == 0][:rows])
        made.append(chooser({}, np.zeros(rows), first).copy())
    return np.stack(made)


def test_random_actions_are_held_for_one_of_the_numbers():
    actions = held((4, 7))[..., 0]
    for row, offset in enumerate((0, 20, 0)):
        cuts = np.flatnonzero(np.diff(actions[:, row])) + 1
        episodes = np.arange(offset, 400, 50)
        # The end of an episode cuts what is held.
        lengths = {int(b - a) for a, b in itertools.pairwise(cuts) if b not in episodes}
        assert lengths == {4, 7}
        assert set(episodes[1:]) <= set(cuts)


@pytest.mark.parametrize("holds", [(1,), (4, 7)])
def test_held_actions_go_on_where_a_run_was_stopped(holds):
    np.testing.assert_array_equal(held(holds, resumed_at=201), held(holds))


def test_every_episode_has_a_seed_of_its_own_which_repeats():
    def seeds():
        envs = [EpisodeSeeds(Counting(length=1), 7, number) for number in range(2)]
        collecting, _ = collector(*[lambda env=env: env for env in envs])
        collecting.collect(8, numbered()[0])
        return [env.unwrapped.seeds for env in envs]

    first = seeds()
    assert all(len(row) >= 4 for row in first)
    assert len({seed for row in first for seed in row}) == sum(len(row) for row in first)
    assert seeds() == first


@pytest.mark.parametrize("space", [spaces.Discrete(3, start=2), spaces.MultiDiscrete([2, 4], start=[1, -3])], ids=str)
def test_choices_that_do_not_begin_at_zero_are_collected_and_replayed(space):
    def choosing():
        env = Counting(length=3)
        env.action_space = space
        env.seen = lambda action: {"step": np.zeros(1, np.float32), "action": np.zeros(1, np.float32)}
        return env

    collecting, replay = collector(choosing, choosing)
    records = collecting.collect(60, RandomAct(codec(space), np.random.default_rng(0)))
    assert all(space.contains(action) for record in records for action in record["action"])
    batch = replay.sample(100, np.random.default_rng(0))
    widths = codec(space).groups
    assert all((group.sum(-1) == 1).all() for group in batch.action.split(widths, -1))
