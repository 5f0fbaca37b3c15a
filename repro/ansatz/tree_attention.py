"""Attention on a tree of prefixes (`repro.ansatz.node_blocks`).

Blocks go through in chunks that fit a processor's cache. Attention weights are kept for the gradient, which is written
by hand: batched products of small matrices.

Tensor suffixes: V all nodes, b blocks of a chunk, n nodes of a block, t tokens seen from it, D width, F features of a
value, E width of one head.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from repro.ansatz.node_blocks import Blocks, put_together, taken_apart


def weights(
    q_bnE: torch.Tensor, k_btE: torch.Tensor, own_bnE: torch.Tensor | None, mask_nt: torch.Tensor
) -> torch.Tensor:
    """softmax(q k^T + mask), (b, n, t), queries carrying the scale; with nodes' own keys for the last token."""
    score_bnt = torch.baddbmm(mask_nt, q_bnE, k_btE.mT)
    if own_bnE is not None:
        score_bnt[..., -1] = (q_bnE * own_bnE).sum(-1)
    return torch.softmax(score_bnt, -1)


def gradients(
    d_bnF: torch.Tensor,
    weight_bnt: torch.Tensor,
    q_bnE: torch.Tensor,
    seen: tuple[torch.Tensor, torch.Tensor],
    own: tuple[torch.Tensor, torch.Tensor] | None,
) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor] | None]:
    """From the gradient of the weighted values: that of queries, of keys and values seen, and of nodes' own ones."""
    d_weight_bnt = torch.bmm(d_bnF, seen[1].mT)
    if own is not None:
        d_weight_bnt[..., -1] = (d_bnF * own[1]).sum(-1)
    d_score_bnt = torch._softmax_backward_data(d_weight_bnt, weight_bnt, -1, weight_bnt.dtype)
    d_q_bnE = torch.bmm(d_score_bnt, seen[0])
    d_seen = torch.bmm(d_score_bnt.mT, q_bnE), torch.bmm(weight_bnt.mT, d_bnF)
    if own is None:
        return d_q_bnE, d_seen, None
    d_q_bnE.addcmul_(d_score_bnt[..., -1:], own[0])
    return d_q_bnE, d_seen, (d_score_bnt[..., -1:] * q_bnE, weight_bnt[..., -1:] * d_bnF)


class _Attention(torch.autograd.Function):
    """softmax(q k^T / sqrt(E)) v of every node over its ancestors and itself, per head."""

    @staticmethod
    def forward(
        ctx: Any, q_VD: torch.Tensor, k_VD: torch.Tensor, v_VD: torch.Tensor, heads: int, blocks: Sequence[Blocks]
    ) -> torch.Tensor:
        context_VD = torch.empty_like(v_VD)
        ctx.heads, ctx.scale, kept = heads, math.sqrt(heads / q_VD.shape[1]), list[torch.Tensor]()
        ctx.hollow, tables = taken_apart(blocks)
        for group in blocks:
            for chunk in group.chunks():
                q, own_k, own_v = (_split(group.of(y)[chunk], heads) for y in (q_VD, k_VD, v_VD))
                k, v = (_split(group.seen(y, group.of(y)[chunk], chunk), heads) for y in (k_VD, v_VD))
                weight = weights(q * ctx.scale, k, own_k if group.apart else None, group.mask_nt)
                context = torch.bmm(weight, v)
                if group.apart:
                    context.addcmul_(weight[..., -1:], own_v)
                group.of(context_VD)[chunk] = _merged(context, heads)
                kept.append(weight)
        ctx.save_for_backward(q_VD, k_VD, v_VD, *tables, *kept)
        return context_VD

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        q_VD, k_VD, v_VD, *saved = ctx.saved_tensors
        d_q_VD, d_k_VD, d_v_VD = torch.empty_like(q_VD), torch.zeros_like(k_VD), torch.zeros_like(v_VD)
        kept = iter(saved)
        for group in put_together(ctx.hollow, kept):
            for chunk in group.chunks():
                d, q, *own = (_split(group.of(y)[chunk], ctx.heads) for y in (grads[0], q_VD, k_VD, v_VD))
                k, v = (_split(group.seen(y, group.of(y)[chunk], chunk), ctx.heads) for y in (k_VD, v_VD))
                own_kv = (own[0], own[1]) if group.apart else None
                d_q, d_seen, d_apart = gradients(d, next(kept), q * ctx.scale, (k, v), own_kv)
                group.of(d_q_VD)[chunk] = _merged(d_q.mul_(ctx.scale), ctx.heads)
                for each, into in enumerate((d_k_VD, d_v_VD)):
                    d_btD = _merged(d_seen[each], ctx.heads)
                    apart = _merged(d_apart[each], ctx.heads) if d_apart else None
                    group.of(into)[chunk] += group.own_gradient(d_btD, apart)
                    group.add_to_ancestors(into, d_btD, chunk)
        return d_q_VD, d_k_VD, d_v_VD, None, None


def attend(
    q_VD: torch.Tensor, k_VD: torch.Tensor, v_VD: torch.Tensor, heads: int, blocks: Sequence[Blocks]
) -> torch.Tensor:
    """softmax(q k^T / sqrt(E)) v of every node over its ancestors and itself, per head, (V, D)."""
    return _Attention.apply(q_VD, k_VD, v_VD, heads, blocks)


def _split(x_btD: torch.Tensor, heads: int) -> torch.Tensor:
    """(b, t, D) -> (b H, t, E)."""
    return x_btD if heads == 1 else x_btD.unflatten(-1, (heads, -1)).transpose(1, 2).flatten(0, 1)


def _merged(x: torch.Tensor, heads: int) -> torch.Tensor:
    """(b H, t, E) -> (b, t, D)."""
    return x if heads == 1 else x.unflatten(0, (-1, heads)).transpose(1, 2).flatten(2)
