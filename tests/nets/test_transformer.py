"""A transformer's layer: its first weights, and its gate by hand."""

import math

import pytest
import torch

from reverie.nets.transformer import GRUGate, Layer


def test_how_it_starts():
    torch.manual_seed(0)
    layer = Layer(64, 4, 256, layers=8, gate="residual", init="uniform")
    for last, width in ((layer.told, 64), (layer.narrow, 256)):
        assert last.weight.abs().max().item() == pytest.approx(1 / math.sqrt(width) / 4, rel=0.01)  # sqrt(2 * 8) = 4
        assert last.bias.abs().max() == 0


def test_gtrxls_gate_by_hand():
    gate = GRUGate(1, "uniform")
    with torch.no_grad():
        gate.new.weight.copy_(torch.tensor([[1.0], [2.0], [3.0]]))
        gate.old.weight.copy_(torch.tensor([[0.5], [-1.0]]))
        gate.kept.weight.fill_(0.25)
    # x = 0.8, y = 0.4: r = s(0.4 + 0.4); z = s(0.8 - 0.8 - 2); candidate tanh(1.2 + 0.25 r 0.8)
    r, z = 1 / (1 + math.exp(-0.8)), 1 / (1 + math.exp(2))
    truth = (1 - z) * 0.8 + z * math.tanh(1.2 + 0.25 * r * 0.8)
    assert gate(torch.tensor([0.8]), torch.tensor([0.4])).item() == pytest.approx(truth, rel=1e-6)
    nothing = gate(torch.tensor([0.8]), torch.tensor([-7.0]))  # what is negative does not pass
    assert nothing.item() == pytest.approx(gate(torch.tensor([0.8]), torch.tensor([0.0])).item())
