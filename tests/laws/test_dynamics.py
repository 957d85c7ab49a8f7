"""The laws over every (backbone, posterior, latent); with and without a graph: the two may take different ways."""

import pytest
import torch
from backbones import COMBINATIONS, make_dynamics
from dynamics_laws import LAWS


@pytest.mark.parametrize("graph", [True, False], ids=["graph", "no-graph"])
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("parts", COMBINATIONS, ids="-".join)
def test_law(parts, law, seed, graph):
    dynamics = make_dynamics(*parts)
    with torch.set_grad_enabled(graph):
        LAWS[law](dynamics, seed)
