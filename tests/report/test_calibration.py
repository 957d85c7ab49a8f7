"""What heads foretold, against what came."""

import numpy as np
import pytest
import torch
from tiny import built, tiny

from reverie.report.calibration import Told, foretold
from reverie.report.evaluate import Episode


def test_explained_is_one_for_the_truth_and_zero_for_the_mean():
    came = np.array([1.0, 2, 6])
    assert Told(came, came).explained == 1
    assert Told(np.full(3, 3.0), came).explained == pytest.approx(0)
    assert np.isnan(Told(came, np.ones(3)).explained)


def test_bins_hold_their_means_and_numbers():
    told = Told(np.array([0.0, 0.1, 0.6, 1.0]), np.array([0.0, 1, 1, 0]))
    assert told.binned([0.0, 0.5, 1.0]) == [(0.05, 0.5, 2), (0.8, 0.5, 2)]
    assert told.binned([0.0, 0.25, 0.5, 1.0]) == [(0.05, 0.5, 2), (0.8, 0.5, 2)]  # an empty bin is not there


def test_every_moment_but_the_first_is_judged_in_the_environments_unit():
    agent = built(tiny()).eval()
    agent.world.preprocess.reward_unit.fill_(10.0)
    # A head that always says 3 of its own unit.
    torch.nn.init.zeros_(agent.world.reward.mlp[-1].weight)
    torch.nn.init.constant_(agent.world.reward.mlp[-1].bias, 3.0)

    def episode(length, terminal):
        observation = {"state": np.zeros((length, 2), np.float32)}
        return Episode(observation, np.zeros((length, 1), np.float32), np.arange(length, dtype=float), terminal)

    reward, going = foretold(agent, [episode(4, True), episode(3, False)])
    assert reward.foretold.tolist() == pytest.approx([30.0] * 5)
    assert reward.came.tolist() == [1, 2, 3, 1, 2]
    assert going.came.tolist() == [1, 1, 0, 1, 1]  # a time limit is no end
    assert ((going.foretold > 0) & (going.foretold < 1)).all()
