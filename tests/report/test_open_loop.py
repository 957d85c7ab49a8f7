"""What a world foresees of episodes that it has not seen, in one dream or in the mean of many."""

import numpy as np
import pytest
import torch
from tiny import tiny

from reverie.report.evaluate import held_out_episodes
from reverie.report.open_loop import dreamed_returns, expected, open_loop
from reverie.train.folder import load
from reverie.train.run import run as train

SEEN = {"context": 3, "steps": 5, "start": 1}


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    folder = train(tiny("dreamer"), tmp_path_factory.mktemp("runs") / "run", pictures=False, say=lambda line: None)
    agent, resolved = load(folder.path, "cpu")
    return agent, held_out_episodes(resolved.config.env, agent.codec, 0, 3)


def test_the_modes_are_one_dream_and_draws_are_many(seen):
    first, again = (open_loop(*seen, **SEEN) for _ in range(2))
    drawn = [open_loop(*seen, **SEEN, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1)]
    for key, dream in first.dream.items():
        assert np.array_equal(dream, again.dream[key])
        assert not np.allclose(dream, drawn[0].dream[key]) and not np.allclose(*(loop.dream[key] for loop in drawn))


def test_returns_are_dreamed_along_modes_or_drawn(seen):
    modes, again = (dreamed_returns(*seen) for _ in range(2))
    drawn, repeated = (dreamed_returns(*seen, drawn=True) for _ in range(2))
    assert modes.shape == drawn.shape == (3,)
    assert np.array_equal(modes, again) and np.array_equal(drawn, repeated)
    assert not np.allclose(modes, drawn)


def test_drawn_returns_begin_in_drawn_states(seen, monkeypatch):
    agent, episodes = seen
    observe, begun = agent.world.observe, []
    monkeypatch.setattr(agent.world, "observe", lambda *given: begun.append(given[2]) or observe(*given))
    for drawn in (False, True):
        dreamed_returns(agent, episodes, drawn=drawn)
    assert begun[0] is None and begun[1] is not None


def test_what_is_expected_is_the_mean_of_drawn_dreams(seen):
    generator = torch.Generator().manual_seed(0)
    loops = [open_loop(*seen, **SEEN, generator=generator) for _ in range(4)]
    mean = expected(*seen, **SEEN, dreams=4)
    for key, truth in mean.truth.items():
        np.testing.assert_allclose(mean.dream[key], np.mean([loop.dream[key] for loop in loops], 0), rtol=1e-5)
        # a mean errs no more than what it is the mean of does on average
        each = np.mean([np.square(loop.dream[key] - truth).mean() for loop in loops])
        assert np.square(mean.dream[key] - truth).mean() < each
    np.testing.assert_allclose(mean.dreamed_reward, np.mean([loop.dreamed_reward for loop in loops], 0), rtol=1e-5)
