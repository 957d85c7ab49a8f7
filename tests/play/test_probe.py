"""A probe draws what a world knows, and leaves the world as it was."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import changed, weights

import reverie
from reverie.cli.main import main
from reverie.errors import UserError
from reverie.play.probe import NAME, Probe, ProbeConfig, load_probe
from reverie.play.probing import dreamed, films, fit, held_out_films, known, shares, shrunk
from reverie.report.open_loop import as_batch
from reverie.train.folder import load
from reverie.types import Features

FEW = ["--episodes", "2", "--share", "1", "--updates", "2", "--batch", "4", "--side", "16", "--held-out", "2"]


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """A world that learned from state."""
    from dreaming import made

    return made(tmp_path_factory.mktemp("runs") / "walked")


def test_a_picture_is_shrunk_to_means_of_what_each_pixel_covers():
    picture = np.zeros((4, 8, 3), np.uint8)
    picture[:2, :4, 0] = [[10, 20, 0, 0], [30, 40, 0, 0]]
    small = shrunk(picture, 2)
    assert small.shape == (2, 2, 3)
    assert small[..., 0].tolist() == [[12, 0], [0, 0]]  # of 100 over eight pixels: 12.5, to the even


def test_pictures_and_features_are_of_the_same_moments(walked):
    agent, resolved = load(walked, "cpu")
    shown = films(agent, resolved.config.env, 0, 2, 0.5, 16)
    assert 0 < sum(len(film.steps) for film in shown) < 20
    for film in shown:
        # the walk's picture has its stripe where the observation says that it is
        places = film.episode.observation["state"][film.steps, 0]
        columns = [int(picture[0, :, 0].argmax()) for picture in film.pictures]
        assert columns == [int(np.clip(8 + 4 * place, 0, 15)) for place in places]
    features, pictures = known(agent, shown, torch.Generator().manual_seed(0))
    assert len(features.deter) == len(features.stoch) == len(pictures) == 2 * sum(len(film.steps) for film in shown)


def test_an_episode_is_dreamed_in_pieces_each_from_what_was_known(walked, monkeypatch):
    monkeypatch.setattr("reverie.play.probing.AHEAD", 3)
    agent, resolved = load(walked, "cpu")
    (film,) = held_out_films(agent, resolved.config.env, 0, 1, 16)
    world, batch = agent.world, as_batch(agent, [film.episode], 0, len(film.episode.reward))
    with torch.inference_mode():
        trace = world.observe(batch, world.initial(1))
        found = dreamed(world, batch, trace)
        assert found.deter.shape == trace.deter.shape and found.stoch.shape == trace.stoch.shape
        torch.testing.assert_close(found.deter[:, 0], trace.deter[:, 0])
        row, state = torch.zeros(1, dtype=torch.long), world.initial(1)
        for step in range(1, batch.first.shape[1]):
            if step % 3 == 1:
                state = world.dynamics.start(trace, row, row + step - 1)
            state = world.imagine(batch.action[:, step], state)
            torch.testing.assert_close(found.deter[:, step], state.features.deter)
            torch.testing.assert_close(found.stoch[:, step], state.features.stoch)


def test_it_learns_to_draw_and_moves_nothing_else(walked):
    agent, resolved = load(walked, "cpu")
    before = weights(agent)
    shown = held_out_films(agent, resolved.config.env, 0, 4, 16)
    features, pictures = known(agent, shown, torch.Generator().manual_seed(0))
    # features that say where the stripe is, since a tiny world hardly knows
    places = [torch.from_numpy(film.episode.observation["state"][film.steps]) for film in shown]
    place = torch.cat([seen for place in places for seen in (place, place)])  # known, and then dreamed
    telling = Features(features.deter, place.float())
    probe = fit(
        ProbeConfig(side=16, updates=150, batch=16, lr=3e-3), telling, pictures, torch.Generator().manual_seed(0)
    )
    error = (probe(telling) - pictures).square().mean()
    assert error < 0.5 * (pictures.mean(0) - pictures).square().mean()
    assert changed(before, agent) == set()


def test_a_saved_probe_draws_the_same(tmp_path):
    probe = Probe(ProbeConfig(side=16), 5).eval()
    features = Features(torch.randn(3, 2), torch.randn(3, 3))
    probe.save(tmp_path)
    again = load_probe(tmp_path, 5, torch.device("cpu"))
    assert again is not None
    torch.testing.assert_close(again(features), probe(features), rtol=0, atol=0)
    assert load_probe(tmp_path / "nowhere", 5, torch.device("cpu")) is None
    with pytest.raises(UserError, match=r"probe\.safetensors cannot be read: .*; make it again: reverie probe"):
        load_probe(tmp_path, 6, torch.device("cpu"))
    (tmp_path / NAME).write_bytes(b"no probe")
    with pytest.raises(UserError, match="make it again"):
        load_probe(tmp_path, 5, torch.device("cpu"))


def test_errors_are_means_over_all_but_steps():
    truth = np.zeros((2, 4, 1, 1, 3))
    truth[:, 1:] = 1.0
    dream = np.full_like(truth, 0.5)
    found = shares(truth, dream, np.full((1, 1, 3), 1.0), 1)
    assert {name: error.tolist() for name, error in found.items()} == {
        "dream": [0.25] * 3,
        "repeat": [1.0] * 3,
        "mean": [0.0] * 3,
    }


def test_dreams_from_state_are_drawn_by_it(walked, capsys):
    main(["probe", str(walked), *FEW])
    assert "dream / better guess" in capsys.readouterr().out
    figures = json.loads((walked / "probe.json").read_text())
    assert figures["steps"] == 5  # 10 steps of a walk are drawn, 5 of them seen
    assert (walked / "pictures" / "probe.gif").read_bytes().startswith(b"GIF8")
    env = reverie.DreamEnv(walked, render_mode="rgb_array")
    env.reset(seed=0)
    first = env.render()
    assert first is not None
    assert (first.shape, first.dtype) == ((16, 16, 3), np.uint8)
    env.step(env.action_space.sample())
    assert env.render() is not None
    Path(walked / NAME).unlink()
