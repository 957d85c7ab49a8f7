"""State spaces, against their equations in complex numbers."""

import math

import numpy as np
import pytest
import torch

from reverie.nets.spectrum import Spectrum, hippo, linear, repeated, ring
from reverie.nets.state_space import Layer, Systems


def whole(x):
    x = x.detach().double().numpy()
    return x[..., : x.shape[-1] // 2] + 1j * x[..., x.shape[-1] // 2 :]


def eigenvalues(systems):
    decay, frequency = systems.log_decay.detach().double().exp(), systems.frequency.detach().double()
    return (-decay + 1j * frequency).numpy(), systems.log_step.detach().double().exp().numpy()


def gains(systems):
    return systems.gain[:, : systems.gain.shape[1] // 2].double().numpy()


def test_layers_without_a_gain_stand_beside_others_as_they_are():
    torch.manual_seed(0)
    spectra = [ring(5, 0.3, 0.97), repeated(hippo(5), 1, 0.001, 0.1)]
    for one, both in zip(Systems(spectra[:1])(), Systems(spectra)(), strict=True):
        assert torch.equal(one[0], both[0])
    assert Systems(spectra[:1]).gain is None  # checkpoints without it can be loaded


def test_a_zero_order_hold_in_closed_form():
    systems = Systems([ring(5, 0.3, 0.97), repeated(hippo(5), 1, 0.001, 0.1)]).double()
    for parameter in systems.parameters():
        parameter.data.add_(0.3 * torch.randn_like(parameter))
    a, b = systems()
    rate, step = eigenvalues(systems)
    np.testing.assert_allclose(whole(a), np.exp(rate * step), rtol=1e-12)
    np.testing.assert_allclose(whole(b), gains(systems) * (np.exp(rate * step) - 1) / rate, rtol=1e-9)


def test_a_held_input_is_integrated():
    # dx/dt = l x + 1 over the time dt, by 20,000 small steps
    systems = Systems([repeated(hippo(3), 1, 0.01, 0.1)]).double()
    a, b = (whole(x)[0] for x in systems())
    (rate,), (step,) = eigenvalues(systems)
    x = np.full(3, 0.5 - 0.2j)
    start, small = x, step / 20_000
    for _ in range(20_000):
        middle = x + small / 2 * (rate * x + 1)
        x = x + small * (rate * middle + 1)
    np.testing.assert_allclose(a * start + b / gains(systems)[0], x, rtol=1e-8)


@pytest.mark.parametrize("step", [1e-6, 1e-3, 1.0])
def test_short_steps_lose_no_digits(step):
    one = torch.ones(3)
    systems = Systems([Spectrum(0.5 * one, torch.tensor([0.0, 1, 30]), step * one, one)])
    _, b = systems()
    rate, dt = eigenvalues(systems)
    np.testing.assert_allclose(whole(b), np.expm1(rate * dt) / rate, rtol=2e-6)


def test_nothing_that_is_learned_makes_it_grow():
    systems = Systems([ring(6, 0.3, 0.97)])
    for parameter in systems.parameters():
        parameter.data.add_(3 * torch.randn_like(parameter))
    assert (np.abs(whole(systems()[0])) <= 1).all()


def test_the_gradient_of_a_and_b():
    systems = Systems([ring(2, 0.3, 0.97), repeated(hippo(2), 1, 0.01, 0.1)]).double()
    given = [systems.log_decay, systems.frequency, systems.log_step]

    def made(*values):
        return torch.func.functional_call(
            systems, dict(zip(("log_decay", "frequency", "log_step"), values, strict=True)), ()
        )

    assert torch.autograd.gradcheck(made, given)


def test_a_layer_is_a_real_system_of_twice_as_many_states():
    """Each state beside its conjugate, in complex numbers: what is read is real, and what the layer gives."""
    width, count, steps = 3, 4, 6
    spectrum = ring(count, 0.3, 0.97)
    layer, systems = Layer(width, spectrum).double(), Systems([spectrum]).double()
    for parameter in layer.parameters():
        parameter.data.add_(0.3 * torch.randn_like(parameter))
    x, before = torch.randn(1, steps, width).double(), torch.randn(1, 2 * count).double()
    a, b = (part[0] for part in systems())
    out, states = layer(x, (a, b), before, torch.zeros(1, steps, dtype=torch.long))

    u = layer.norm(x)[0].detach().numpy()
    enter, leave = whole(layer.enter), layer.leave.detach().numpy()
    leave = (leave[:count] - 1j * leave[count:]) / 2
    twice = [np.concatenate([part, part.conj()]) for part in (whole(a), leave, whole(before)[0])]
    transition, read, state = twice
    inputs = whole(b) * (u @ enter)
    ys = []
    for now in np.concatenate([inputs, inputs.conj()], 1):
        state = transition * state + now
        ys.append(state @ read)
    ys = np.stack(ys)
    np.testing.assert_allclose(ys.imag, 0, atol=1e-12)
    np.testing.assert_allclose(whole(states)[0, -1], state[:count], atol=1e-12)
    y = torch.from_numpy(ys.real + u * layer.skip.detach().numpy())
    left, right = (0.5 * y * (1 + torch.erf(y / math.sqrt(2))) @ layer.mix.weight.T + layer.mix.bias).chunk(2, -1)
    torch.testing.assert_close(out[0], x[0] + left * torch.sigmoid(right), rtol=0, atol=1e-10)


def test_how_it_starts():
    torch.manual_seed(0)
    layer = Layer(200, repeated(hippo(100), 1, 0.001, 0.1))
    assert layer.leave.std().item() == pytest.approx(1 / math.sqrt(100), rel=0.02)
    assert layer.skip.std().item() == pytest.approx(1, rel=0.1)
    for spectrum in (ring(100, 0.3, 0.97), repeated(hippo(50), 2, 0.001, 0.1)):
        scaled = Layer(4000, spectrum).enter.std(0) * math.sqrt(2 * 4000)
        torch.testing.assert_close(scaled.double(), spectrum.scale.double().repeat(2), rtol=0.1, atol=0)


STARTS = {
    "ring": lambda: ring(20, 0.3, 0.97),
    "hippo": lambda: repeated(hippo(10), 2, 0.01, 0.1),
    "linear": lambda: repeated(linear(20), 1, 0.01, 0.1),
}


@pytest.mark.parametrize("name", STARTS)
def test_noise_makes_states_as_loud_as_itself(name):
    """Whatever eigenvalues and times of steps a system starts with: A and scaled B, run for long enough to forget."""
    torch.manual_seed(0)
    spectrum = STARTS[name]()
    a, b = (torch.complex(*part[0].double().chunk(2)) for part in Systems([spectrum])())
    state = torch.zeros(4000, len(a), dtype=torch.complex128)
    for _ in range(800):
        state = a * state + b * spectrum.scale * torch.randn(len(state), 1, dtype=torch.float64)
    torch.testing.assert_close(
        state.abs().square().mean(0).sqrt(), torch.ones(len(a), dtype=torch.float64), rtol=0.06, atol=0
    )
