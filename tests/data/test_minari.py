"""Minari datasets: what is written is read again to the bit, and those of others are understood."""

import numpy as np
import pytest
from gymnasium import spaces

minari = pytest.importorskip("minari")
pytest.importorskip("h5py")

from minari.data_collector import EpisodeBuffer  # noqa: E402

from reverie.data.minari import MinariSource, write  # noqa: E402
from reverie.data.recording import Recording, no_action  # noqa: E402
from reverie.envs.codec import codec  # noqa: E402
from reverie.envs.make import EnvConfig  # noqa: E402
from reverie.errors import UserError  # noqa: E402

ENV = EnvConfig(env="py:tiny:walk", action_repeat=2, crop=(0.0, 0.5))
ACTIONS = {
    "box": spaces.Box(np.float32([-2, 1]), np.float32([2, 3])),
    "discrete": spaces.Discrete(5, start=3),
    "several": spaces.MultiDiscrete([2, 3]),
    "bits": spaces.MultiBinary(3),
}
SEEN = {
    "state": spaces.Dict({"state": spaces.Box(-np.inf, np.inf, (3,), np.float32)}),
    "image": spaces.Dict({"image": spaces.Box(0, 255, (32, 48, 3), np.uint8)}),
    "other name": spaces.Dict({"place": spaces.Box(-1, 1, (2,), np.float32)}),
    "both": spaces.Dict(
        {"left eye": spaces.Box(0, 255, (64, 64, 1), np.uint8), "ear": spaces.Box(-1, 1, (2,), np.float32)}
    ),
}


@pytest.fixture(autouse=True)
def _root(tmp_path, monkeypatch):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "datasets"))


def recording(space, actions, steps, terminal=False, **flags):
    """Random records of one episode."""
    rng = np.random.default_rng(steps)
    own = codec(actions)
    action = np.concatenate([no_action(own), own.sample(rng, steps)])
    columns = {
        f"observation/{key}": rng.integers(0, 256, (steps + 1, *box.shape), dtype=np.uint8)
        if box.dtype == np.uint8
        else rng.standard_normal((steps + 1, *box.shape)).astype(np.float32)
        for key, box in space.spaces.items()
    }
    reward = rng.standard_normal(steps + 1).astype(np.float32)
    reward[0] = 0
    first = np.arange(steps + 1) == 0
    last = np.arange(steps + 1) == steps
    columns |= {"action": action, "reward": reward, "first": first, "terminal": last & terminal}
    return Recording(columns, **flags)


def written(recordings, space, actions, name="walk/random-v0"):
    return write(name, recordings, space, actions, ENV, None, ("chance", "a test"))


@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize("actions", ACTIONS)
def test_written_and_read_again_to_the_bit(seen, actions):
    space, chosen = SEEN[seen], ACTIONS[actions]
    episodes = [recording(space, chosen, 4, terminal=True), recording(space, chosen, 1), recording(space, chosen, 6)]
    counts = written(episodes, space, chosen)
    assert (counts.episodes, counts.steps, counts.running, counts.left_out) == (3, 11, 0, 0)
    source = MinariSource("walk/random-v0")
    assert source.observation_space == space
    assert source.action_space == chosen
    assert source.env == ENV
    assert source.records == 14
    for before, after in zip(episodes, source.episodes(), strict=True):
        assert after.whole
        assert set(after.columns) == set(before.columns)
        for name, column in before.columns.items():
            assert after.columns[name].dtype == column.dtype, name
            assert after.columns[name].tobytes() == column.tobytes(), name


def test_what_is_missing_of_episodes_is_counted():
    space, actions = SEEN["state"], ACTIONS["box"]
    pieces = [
        recording(space, actions, 4, begun=False),
        recording(space, actions, 3),
        recording(space, actions, 2, ended=False),
        recording(space, actions, 0, ended=False),
    ]
    counts = written(pieces, space, actions)
    assert (counts.episodes, counts.running, counts.unbegun, counts.left_out) == (3, 1, 1, 1)
    assert [len(x) for x in MinariSource("walk/random-v0").episodes()] == [5, 4, 3]


def test_others_can_read_it():
    """T actions, rewards and ends beside T + 1 observations, in the space that an environment would have itself."""
    space, actions = SEEN["state"], ACTIONS["discrete"]
    (one, two) = [recording(space, actions, 4, terminal=True), recording(space, actions, 3)]
    written([one, two], space, actions)
    data = minari.load_dataset("walk/random-v0")
    assert data.observation_space == space["state"]
    assert (data.total_episodes, data.total_steps) == (2, 7)
    first, second = data.iterate_episodes()
    np.testing.assert_array_equal(first.observations, one.columns["observation/state"])
    np.testing.assert_array_equal(first.actions, one.columns["action"][1:])
    np.testing.assert_array_equal(first.rewards, one.columns["reward"][1:])
    assert first.terminations.tolist() == [False, False, False, True]
    assert first.truncations.tolist() == [False] * 4
    assert second.terminations.tolist() == [False] * 3
    assert second.truncations.tolist() == [False, False, True]


