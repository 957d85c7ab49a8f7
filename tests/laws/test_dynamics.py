"""The laws over every (backbone, posterior, latent); with and without a graph: the two may take different ways."""

import pytest
import torch
from backbones import COMBINATIONS, ReadsReward, make_dynamics
from dynamics_laws import LAWS

from reverie.dynamics.dynamics import ConcatEntry, Entry


@pytest.mark.parametrize("graph", [True, False], ids=["graph", "no-graph"])
@pytest.mark.parametrize(("entry", "seed"), [(Entry, 0), (ReadsReward, 1), (ReadsReward, 2), (ConcatEntry, 3)])
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("parts", COMBINATIONS, ids="-".join)
def test_law(parts, law, entry, seed, graph):
    dynamics = make_dynamics(*parts, entry=entry)
    with torch.set_grad_enabled(graph):
        LAWS[law](dynamics, seed)
