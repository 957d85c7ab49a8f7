"""LaProp (Ziyin et al. 2020): Adam with the momentum taken after the division, not before it."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor


class LaProp(torch.optim.Optimizer):
    """theta <- theta - lr * m / (1 - beta1^t), with t counted from 1 and

        n <- beta2 n + (1 - beta2) g^2
        m <- beta1 m + (1 - beta1) g / (sqrt(n / (1 - beta2^t)) + eps)

    (Algorithm 1 of the paper.) An old gradient is divided by the size that gradients had then, so that momentum and
    division cannot fall out of step, and eps may be as small as 1e-20 in float32 (DreamerV3). `torch.optim` has no
    LaProp: its nearest are Adam and NAdam, which divide the momentum. The state of each weight is tensors alone:
    `step`, `square` (n) and `momentum` (m).
    """

    def __init__(
        self, params: Iterable[Any], lr: float, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-20
    ) -> None:
        """Groups of parameters may have an lr, betas and an eps of their own, as in `torch.optim`."""
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # no loss is evaluated again
        """Move each weight that has a gradient."""
        for group in self.param_groups:
            weights = [p for p in group["params"] if p.grad is not None]
            if weights:
                self._move(weights, group["lr"], group["betas"], group["eps"])

    def _move(self, weights: list[Tensor], lr: float, betas: tuple[float, float], eps: float) -> None:
        for p in weights:
            if not self.state[p]:
                # counted on the CPU, as torch's Adam does: reading it must not wait for a device
                self.state[p] = {
                    "step": torch.zeros(()),
                    "square": torch.zeros_like(p),
                    "momentum": torch.zeros_like(p),
                }
        steps, squares, momenta = ([self.state[p][key] for p in weights] for key in ("step", "square", "momentum"))
        gradients: list[Any] = [p.grad for p in weights]
        torch._foreach_add_(steps, 1)
        # Python's doubles: 1 - 0.999 in single precision is wrong by 6e-5
        counts = torch.stack(steps).tolist()
        roots = {t: (1 - betas[1] ** t) ** 0.5 for t in set(counts)}
        rates = {t: -lr / (1 - betas[0] ** t) for t in set(counts)}

        torch._foreach_mul_(squares, betas[1])
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - betas[1])
        sizes = torch._foreach_sqrt(squares)
        torch._foreach_div_(sizes, [roots[t] for t in counts])
        torch._foreach_add_(sizes, eps)
        torch._foreach_mul_(momenta, betas[0])
        torch._foreach_addcdiv_(momenta, gradients, sizes, 1 - betas[0])
        torch._foreach_add_(weights, torch._foreach_mul(momenta, [rates[t] for t in counts]))
