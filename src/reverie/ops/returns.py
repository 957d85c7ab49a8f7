"""Returns over a dreamed or a real horizon."""

import torch
from jaxtyping import Float
from torch import Tensor


def lambda_return(
    reward: Float[Tensor, "*N H"],
    discount: Float[Tensor, "*N H"],
    value: Float[Tensor, "*N H"],
    lambda_: float,
) -> Float[Tensor, "*N H"]:
    """The lambda-return of each step (Sutton & Barto 2018, 12.18; Dreamer, eq. 6).

    All three are indexed by arrival: column i of reward, discount and value belongs to arriving at i+1, so that

        G_i = reward_{i+1} + discount_{i+1} [(1 - lambda) value_{i+1} + lambda G_{i+1}],   i = 0 .. H-1
        G_{H-1} = reward_H + discount_H value_H

    Args:
        reward: r_1 .. r_H.
        discount: gamma times the chance to go on after arriving, for steps 1 .. H.
        value: the bootstrap v_1 .. v_H.
        lambda_: 0 is the one-step return, 1 the discounted sum with v_H at its end.
    """
    inputs = reward + discount * value * (1 - lambda_)
    now = value[..., -1]
    returns = []
    for step in range(reward.shape[-1] - 1, -1, -1):
        now = inputs[..., step] + lambda_ * discount[..., step] * now
        returns.append(now)
    return torch.stack(returns[::-1], dim=-1)


def reach(discount: Float[Tensor, "*N H"]) -> Float[Tensor, "*N H"]:
    """The weight of each choice: the chance, discounted, that the dream gets there: 1, d_1, d_1 d_2, ...

    Column i of discount belongs to arriving at i+1, as in lambda_return.
    """
    ahead = torch.cumprod(discount[..., :-1], dim=-1)
    return torch.cat([torch.ones_like(discount[..., :1]), ahead], dim=-1)
