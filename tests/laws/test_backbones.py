"""The laws over every registered backbone; with and without a graph, because the two may take different ways."""

import pytest
import torch
from backbones import BACKBONES, make_backbone

from laws import LAWS, remembers


@pytest.mark.parametrize("graph", [True, False], ids=["graph", "no-graph"])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("law", [name for name in LAWS if name != "gradient"])
@pytest.mark.parametrize("name", BACKBONES)
def test_law(name, law, seed, graph):
    backbone = make_backbone(name)
    with torch.set_grad_enabled(graph):
        LAWS[law](backbone, seed)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", BACKBONES)
def test_gradient(name, seed):
    LAWS["gradient"](make_backbone(name), seed)


@pytest.mark.parametrize("name", BACKBONES)
def test_what_enters_a_dream_may_need_a_gradient_when_the_weights_are_frozen(name):
    LAWS["gradient"](make_backbone(name).requires_grad_(False), 0)


def test_only_markov_is_without_a_memory():
    assert [name for name in BACKBONES if not remembers(make_backbone(name))] == ["markov"]
