"""The laws over every registered backbone; with and without a graph, because the two may take different ways."""

import pytest
import torch
from backbones import BACKBONES, VARIANTS, make_backbone

from laws import LAWS, remembers
from reverie.agents.parts import PARTS

RUNS = [(name, seed, graph) for name in sorted(PARTS["backbone"]) for seed in range(3) for graph in (True, False)]
RUNS += [(name, seed, seed == 0) for name in VARIANTS for seed in range(2)]
"""Backbone, seed, and whether there is a graph; fewer of the variants, which are many."""


def _id(run):
    name, seed, graph = run
    return f"{name}-{seed}-{'graph' if graph else 'no-graph'}"


@pytest.mark.parametrize("law", [name for name in LAWS if name != "gradient"])
@pytest.mark.parametrize("run", RUNS, ids=_id)
def test_law(run, law):
    name, seed, graph = run
    backbone = make_backbone(name)
    with torch.set_grad_enabled(graph):
        LAWS[law](backbone, seed)


@pytest.mark.parametrize("run", [run for run in RUNS if run[2]], ids=_id)
def test_gradient(run):
    name, seed, _ = run
    LAWS["gradient"](make_backbone(name), seed)


@pytest.mark.parametrize("name", BACKBONES)
def test_what_enters_a_dream_may_need_a_gradient_when_the_weights_are_frozen(name):
    LAWS["gradient"](make_backbone(name).requires_grad_(False), 0)


def test_only_markov_is_without_a_memory():
    assert [name for name in BACKBONES if not remembers(make_backbone(name))] == ["markov"]
