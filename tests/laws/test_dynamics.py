"""The laws over every (backbone, posterior, latent); with and without a graph: the two may take different ways."""

import pytest
import torch
from backbones import COMBINATIONS, ReadsReward, make_dynamics
from dynamics_laws import LAWS

from reverie.dynamics.dynamics import ConcatEntry, Entry, StackEntry

DREAMERS = ["attention", "attention-shared", "attention-shared-relative-tokens", "attention-learned-tokens-all", "s5"]
"""Those that read several tokens: by themselves, and by each way to start a dream and each kind of position."""


# Each way to enter, and both with a graph and without, but not each with both: that took a minute more.
RUNS = [(Entry, 0, True), (Entry, 0, False), (ReadsReward, 1, True), (ReadsReward, 2, False), (ConcatEntry, 3, True)]


@pytest.mark.parametrize(("entry", "seed", "graph"), RUNS)
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("parts", COMBINATIONS, ids="-".join)
def test_law(parts, law, entry, seed, graph):
    dynamics = make_dynamics(*parts, entry=entry)
    with torch.set_grad_enabled(graph):
        LAWS[law](dynamics, seed)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("backbone", DREAMERS)
def test_law_of_three_tokens(backbone, law):
    LAWS[law](make_dynamics(backbone, "encode", "gaussian", entry=StackEntry), 4)
