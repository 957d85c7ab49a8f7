"""Each life an episode: the same game goes on, and whole games stay what they are."""

import numpy as np
import pytest

from reverie.envs import EnvConfig, make
from reverie.envs.atari import EpisodicLives
from reverie.envs.seeds import GOES_ON, EpisodeSeeds
from reverie.errors import UserError

CLOCK = 0
"""Where the game shows its clock."""


def lived(env, episodes):
    """The clocks that each of some episodes shows, reset automatically, and how each ended."""
    clocks, ends = [], []
    for _ in range(episodes):
        seen, _ = env.reset()
        clocks.append([int(seen[CLOCK])])
        over = False
        while not over:
            seen, _, terminated, truncated, info = env.step(1)
            clocks[-1].append(int(seen[CLOCK]))
            over = terminated or truncated
        ends.append((terminated, truncated, info.get(GOES_ON, False)))
    return clocks, ends


def test_the_next_life_goes_on_with_the_same_game(game):
    clocks, ends = lived(EpisodicLives(game(lives=3, life=4), "game"), 4)
    # A life is lost at 4, 8 and 12; the idle step after it is the reset.
    assert clocks == [[0, 1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [0, 1, 2, 3, 4]]
    assert ends == [(True, False, True), (True, False, True), (True, False, False), (True, False, True)]


def test_the_reset_after_a_life_is_idle(game):
    own = game()
    env = EpisodicLives(own, "game")
    lived(env, 1)
    env.reset()
    assert own.log == ["new None", "1", "1", "1", "1", "0"]


def test_a_seed_begins_a_new_game(game):
    env = EpisodicLives(game(), "game")
    lived(env, 1)
    assert env.reset(seed=3)[0][CLOCK] == 0
    assert lived(env, 1)[0] == [[0, 1, 2, 3, 4]]


def test_a_game_that_ends_in_the_idle_step_begins_anew(game):
    env = EpisodicLives(game(lives=3, life=4), "game")
    lived(env, 1)
    env.unwrapped.left, env.unwrapped.life = 1, 5  # the last one goes at 5
    assert env.reset()[0][CLOCK] == 0


def test_an_episode_that_was_cut_begins_a_new_game(game):
    env = make(lambda: game(lives=2, life=4), episodic_lives=True, episode_limit=3)
    for _ in range(2):
        seen, _ = env.reset()
        assert seen["state"][CLOCK] == 0
        assert [env.step(0)[2:4] for _ in range(3)] == [(False, False)] * 2 + [(False, True)]


def test_a_life_that_is_won_ends_nothing(game):
    env = EpisodicLives(game(lives=3, life=100), "game")
    env.reset()
    env.unwrapped.left = 4
    assert env.step(0)[2] is False
    env.unwrapped.left = 3
    assert env.step(0)[2] is True


def test_no_life_left_is_not_yet_the_end(game):
    """As in Q*bert."""
    env = EpisodicLives(game(lives=1, life=100), "game")
    env.reset()
    own = env.unwrapped
    own.step = lambda action: (own.seen(), 0.0, False, False, {})
    own.left = 0
    assert env.step(0)[2:4] == (False, False)


def test_a_stack_holds_nothing_of_the_life_before(game):
    env = make(game, episodic_lives=True, frame_stack=2)
    env.reset()
    for _ in range(4):
        env.step(0)
    np.testing.assert_array_equal(env.reset()[0]["state"][[0, 2]], [5, 5])


def test_only_the_first_life_has_a_seed_of_its_own(game):
    own = game()
    lived(EpisodeSeeds(EpisodicLives(own, "game"), 7, 0), 7)
    begun = [line for line in own.log if line.startswith("new")]
    assert len(begun) == len(set(begun)) == 3 and "new None" not in begun


def test_training_alone_has_lives():
    config = EnvConfig(env="py:lives:game", episodic_lives=True)
    for training, length in ((False, 12), (True, 4)):
        env = config.make(training=training)
        env.reset(seed=0)
        assert [env.step(0)[2] for _ in range(length)] == [False] * (length - 1) + [True]
    plain = EnvConfig(env="py:lives:game").make(training=True)
    plain.reset(seed=0)
    assert [plain.step(0)[2] for _ in range(12)] == [False] * 11 + [True]


def test_what_has_no_lives_is_refused():
    with pytest.raises(UserError) as error:
        make("Pendulum-v1", episodic_lives=True)
    told = "Pendulum-v1 is no Atari game, so --episodic-lives is not for it; leave --episodic-lives out"
    assert str(error.value) == told


def test_a_real_game_goes_on():
    pytest.importorskip("ale_py")
    env = make("ale:Breakout", episodic_lives=True)
    _, info = env.reset(seed=0)
    lives, frames = [info["lives"]], []
    while len(lives) < 5:
        over = False
        while not over:
            *_, over, _, info = env.step(1)
        frames.append(info["episode_frame_number"])
        _, info = env.reset()
        lives.append(info["lives"])
        assert info["episode_frame_number"] == frames[-1] + 4
    assert lives == [5, 4, 3, 2, 1]


def test_a_game_without_lives_is_one_episode():
    pytest.importorskip("ale_py")
    env = make("ale:Pong", episodic_lives=True)
    env.reset(seed=0)
    assert env.unwrapped.ale.lives() == 0
    rewards = []
    while -1.0 not in rewards:
        _, reward, over, cut, _ = env.step(0)
        rewards.append(reward)
        assert not (over or cut)
