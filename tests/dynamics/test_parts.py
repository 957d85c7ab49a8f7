"""Backbones, entry and posteriors, pinned to slow computations; what they promise each other is in tests/laws."""

import math

import pytest
import torch

from reverie.dynamics.dynamics import ConcatEntry, Dynamics, DynamicsConfig, Entry, StackEntry
from reverie.dynamics.gru import GRU, GRUConfig
from reverie.dynamics.lstm import LSTM, Cell, LSTMConfig
from reverie.dynamics.markov import Markov, MarkovConfig
from reverie.dynamics.posterior import Encode, EncodeConfig, Filter, FilterConfig
from reverie.errors import UserError
from reverie.latent.gaussian import Gaussian, GaussianConfig
from reverie.nets.mlp import MLPConfig
from reverie.types import Inputs

SMALL = MLPConfig(units=6)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def test_the_gru_by_hand():
    gru = GRU(GRUConfig(units=1, norm="none"), 1)
    with torch.no_grad():
        gru.input.weight.copy_(torch.tensor([[1.0], [2.0], [3.0]]))
        gru.recurrent.weight.copy_(torch.tensor([[0.5], [-1.0], [0.25]]))
        gru.recurrent.bias.copy_(torch.tensor([0.1, 0.2, 0.3]))
    # u = 0.4, h = 0.8: reset 0.4 + 0.4 + 0.1 = 0.9; candidate 0.8 - 0.8 + 0.2 = 0.2; update 1.2 + 0.2 + 0.3 = 1.7
    candidate, update = math.tanh(sigmoid(0.9) * 0.2), sigmoid(1.7 - 1)
    h, memory = gru.step(torch.tensor([[[0.4]]]), torch.tensor([[0.8]]))
    assert h.item() == pytest.approx(update * candidate + (1 - update) * 0.8, rel=1e-6)
    assert memory is h


def test_the_gru_normalises_its_gates_together():
    gru = GRU(GRUConfig(units=2), 3)
    u, h = torch.randn(4, 1, 3), torch.randn(4, 2)
    gates = u[:, 0] @ gru.input.weight.T + h @ gru.recurrent.weight.T
    gates = (gates - gates.mean(-1, keepdim=True)) / (gates.var(-1, correction=0, keepdim=True) + 1e-3).sqrt()
    reset, candidate, update = gates.chunk(3, -1)
    update = torch.sigmoid(update - 1)
    truth = update * torch.tanh(torch.sigmoid(reset) * candidate) + (1 - update) * h
    torch.testing.assert_close(gru.step(u, h)[0], truth)


def test_the_lstm_by_hand():
    lstm = LSTM(LSTMConfig(units=1, norm="none"), 1)
    with torch.no_grad():
        lstm.input.weight.copy_(torch.tensor([[1.0], [2.0], [3.0], [4.0]]))
        lstm.recurrent.weight.copy_(torch.tensor([[0.5], [-1.0], [0.25], [0.0]]))
        lstm.recurrent.bias.copy_(torch.tensor([0.1, 0.2, 0.3, 0.4]))
    # u = 0.4, h = 0.8: enter 0.4 + 0.4 + 0.1 = 0.9; keep 0.8 - 0.8 + 0.2 = 0.2; show 1.2 + 0.2 + 0.3 = 1.7;
    # candidate 1.6 + 0.4 = 2
    c = sigmoid(0.2 + 1) * -0.5 + sigmoid(0.9) * math.tanh(2)
    h, memory = lstm.step(torch.tensor([[[0.4]]]), Cell(torch.tensor([[0.8]]), torch.tensor([[-0.5]])))
    assert memory.c.item() == pytest.approx(c, rel=1e-6)
    assert h.item() == pytest.approx(sigmoid(1.7) * math.tanh(c), rel=1e-6)
    assert memory.h is h


def test_the_lstm_normalises_its_gates_together():
    lstm = LSTM(LSTMConfig(units=2), 3)
    u, cell = torch.randn(4, 1, 3), Cell(torch.randn(4, 2), torch.randn(4, 2))
    gates = u[:, 0] @ lstm.input.weight.T + cell.h @ lstm.recurrent.weight.T
    gates = (gates - gates.mean(-1, keepdim=True)) / (gates.var(-1, correction=0, keepdim=True) + 1e-3).sqrt()
    enter, keep, show, candidate = gates.chunk(4, -1)
    c = torch.sigmoid(keep + 1) * cell.c + torch.sigmoid(enter) * torch.tanh(candidate)
    torch.testing.assert_close(lstm.step(u, cell)[0], torch.sigmoid(show) * torch.tanh(c))


def test_markov_is_its_network():
    markov = Markov(MarkovConfig(mlp=SMALL), 3)
    u = torch.randn(4, 1, 3)
    assert markov.size == 6
    assert markov.step(u, markov.initial(4))[0].equal(markov.mlp(u[:, 0]))
    assert markov.initial(4).shape == (4, 0)


def test_the_entry_by_slow_computation():
    entry = Entry(MLPConfig(units=4, activation="tanh", norm="none"), 3, 2)
    z, a = torch.randn(5, 3), torch.randn(5, 2)
    truth = torch.tanh(z @ entry.stoch.weight.T + entry.stoch.bias + a @ entry.action.weight.T)
    assert not entry.reads_reward
    torch.testing.assert_close(entry(z, entry.share(a, torch.randn(5))), truth.unsqueeze(-2))


