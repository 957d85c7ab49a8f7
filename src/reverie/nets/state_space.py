"""Layers around diagonal state spaces with many inputs and many outputs (S5: Smith et al. 2023).

    x_k = A x_{k-1} + B V u_k,   y_k = Re(C x_k) + D u_k

with P complex states. A and B are P numbers each, those of a continuous system with eigenvalues l whose input is held
for the time dt that a step takes (a zero-order hold):

    A = exp(l dt),   B = (exp(l dt) - 1) / l

V and C are dense, D is diagonal. The system has 2 P states, each of the P with its conjugate, which adds the same again
to y: that 2 is part of C. Complex numbers are pairs of real ones (`ops.pairs`), "Q" with Q = 2 P, in the weights'
precision, under autocast too.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from reverie.nets.init import InitName, initialise
from reverie.nets.norm import norm
from reverie.nets.spectrum import Spectrum
from reverie.ops.parallel_scan import linear_scan


class Systems(nn.Module):
    """The A and B of L layers: all at once, because that takes many operations on few numbers.

    Learned are log_decay, frequency and log_step, "L P" each: l = -exp(log_decay) + i frequency, dt = exp(log_step).
    Decays are positive, so |A| < 1 whatever is learned. Where spectra have gains, B is multiplied by them.
    """

    gain: Tensor | None

    def __init__(self, spectra: Sequence[Spectrum]) -> None:
        super().__init__()
        decay, frequency, step = (
            torch.stack([getattr(spectrum, name) for spectrum in spectra]).to(torch.get_default_dtype())
            for name in ("decay", "frequency", "step")
        )
        self.log_decay = nn.Parameter(decay.log())
        self.frequency = nn.Parameter(frequency)
        self.log_step = nn.Parameter(step.log())
        gains = [torch.ones_like(x.step) if x.gain is None else x.gain for x in spectra]
        unscaled = all(spectrum.gain is None for spectrum in spectra)
        gain = None if unscaled else torch.stack(gains).to(torch.get_default_dtype()).repeat(1, 2)
        self.register_buffer("gain", gain)

    def forward(self) -> tuple[Float[Tensor, "L Q"], Float[Tensor, "L Q"]]:
        """A and B of each layer."""
        decay, step, frequency = self.log_decay.exp(), self.log_step.exp(), self.frequency
        turn = frequency * step
        # exp(l dt) - 1 without cancellation: its real part is exp(x) cos(y) - 1 = expm1(x) - 2 exp(x) sin(y / 2)^2
        less = torch.expm1(-decay * step)
        size = less + 1
        real = torch.addcmul(less, size, torch.sin(turn / 2).square(), value=-2)
        imaginary = size * torch.sin(turn)
        # over l: times its conjugate, over its square
        square = torch.addcmul(decay.square(), frequency, frequency)
        held_real = torch.addcmul(imaginary * frequency, real, decay, value=-1) / square
        held_imaginary = torch.addcmul(real * frequency, imaginary, decay) / -square
        held = torch.cat([held_real, held_imaginary], -1)
        return torch.cat([real + 1, imaginary], -1), held if self.gain is None else held * self.gain


class Layer(nn.Module):
    """x' = x + glu(W gelu(y)),  y = state space(norm(x)); glu(a, b) = a sigmoid(b).

    V and C start complex normal with variance 1 / W and 1 / P, V times its spectrum's scale: turned into the basis of
    A's eigenvectors, which are orthonormal, they would be the same. D starts normal.
    """

    def __init__(self, width: int, spectrum: Spectrum, init: InitName = "uniform") -> None:
        super().__init__()
        count = len(spectrum.scale)
        scale = spectrum.scale.to(torch.get_default_dtype()).repeat(2)
        self.norm = norm("layer", width)
        self.enter = nn.Parameter(torch.randn(width, 2 * count) * scale / math.sqrt(2 * width))
        self.leave = nn.Parameter(torch.randn(2 * count, width) / math.sqrt(count))
        self.skip = nn.Parameter(torch.randn(width))
        self.mix = initialise(nn.Linear(width, 2 * width), init)

    def forward(
        self,
        x: Float[Tensor, "B T W"],
        system: tuple[Float[Tensor, "Q"], Float[Tensor, "Q"]],
        before: Float[Tensor, "B Q"],
        segment: Int[Tensor, "B T"],
    ) -> tuple[Float[Tensor, "B T W"], Float[Tensor, "B T Q"]]:
        """The layer's output, in the precision of x, and its states.

        Args:
            x: the layer's input.
            system: its A and B.
            before: the state before the first step.
            segment: the number of the segment that each step belongs to; where one begins, A is zero.
        """
        u = self.norm(x)
        with torch.autocast(x.device.type, enabled=False):
            u = u.to(self.enter.dtype)
            states = linear_scan(*system, u @ self.enter, before, segment)
            y = torch.addcmul(states @ self.leave, u, self.skip)
        return x + nn.functional.glu(self.mix(nn.functional.gelu(y)), -1), states
