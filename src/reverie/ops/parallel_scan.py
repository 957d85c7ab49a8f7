"""A linear recursion over time, all steps at once: x_t = a_t x_{t-1} + b u_t, on complex numbers as real pairs.

a_t is the same number at every step, or zero where a new segment begins: nothing of before enters there.
"""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from reverie.ops import pairs


def _same(x: Tensor, segment: Tensor, there: slice, here: slice) -> Tensor:
    """x at some steps there, zero where a segment begins between there and here: the zero in a product of a's.

    Chosen, not multiplied: not even infinity passes.
    """
    return torch.where((segment[:, there] == segment[:, here]).unsqueeze(-1), x[:, there], 0)


def _sweep_(x: Tensor, a: Tensor, segment: Tensor, *, backwards: bool = False) -> None:
    """x_t += a_t x_{t-1} for t = 1, 2, .., in place and in parallel; x is "B T Q" (Brent and Kung 1982).

        on the way up,   for s = 1, 2, 4, ..:   x_t += a^s x_{t-s}   at t = 2s - 1, 4s - 1, 6s - 1, ..
        on the way down, for s = .., 4, 2, 1:   x_t += a^s x_{t-s}   at t = 3s - 1, 5s - 1, 7s - 1, ..

    Going up, x_t and x_{t-s} are sums over s steps each, and become one over 2s; going down, x_{t-s} is whole and x_t
    lacks all but its last s steps. For T = 2^m these are T - 1 and T - 1 - m multiplications and additions for each row
    and number, in 2m - 1 rounds, where a walk has T - 1 in T - 1 rounds, and doubling (x_t += a^s x_{t-s} at every t)
    has mT - T + 1 in m. Backwards, steps are counted from the last.
    """
    steps, powers = x.shape[1], [a]
    rounds = range(steps.bit_length() - 1)  # s = 2^n, as long as two of them fit
    for _ in rounds[1:]:
        powers.append(pairs.product(powers[-1], powers[-1]))
    for begin, n in [(2 * 2**n - 1, n) for n in rounds] + [(3 * 2**n - 1, n) for n in reversed(rounds)]:
        if begin < steps:
            far, step = 2**n, 2 * 2**n
            whole = (steps - 1 - begin) // step * step
            start, far = (steps - 1 - begin - whole, far) if backwards else (begin, -far)
            here, there = (slice(at, at + whole + 1, step) for at in (start, start + far))
            pairs.add_product_(x[:, here], powers[n], _same(x, segment, there, here))


class _Scan(torch.autograd.Function):
    """The recursion and its gradient, which is the same recursion backwards in time. With g_t the gradient of x_t:

        g_t <- g_t + conj(a_{t+1}) g_{t+1}
        da = sum_t conj(x_{t-1}) g_t,  db = sum_t conj(u_t) g_t,  du_t = conj(b) g_t,  dx_{-1} = conj(a_0) g_0

    da leaves out the steps at which a segment begins. Kept for it are u and x, and nothing of the rounds between.
    """

    @staticmethod
    def forward(ctx: Any, *given: Tensor) -> Tensor:
        a, b, u, before, segment = given
        x = pairs.scaled(b, u)
        pairs.add_product_(x[:, 0], a, before)
        _sweep_(x, a, segment)
        ctx.save_for_backward(a, b, u, before, segment, x)
        return x

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        a, b, u, before, segment, x = ctx.saved_tensors
        back = pairs.conjugate(a)
        g = gradients[0].clone(memory_format=torch.contiguous_format)
        _sweep_(g, back, segment, backwards=True)
        by_a = by_b = by_u = by_before = None
        if ctx.needs_input_grad[0]:
            past = _same(x, segment, slice(0, -1), slice(1, None))
            by_a = pairs.product(pairs.conjugate(torch.cat([before.unsqueeze(1), past], 1)), g).sum((0, 1))
        if ctx.needs_input_grad[1]:
            by_b = pairs.product(pairs.conjugate(u), g).sum((0, 1))
        if ctx.needs_input_grad[2]:
            by_u = pairs.scaled(pairs.conjugate(b), g)
        if ctx.needs_input_grad[3]:
            by_before = pairs.scaled(back, g[:, 0])
        return by_a, by_b, by_u, by_before, None


def linear_scan(
    a: Float[Tensor, "Q"],
    b: Float[Tensor, "Q"],
    u: Float[Tensor, "B T Q"],
    before: Float[Tensor, "B Q"],
    segment: Int[Tensor, "B T"],
) -> Float[Tensor, "B T Q"]:
    """x_t = a_t x_{t-1} + b u_t for t = 0 .. T-1, with x_{-1} = before; a_t is a, or 0 where a segment begins.

    Args:
        a: P complex numbers as Q = 2 P real ones, as all below.
        b: by what the inputs are multiplied.
        u: what enters at each step.
        before: x before the first step. It enters always: who wants a segment to begin at the first step gives zeros.
        segment: the number of the segment that each step belongs to; another than the step's before begins one.

    For each row and number, and T = 2^m steps, 2T - 1 - m complex multiplications and additions beside the T of b u:
    `_sweep_`'s, and that of x_{-1}. A walk needs T. The gradient costs these again, and T more for each of a and b. It
    cannot be differentiated once more.
    """
    return _Scan.apply(a, b, u, before, segment)  # type: ignore[return-value]