@pytest.mark.filterwarnings("ignore")
def test_a_dataset_of_others():
    """Nested observations, doubles, an environment that Gymnasium knows."""
    space = spaces.Dict({"a": spaces.Discrete(3), "b": spaces.Tuple([spaces.Box(-1, 1, (2,)), spaces.Box(-1, 1)])})
    pairs = (np.arange(8.0).reshape(4, 2), np.arange(4.0).reshape(4, 1))
    buffer = EpisodeBuffer(
        observations={"a": np.array([0, 1, 2, 1]), "b": pairs},
        actions=np.array([[0.1], [0.2], [0.3]]),
        rewards=[1.0, 2.0, 3.0],
        terminations=[False, False, True],
        truncations=[False, False, False],
    )
    minari.create_dataset_from_buffers(
        "other-v1", [buffer], env="Pendulum-v1", observation_space=space, action_space=spaces.Box(-2, 2, (1,))
    )
    source = MinariSource("other-v1")
    assert source.env == EnvConfig(env="gym:Pendulum-v1")
    (only,) = source.episodes()
    columns = only.columns
    np.testing.assert_array_equal(columns["observation/a"], np.eye(3, dtype=np.float32)[[0, 1, 2, 1]])
    np.testing.assert_array_equal(columns["observation/b"], np.concatenate(pairs, 1).astype(np.float32))
    np.testing.assert_array_equal(columns["action"], np.float32([[0], [0.1], [0.2], [0.3]]))
    np.testing.assert_array_equal(columns["reward"], np.float32([0, 1, 2, 3]))
    np.testing.assert_array_equal(columns["terminal"], [False, False, False, True])


@pytest.mark.filterwarnings("ignore")
def test_a_last_observation_that_is_missing_is_told():
    buffer = EpisodeBuffer(
        observations=np.zeros((3, 2), np.float32),
        actions=np.zeros((3, 1), np.float32),
        rewards=[0.0] * 3,
        terminations=[False] * 3,
        truncations=[False] * 3,
    )
    box = spaces.Box(-1, 1, (2,))
    minari.create_dataset_from_buffers(
        "short-v0", [buffer], observation_space=box, action_space=spaces.Box(-1, 1, (1,))
    )
    source = MinariSource("short-v0")
    assert source.env is None
    with pytest.raises(UserError, match=r"^minari:short-v0 has 3 observations for 3 steps in its episode 0") as told:
        list(source.episodes())
    assert "export it again" not in str(told.value)


def test_a_dataset_that_was_cut_short_is_told(tmp_path):
    written([recording(SEEN["state"], ACTIONS["box"], 300)], SEEN["state"], ACTIONS["box"])
    (file,) = (tmp_path / "datasets" / "walk" / "random-v0").rglob("main_data.hdf5")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(UserError, match="minari:walk/random-v0 cannot be read"):
        list(MinariSource("walk/random-v0").episodes())


def test_a_dataset_without_a_step_is_none(tmp_path):
    with pytest.raises(UserError, match="minari:walk/random-v0 would hold no step"):
        written([recording(SEEN["state"], ACTIONS["box"], 0)], SEEN["state"], ACTIONS["box"])
    assert not (tmp_path / "datasets" / "walk" / "random-v0").exists()


def test_what_cannot_be_written_leaves_nothing(tmp_path):
    def failing():
        yield recording(SEEN["state"], ACTIONS["box"], 3)
        raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match=r"minari:walk/random-v0 cannot be written: .*No space left"):
        written(failing(), SEEN["state"], ACTIONS["box"])
    assert not (tmp_path / "datasets" / "walk" / "random-v0").exists()
    written([recording(SEEN["state"], ACTIONS["box"], 3)], SEEN["state"], ACTIONS["box"])


def test_a_key_that_would_be_a_folder_is_refused(tmp_path):
    space = spaces.Dict({"walker/joints": SEEN["state"]["state"]})
    with pytest.raises(UserError, match="a '/' in an observation's key for a folder, and there is 'walker/joints'"):
        written([], space, ACTIONS["box"])
    assert not (tmp_path / "datasets" / "walk" / "random-v0").exists()
