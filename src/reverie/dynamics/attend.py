"""Queries meet keys: how the values of the past are mixed. In the memory's precision, under autocast too."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from reverie.dynamics.positions import Offsets, Positions


class Pair(NamedTuple):
    """Keys and values of a layer, "B M H V"."""

    keys: Tensor
    values: Tensor


class Seen(NamedTuple):
    """For J queries and M keys: whether they see them, and how many tokens lie between."""

    allowed: Bool[Tensor, "B J M"]
    distance: Int[Tensor, "#B J M"]


def attend(query: Float[Tensor, "B J H V"], pair: Pair, seen: Seen, positions: Positions, layer: int) -> Tensor:
    """The values as the queries mix them, "B J H V"."""
    query, keys, values = (x.transpose(1, 2) for x in (query, *pair))
    allowed = seen.allowed.unsqueeze(1)
    with torch.autocast(query.device.type, enabled=False):
        if positions.plain:
            return scaled_dot_product_attention(query, keys, values, attn_mask=allowed).transpose(1, 2)
        query = query * query.shape[-1] ** -0.5
        scores = query @ keys.transpose(-1, -2) + positions.score(layer, query, seen.distance)
        share = scores.masked_fill(~allowed, -torch.inf).softmax(-1)
        return (share @ values + positions.value(layer, share, seen.distance)).transpose(1, 2)


class _Slide(torch.autograd.Function):
    """One query sees a window, and the window slides on: `attend` for J = 1, and its gradient by hand.

        s_m = q (k_m + a_m) / sqrt(V) + c_m,  p = softmax(s),  o = sum_m p_m (v_m + b_m)
        dp_m = g (v_m + b_m),  ds = p (dp - sum_m p_m dp_m),  dq = sum_m ds_m (k_m + a_m) / sqrt(V)
        dk_m = ds_m q / sqrt(V),  dv_m = p_m g,  and a, c, b have the sums of dk, ds, dv over the rows

    torch's fused attention is made for many queries: here its gradient takes several times as long as these few steps.
    """

    @staticmethod
    def forward(ctx: Any, *given: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        query, key, value, old_keys, old_values, allowed, a, c, b = given
        assert query is not None and key is not None and value is not None and allowed is not None
        keys, values = torch.cat([old_keys, key], 1), torch.cat([old_values, value], 1)  # type: ignore[list-item]
        asked, told = keys if a is None else keys + a, values if b is None else values + b
        ctx.scale = query.shape[-1] ** -0.5
        scores = (asked * query).sum(-1).mul_(ctx.scale)
        if c is not None:
            scores += c
        share = scores.masked_fill_(~allowed, -torch.inf).softmax(1)
        ctx.save_for_backward(query, asked, told, share)
        ctx.shapes = [None if x is None else x.shape for x in (a, c, b)]
        mixed = (told * share.unsqueeze(-1)).sum(1, keepdim=True)
        return mixed, keys[:, 1:], values[:, 1:]

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        query, asked, told, share = ctx.saved_tensors
        mixed, later_keys, later_values = gradients
        by_share = (told * mixed).sum(-1)
        by_score = (by_share - (by_share * share).sum(1, keepdim=True)).mul_(share)
        scaled = (by_score * ctx.scale).unsqueeze(-1)
        by_keys, by_values = scaled * query, share.unsqueeze(-1) * mixed
        offsets = [
            x.sum_to_size(shape) if shape is not None and needed else None
            for x, shape, needed in zip(
                (by_keys, by_score, by_values), ctx.shapes, ctx.needs_input_grad[6:], strict=True
            )
        ]
        # what later steps owe to the tokens that slid on
        by_keys[:, 1:] += later_keys
        by_values[:, 1:] += later_values
        past = (by_keys[:, :-1], by_values[:, :-1]) if ctx.needs_input_grad[3] else (None, None)
        return (scaled * asked).sum(1, keepdim=True), by_keys[:, -1:], by_values[:, -1:], *past, None, *offsets


def slide(
    query: Float[Tensor, "B 1 H V"], new: Pair, old: Pair, seen: Seen, offsets: Offsets
) -> tuple[Float[Tensor, "B 1 H V"], Pair]:
    """The values as one query mixes those of the window and its own, and the window without its oldest token."""
    given = (query, *new, *old, seen.allowed.transpose(1, 2), *offsets)
    mixed, keys, values = _Slide.apply(*given)  # type: ignore[misc]
    return mixed, Pair(keys, values)
