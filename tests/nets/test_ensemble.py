"""An ensemble is its members, computed together."""

import pytest
import torch

from reverie.errors import UserError
from reverie.nets.ensemble import Ensemble, EnsembleLinear, EnsembleNorm
from reverie.nets.mlp import MLPConfig


@pytest.mark.parametrize("norm", ["layer", "none"])
def test_members_answer_as_they_would_alone(norm):
    torch.manual_seed(0)
    ensemble = Ensemble(MLPConfig(layers=2, units=6, norm=norm), 3, 4, 2)
    for parameter in ensemble.parameters():
        torch.nn.init.normal_(parameter)
    x = torch.randn(5, 7, 4)
    answers = ensemble(x)
    assert answers.shape == (3, 5, 7, 2)
    for member in range(3):
        y = x
        for layer in ensemble.layers:
            if isinstance(layer, EnsembleLinear):
                y = y @ layer.weight[member] + layer.bias[member, 0]
            elif isinstance(layer, EnsembleNorm):
                mean, var = y.mean(-1, keepdim=True), y.var(-1, keepdim=True, correction=0)
                y = (y - mean) / (var + 1e-3).sqrt() * layer.weight[member, 0] + layer.bias[member, 0]
            else:
                y = layer(y)
        torch.testing.assert_close(answers[member], y, rtol=1e-4, atol=1e-4)


def test_some_members_are_asked_and_pass_gradients_to_what_was_read():
    ensemble = Ensemble(MLPConfig(layers=1, units=6), 4, 3, 2)
    for parameter in ensemble.parameters():
        torch.nn.init.normal_(parameter)
    x, asked = torch.randn(5, 3, requires_grad=True), torch.tensor([3, 1])
    some, every = ensemble(x, asked), ensemble(x)[asked]
    torch.testing.assert_close(some, every)
    torch.testing.assert_close(*(torch.autograd.grad(answers.square().sum(), x)[0] for answers in (some, every)))


def test_members_differ_but_for_their_last_layer_which_is_zero():
    ensemble = Ensemble(MLPConfig(layers=1, units=6), 2, 4, 3)
    assert not torch.equal(*ensemble.layers[0].weight)
    assert not ensemble(torch.randn(5, 4)).any()


def test_rms_is_refused():
    with pytest.raises(UserError, match="by layer, or not at all, and not by rms"):
        Ensemble(MLPConfig(norm="rms"), 2, 4, 3)
