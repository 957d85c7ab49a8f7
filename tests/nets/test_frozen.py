"""Weights that owe no gradient for a while."""

import pytest
import torch
from torch import nn

from reverie.nets.frozen import frozen


def asked(net):
    return [p.requires_grad for p in net.parameters()]


def test_gradients_flow_through_the_weights_but_not_into_them():
    net, x = nn.Linear(3, 1), torch.ones(1, 3, requires_grad=True)
    with frozen(net):
        assert asked(net) == [False, False]
        net(x).sum().backward()
    assert x.grad.equal(net.weight)
    assert net.weight.grad is None and net.bias.grad is None


def test_what_was_set_before_returns():
    net = nn.Linear(3, 1)
    net.bias.requires_grad_(False)
    with frozen(net):
        pass
    assert asked(net) == [True, False]


def test_it_returns_after_an_exception_too():
    net = nn.Linear(3, 1)
    with pytest.raises(KeyError), frozen(net):
        raise KeyError
    assert asked(net) == [True, True]


def test_blocks_within_blocks_and_several_modules():
    one, two = nn.Linear(3, 1), nn.Linear(3, 1)
    with frozen(one):
        with frozen(one, two):
            assert asked(one) == asked(two) == [False, False]
        assert asked(one) == [False, False] and asked(two) == [True, True]
    assert asked(one) == [True, True]


def test_a_module_named_twice_returns():
    net = nn.Linear(3, 1)
    with frozen(net, net):
        assert asked(net) == [False, False]
    assert asked(net) == [True, True]


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_is_left_alone(training):
    net = nn.Linear(3, 1).train(training)
    with frozen(net):
        assert net.training == training
    assert net.training == training
