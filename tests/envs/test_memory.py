"""The tasks that need a memory."""

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from reverie.envs.make import make
from reverie.envs.memory import Corridor, DoorsAndKeys
from reverie.errors import UserError


@pytest.mark.parametrize("env", [Corridor(), Corridor(2), DoorsAndKeys(), DoorsAndKeys(3, 2), DoorsAndKeys(6)])
def test_gymnasium_has_nothing_to_say(env, recwarn):
    env.render_mode = "rgb_array"
    check_env(env, skip_render_check=True)
    assert env.render().shape == (64, 64, 3)


@pytest.mark.parametrize("length", [2, 5, 100])
def test_the_door_that_was_told_pays_at_the_end_of_the_corridor(length):
    env, paid = Corridor(length), []
    for seed in range(6):
        seen, _ = env.reset(seed=seed)
        cue = int(seen[:2].argmax())
        assert seen[:2].sum() == 1
        for step in range(1, length):
            seen, reward, over, cut, _ = env.step(1 - cue)  # on the way nothing depends on what is done
            assert (reward, over, cut) == (0, False, False)
            assert seen[:2].sum() == 0  # the cue is told once
            assert seen[2] == (step == length - 1)
        choice = cue if seed % 2 else 1 - cue
        _, reward, over, cut, _ = env.step(choice)
        assert (reward, over, cut) == (seed % 2, True, False)
        paid.append(cue)
    assert set(paid) == {0, 1}


def test_the_walls_of_the_corridor_tell_nothing():
    """Whatever the cue, their colours are those of the seed."""
    walls = {}
    for seed in range(20):
        env = Corridor(4)
        seen = [env.reset(seed=seed)[0], *[env.step(0)[0] for _ in range(3)]]
        walls.setdefault(env.cue, []).append(np.stack(seen)[:, 3:])
        assert len({tuple(row[3:]) for row in seen}) == 4
    left, right = (np.stack(x) for x in walls.values())
    assert abs(left.mean() - right.mean()) < 0.1


def room():
    """One wide, with a key and a door for each of two colours, by hand."""
    env = DoorsAndKeys(colours=2, size=4, limit=30)
    env.reset(seed=0)
    env.cells[1:5, 1:5] = env.EMPTY
    env.cells[[0, -1], :] = env.cells[:, [0, -1]] = env.WALL
    env.cells[1, 2], env.cells[1, 3] = env.key(0), env.key(1)
    env.cells[0, 1], env.cells[0, 4] = env.door(0), env.door(1)
    env.place = (1, 1)
    return env


UP, RIGHT, DOWN, LEFT = range(4)


def test_a_door_needs_its_key_and_one_is_carried_at_a_time():
    env = room()
    assert env.step(UP)[1] == 0 and env.place == (1, 1)  # closed, and no key
    assert env.step(LEFT)[1] == 0 and env.place == (1, 1)  # a wall
    env.step(RIGHT)
    assert (env.carried, env.place, env.cells[1, 2]) == (0, (1, 2), env.EMPTY)
    env.step(RIGHT)  # onto the other key, with a full hand
    assert (env.carried, env.place, env.cells[1, 3]) == (0, (1, 3), env.key(1))
    env.step(RIGHT)
    assert env.step(UP)[1:3] == (0, False)  # the other door
    for action in (LEFT, LEFT, LEFT):
        env.step(action)
    assert env.step(UP)[1:3] == (1, False)
    assert (env.carried, env.cells[0, 1], env.place) == (-1, env.OPEN, (1, 1))
    assert env.step(UP)[1] == 0 and env.place == (1, 1)  # an open door leads nowhere, and pays once
    for action in (RIGHT, RIGHT, RIGHT):
        env.step(action)
    assert env.step(UP)[1:4] == (1, True, False)


def test_what_is_seen_of_the_room():
    env = room()
    seen = env.step(DOWN)[0].reshape(3, 3, env.kinds)  # from (2, 1): the wall to the left, a key to the right above
    wall, key = 0, env.key(0) - 1
    assert seen[:, 0, wall].tolist() == [1, 1, 1]
    assert seen[0, 2, key] == 1
    assert seen.sum() == 4
    env.step(UP)
    before = env.step(RIGHT)[0]
    env.carried = 1
    assert env._see().tolist() == before.tolist()  # the hand is not


def test_the_room_is_cut_and_its_doors_can_be_opened():
    env = DoorsAndKeys(limit=3)
    env.reset(seed=0)
    assert [env.step(0)[3] for _ in range(3)] == [False, False, True]
    for seed in range(20):
        env.reset(seed=seed)
        corners = env.cells[[0, 0, -1, -1], [0, -1, 0, -1]]
        assert (corners == env.WALL).all()  # a door in a corner could not be reached
        assert env.cells[env.place] == env.EMPTY
        assert sorted(env.cells[env.cells > env.OPEN]) == list(range(3, 9))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("memory:corider", "unknown memory task 'corider'; did you mean 'corridor'?"),
        ("memory:corridor-1", "memory:corridor-1: a corridor has at least 2 steps, not 1"),
        ("memory:doors-and-keys-7", "memory:doors-and-keys-7: a room of 6 x 6 has 1 to 6 colours, not 7"),
    ],
)
def test_a_task_that_cannot_be_is_refused(name, message):
    with pytest.raises(UserError) as told:
        make(name)
    assert str(told.value) == message


def test_they_open_by_name():
    assert make("memory:corridor-7").unwrapped.length == 7
    assert make("memory:doors-and-keys").unwrapped.colours == 3
    assert make("memory:doors-and-keys-2", pixels=True).reset(seed=0)[0]["image"].shape == (64, 64, 3)
