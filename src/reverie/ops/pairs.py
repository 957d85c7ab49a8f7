"""Complex numbers as pairs of real ones: "... Q" with Q = 2 P, the P real parts and then the P imaginary ones.

torch's own are left alone by autocast and by fused optimisers, and their kernels are slower on a CPU.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def product(a: Float[Tensor, "*B Q"], b: Float[Tensor, "*B Q"]) -> Float[Tensor, "*B Q"]:
    """a b."""
    (real, imaginary), (x, y) = a.chunk(2, -1), b.chunk(2, -1)
    return torch.cat([real * x - imaginary * y, real * y + imaginary * x], -1)


def conjugate(a: Float[Tensor, "*B Q"]) -> Float[Tensor, "*B Q"]:
    """The same real parts, and imaginary ones of the other sign."""
    real, imaginary = a.chunk(2, -1)
    return torch.cat([real, -imaginary], -1)


def scaled(a: Float[Tensor, "Q"], b: Float[Tensor, "*B Q"]) -> Float[Tensor, "*B Q"]:
    """a b, for rows of b; without a gradient."""
    made = torch.zeros_like(b, memory_format=torch.contiguous_format)
    add_product_(made, a, b)
    return made


def add_product_(into: Float[Tensor, "*B Q"], a: Float[Tensor, "Q"], b: Float[Tensor, "*B Q"]) -> None:
    """into += a b, in place, in the four multiplications and additions that it takes; into and b do not overlap."""
    (real, imaginary), (x, y) = a.chunk(2, -1), b.chunk(2, -1)
    into_real, into_imaginary = into.chunk(2, -1)
    into_real.addcmul_(x, real).addcmul_(y, imaginary, value=-1)
    into_imaginary.addcmul_(y, real).addcmul_(x, imaginary)
