"""Videos show what was played and what was dreamed of it."""

import imageio.v3 as iio
import numpy as np
import pytest
import torch
from dreaming import made

from reverie.envs import make_vector
from reverie.errors import UserError
from reverie.play import filming
from reverie.play.filming import act_in_a_dream, film_run
from reverie.report import pictures
from reverie.report.evaluate import Evaluator
from reverie.report.open_loop import foresee
from reverie.report.pictures import Picture
from reverie.report.video import fitted
from reverie.train.folder import load


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """A walk from images."""
    return made(tmp_path_factory.mktemp("runs") / "seen", pixels=True, size=16)


@pytest.fixture
def cells(monkeypatch):
    """What is given to the grid."""
    given = []
    grid = filming.grid
    monkeypatch.setattr(filming, "grid", lambda cells: given.append(cells) or grid(cells))
    return given


def played(run, number, seed=0):
    agent, resolved = load(run, "cpu")
    agent.eval()
    evaluator = Evaluator(make_vector([resolved.config.env.make]), seed)
    return agent, evaluator(agent)[:number]


def test_real_episodes_are_those_of_an_evaluation(seen, tmp_path, cells):
    assert film_run(seen, "real", tmp_path / "a.gif", episodes=3, steps=6) == tmp_path / "a.gif"
    ((first,), *rest) = cells[0]
    assert len(rest) == 2 and first.dreamed is None and first.pictures.shape == (6, 16, 16, 3)
    _, (episode,) = played(seen, 1)
    np.testing.assert_array_equal(first.pictures, episode.observation["image"][:6])
    assert len(iio.imread(tmp_path / "a.gif")) <= 6


def test_side_by_side_is_the_open_loop_dream_of_the_same_episode(seen, tmp_path, cells):
    film_run(seen, "side-by-side", tmp_path / "a.gif", episodes=2, steps=8)
    real, dream = cells[0][0]
    agent, (episode,) = played(seen, 1)
    np.testing.assert_array_equal(real.pictures, episode.observation["image"][:8])
    assert (real.dreamed, dream.dreamed) == (None, 5)
    _, features = foresee(agent, [episode], 5, 3)
    with torch.inference_mode():
        drawn = agent.world.decode(features)["image"][0].clamp(0, 1).numpy()
    np.testing.assert_allclose(dream.pictures / 255, drawn, atol=1 / 255)


def test_the_agent_acts_as_it_did_while_the_dream_has_not_begun(seen):
    agent, (episode,) = played(seen, 1)
    features, going = act_in_a_dream(agent, episode, 5, 4)
    assert features.deter.shape[:2] == features.stoch.shape[:2] == (1, 9)
    assert (going[:5] == 1).all() and (np.diff(going[4:]) <= 0).all() and going[-1] > 0
    _, open_loop = foresee(agent, [episode], 5, 4)
    torch.testing.assert_close(features.deter[:, :5], open_loop.deter[:, :5], rtol=1e-4, atol=1e-5)
    # the first dreamed step follows the agent's own action of the last real one, as the episode did
    torch.testing.assert_close(features.deter[:, 5], open_loop.deter[:, 5], rtol=1e-4, atol=1e-5)


def test_a_planner_goes_on_planning_in_the_dream(tmp_path):
    run = made(tmp_path / "run", "tdmpc2")
    agent, (episode,) = played(run, 1)
    planned, _ = act_in_a_dream(agent, episode, 2, 3)
    asked = []
    plan = agent.planner.act
    agent.planner.act = lambda *arguments: asked.append(arguments[3]) or plan(*arguments)  # type: ignore[method-assign]
    again, _ = act_in_a_dream(agent, episode, 2, 3)
    assert len(asked) == 5 and all(memory.shape == asked[0].shape for memory in asked)
    torch.testing.assert_close(again.stoch, planned.stoch)


def test_a_dream_is_over_once_its_end_is_likelier_than_not(seen, tmp_path, cells, monkeypatch):
    real = act_in_a_dream

    def ending(*arguments):
        features, going = real(*arguments)
        return features, np.where(np.arange(len(going)) < 6, 1.0, 0.4)

    monkeypatch.setattr(filming, "act_in_a_dream", ending)
    film_run(seen, "dreamed", tmp_path / "a.gif", episodes=1, steps=9)
    ((dream,),) = cells[0]
    assert (len(dream.pictures), dream.dreamed) == (6, 5)


def test_large_pictures_are_shrunk_and_keep_their_shape():
    picture = np.zeros((400, 600, 3), np.uint8)
    picture[:, 300:] = 200
    small = fitted(picture, 60)
    assert small.shape == (40, 60, 3)
    assert (small[:, :30] == 0).all() and (small[:, 30:] == 200).all()
    assert fitted(picture, 600) is picture


def test_a_runs_own_film_keeps_little(seen, tmp_path, monkeypatch):
    """Whole pictures of a whole episode can be gigabytes."""
    monkeypatch.setattr(pictures, "FILMED", 4)
    monkeypatch.setattr(pictures, "fitted", lambda picture: fitted(picture, 8))
    agent, resolved = load(seen, "cpu")
    episode = pictures.film(agent.eval(), resolved.config.env, 0, tmp_path / "a.gif")
    assert len(episode.reward) == 11
    images = iio.imread(tmp_path / "a.gif")
    assert len(images) <= 4 and max(images.shape[1:3]) <= 8


def test_the_seed_is_the_runs_own_by_default(tmp_path, cells):
    run = made(tmp_path / "run", pixels=True, size=16, seed=3)
    for seed in (None, 3, 0):
        film_run(run, "real", tmp_path / "a.gif", episodes=1, seed=seed)
    own, same, other = (rows[0][0].pictures for rows in cells)
    np.testing.assert_array_equal(own, same)
    assert not np.array_equal(own, other)


def test_a_kind_that_is_not_known(seen, tmp_path):
    with pytest.raises(UserError, match="unknown kind 'side-by-sid'; did you mean 'side-by-side'"):
        film_run(seen, "side-by-sid", tmp_path / "a.gif")  # type: ignore[arg-type]


def test_a_notebook_is_shown_the_picture_itself(tmp_path):
    for name, kind in (("a.gif", "image/gif"), ("a.png", "image/png")):
        (tmp_path / name).write_bytes(b"bytes")
        bundle = Picture(tmp_path / name)._repr_mimebundle_()
        assert bundle == {kind: "Ynl0ZXM=", "text/plain": str(tmp_path / name)}
