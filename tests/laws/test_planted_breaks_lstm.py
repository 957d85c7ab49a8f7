"""What breaks the LSTM, planted; the laws' own breaks are in the file beside."""

import pytest
import torch
from backbones import INPUTS, prepare

import laws
from reverie.dynamics.lstm import LSTM, Cell, LSTMConfig
from reverie.ops import tree


class ScanOfTheCellIgnoresFirst(LSTM):
    def scan(self, u, first, state):
        return super().scan(u, torch.zeros_like(first), state)


class ForgetsWhatItShowsAlone(LSTM):
    def forget(self, state, first):
        return Cell(tree.forget(state.h, first), state.c)


class KeepsWithoutAGradient(LSTM):
    def step(self, u, state):
        return super().step(u, state._replace(c=state.c.detach()))


BREAKS = [
    ("fold", ScanOfTheCellIgnoresFirst),
    ("reset", ForgetsWhatItShowsAlone),
    ("gradient", KeepsWithoutAGradient),
]


@pytest.mark.parametrize(("law", "broken"), BREAKS, ids=lambda x: x if isinstance(x, str) else x.__name__)
def test_a_broken_lstm_is_found(law, broken):
    torch.manual_seed(1)
    with pytest.raises(AssertionError):
        laws.LAWS[law](prepare(broken(LSTMConfig(units=6), INPUTS)), 0)