def test_the_entry_that_concatenates_by_slow_computation():
    entry = ConcatEntry(MLPConfig(units=4, activation="tanh", norm="none"), 3, 2)
    z, a = torch.randn(5, 3), torch.randn(5, 2)
    left = torch.tanh(z @ entry.stoch[0].weight.T + entry.stoch[0].bias)
    right = torch.tanh(a @ entry.action[0].weight.T + entry.action[0].bias)
    assert entry.size == 8 and not entry.reads_reward
    share = entry.share(a, torch.randn(5))
    torch.testing.assert_close(share, right)  # finished: it needs no latent
    torch.testing.assert_close(entry(z, share), torch.cat([left, right], -1).unsqueeze(-2))


def test_the_entry_that_stacks_by_slow_computation():
    entry = StackEntry(MLPConfig(units=4), 3, 2)
    z, a, r = torch.randn(5, 7, 3), torch.randn(5, 7, 2), torch.randn(5, 7)
    truth = [
        z @ entry.stoch.weight.T + entry.stoch.bias,
        a @ entry.action.weight.T + entry.action.bias,
        r.unsqueeze(-1) * entry.reward.weight[:, 0] + entry.reward.bias,
    ]
    assert entry.size == 4 and entry.tokens == 3 and entry.reads_reward
    tokens = entry(z, entry.share(a, r))
    assert tokens.shape == (5, 7, 3, 4)
    torch.testing.assert_close(tokens, torch.stack(truth, -2))


def test_the_filter_is_an_mlp_of_memory_and_embedding():
    posterior = Filter(FilterConfig(mlp=MLPConfig(layers=2, units=6)), 3, 4, 5)
    h, e = torch.randn(7, 3), torch.randn(7, 4)
    hidden = posterior.memory(h) + e @ posterior.embed.weight.T
    hidden = torch.nn.functional.silu(posterior.norm(hidden))
    truth = posterior.rest(hidden)
    assert truth.shape == (7, 5) and len(posterior.rest) == 4  # one more hidden layer, and the last
    torch.testing.assert_close(posterior.infer(h, e), truth)


def test_encode_does_not_read_the_memory():
    posterior = Encode(EncodeConfig(mlp=SMALL), 3, 4, 5)
    e = torch.randn(7, 4)
    assert posterior.infer(torch.randn(7, 3), e).equal(posterior.infer(torch.randn(7, 3), e))


def dynamics():
    torch.manual_seed(0)
    latent, backbone = Gaussian(GaussianConfig(size=3)), GRU(GRUConfig(units=5), 6)
    posterior = Filter(FilterConfig(mlp=SMALL), 5, 4, latent.posterior_size)
    return Dynamics(DynamicsConfig(prior=SMALL), Entry(SMALL, 3, 2), backbone, latent, posterior)


def test_sizes():
    both = dynamics()
    assert (both.deter_size, both.stoch_size) == (5, 3)
    assert both.prior(torch.zeros(2, 7, 5)).shape == (2, 7, 6)


def test_a_step_draws_from_the_prior_in_dreams_and_from_the_posterior_in_reality():
    both, inputs = dynamics(), Inputs(torch.randn(1, 2).expand(4000, 2), torch.zeros(4000))
    state = both.initial(4000)
    embed = torch.randn(1, 4).expand(4000, 4)
    generator = torch.Generator().manual_seed(0)
    real = both.update(embed, inputs, torch.zeros(4000), state, generator)
    dreamed = both.imagine(inputs.action, state, generator)
    torch.testing.assert_close(real.deter, dreamed.deter)  # h_t knows nothing of e_t
    posterior = both.latent.posterior(both.posterior.infer(real.deter, embed))
    prior = both.latent.prior(both.prior(dreamed.deter))
    for drawn, truth, other in ((real, posterior, prior), (dreamed, prior, posterior)):
        bound = 5 * truth.std[0] / 4000**0.5
        assert ((drawn.stoch.mean(0) - truth.mean[0]).abs() < bound).all()
        assert ((drawn.stoch.mean(0) - other.mean[0]).abs() > bound).any()


def test_temperature_reaches_the_prior():
    both = dynamics()
    still, before = torch.zeros(3, 2), both.initial(3)
    warm, hot = (both.imagine(still, before, torch.Generator().manual_seed(0), t).stoch for t in (1.0, 4.0))
    mode = both.imagine(still, before, None, 4.0).stoch
    torch.testing.assert_close(hot - mode, 2 * (warm - mode))


def test_a_gru_without_units_is_refused():
    with pytest.raises(UserError, match=r"backbone.units must be at least 1, not 0"):
        GRUConfig(units=0)


def test_an_lstm_without_units_is_refused():
    with pytest.raises(UserError, match=r"backbone.units must be at least 1, not 0"):
        LSTMConfig(units=0)


def test_a_filter_without_a_hidden_layer_is_refused():
    with pytest.raises(UserError, match=r"posterior.mlp.layers must be at least 1 for a filter, not 0"):
        FilterConfig(mlp=MLPConfig(layers=0))
