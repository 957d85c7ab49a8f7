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
        """Groups of parameters may have an lr, betas and an eps of their own, as in `torch.optim`.

        A group that is set capturable, as those of `torch.optim` can be, counts its updates on the weights' device, so
        that a CUDA graph can record a step.
        """
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "capturable": False})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # no loss is evaluated again
        """Move each weight that has a gradient."""
        for group in self.param_groups:
            weights = [p for p in group["params"] if p.grad is not None]
            steps = self._count(weights, on_device=group["capturable"])
            if group["capturable"]:
                self._move_unread(weights, steps, group)
                continue
            counts = torch.stack(steps).tolist() if steps else []
            for t in sorted(set(counts)):  # mostly one: a weight without a gradient falls behind
                self._move([p for p, count in zip(weights, counts, strict=True) if count == t], t, group)

    def _count(self, weights: list[Tensor], on_device: bool) -> list[Tensor]:
        """The updates of each weight, this one included."""
        for p in weights:
            if not self.state[p]:
                # elsewhere counted on the CPU, as torch's Adam does: reading it must not wait for a device
                self.state[p] = {
                    "step": torch.zeros((), device=p.device if on_device else None),
                    "square": torch.zeros_like(p),
                    "momentum": torch.zeros_like(p),
                }
        steps = [self.state[p]["step"] for p in weights]
        if steps:
            torch._foreach_add_(steps, 1)
        return steps

    def _move(self, weights: list[Tensor], t: float, group: dict[str, Any]) -> None:
        (beta1, beta2), eps = group["betas"], group["eps"]
        gradients: list[Any] = [p.grad for p in weights]
        squares, momenta = ([self.state[p][key] for p in weights] for key in ("square", "momentum"))
        # g / (sqrt(n) / root + eps) = root g / (sqrt(n) + root eps), which spares a pass over the weights; in Python's
        # doubles, because 1 - 0.999 in single precision is wrong by 6e-5
        root = (1 - beta2**t) ** 0.5
        torch._foreach_mul_(squares, beta2)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - beta2)
        sizes = torch._foreach_sqrt(squares)
        torch._foreach_add_(sizes, root * eps)
        torch._foreach_mul_(momenta, beta1)
        torch._foreach_addcdiv_(momenta, gradients, sizes, (1 - beta1) * root)
        torch._foreach_add_(weights, momenta, alpha=-group["lr"] / (1 - beta1**t))

    def _move_unread(self, weights: list[Tensor], steps: list[Tensor], group: dict[str, Any]) -> None:
        """The same where no count is read: what depends on it is computed where the weights are."""
        if not weights:
            return
        (beta1, beta2), eps = group["betas"], group["eps"]
        gradients: list[Any] = [p.grad for p in weights]
        squares, momenta = ([self.state[p][key] for p in weights] for key in ("square", "momentum"))
        t = torch.stack(steps).double()
        root, rate = (1 - beta2**t).sqrt(), group["lr"] / (1 - beta1**t)
        torch._foreach_mul_(squares, beta2)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - beta2)
        sizes = torch._foreach_sqrt(squares)
        torch._foreach_add_(sizes, _each(root * eps))
        torch._foreach_div_(sizes, _each((1 - beta1) * root))
        torch._foreach_mul_(momenta, beta1)
        torch._foreach_addcdiv_(momenta, gradients, sizes)
        torch._foreach_sub_(weights, torch._foreach_mul(momenta, _each(rate)))


def _each(values: Tensor) -> list[Tensor]:
    return list(values.float().unbind())
