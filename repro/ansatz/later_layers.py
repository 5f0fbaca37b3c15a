"""The later layers of a network on a tree of prefixes (`repro.ansatz.node_blocks`).

Tensor suffixes: V all nodes, b blocks of a chunk, n nodes of a block, D width, F features of a value, U inner width,
Y features of a joint product, K outcomes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional as F

from repro.ansatz.first_layer_table import after_attention
from repro.ansatz.node_blocks import Blocks, put_together, taken_apart
from repro.ansatz.transformer import OUTCOMES, Transformer
from repro.ansatz.tree_attention import attend, gradients, weights


class _LastLayer(torch.autograd.Function):
    """Logits (V, K) from the input of a last layer with one head, without normalisation.

    Keys are the inputs themselves; `joint_DY` makes queries, values and what a node adds to the values by itself. One
    chunk of nodes goes through all of the layer while it is in a processor's cache.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x_VD: torch.Tensor,
        joint_DY: torch.Tensor,
        offset_Y: torch.Tensor,
        inner_KU: torch.Tensor,
        blocks: Sequence[Blocks],
    ) -> torch.Tensor:
        D, U = x_VD.shape[1], inner_KU.shape[1]
        (ctx.hollow, tables), kept = taken_apart(blocks), list[torch.Tensor]()
        # keys and values of nodes that blocks below may see: all but the last blocks'
        above_VY = x_VD.new_empty(blocks[-1].start, D + U + OUTCOMES)
        logits_VK = x_VD.new_empty(len(x_VD), OUTCOMES)
        for group in blocks:
            for chunk in group.chunks():
                x = group.of(x_VD)[chunk].contiguous()
                joint = (x @ joint_DY).add_(offset_Y)
                q, own_v, itself = joint.split((D, U + OUTCOMES, U + OUTCOMES), -1)
                seen = _seen(group, above_VY, x, own_v, chunk)
                weight = weights(q, seen[0], x if group.apart else None, group.mask_nt)
                mixed = torch.baddbmm(itself, weight, seen[1])
                if group.apart:
                    mixed.addcmul_(weight[..., -1:], own_v)
                inputs = mixed[..., :U].contiguous()  # the activation is ten times slower on a strided tensor
                group.of(logits_VK)[chunk] = mixed[..., U:] + F.gelu(inputs) @ inner_KU.T
                if group.start < len(above_VY):
                    group.of(above_VY)[chunk] = torch.cat([x, own_v], -1)
                kept += [x, joint, weight, inputs]
        ctx.save_for_backward(joint_DY, inner_KU, above_VY, *tables, *kept)
        return logits_VK

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        joint_DY, inner_KU, above_VY, *saved = ctx.saved_tensors
        row = iter(saved)
        blocks, kept_all = put_together(ctx.hollow, row), list(row)
        D, size = len(joint_DY), above_VY.shape[1] - len(joint_DY)
        d_x_VD, d_above_VY = above_VY.new_empty(len(grads[0]), D), torch.zeros_like(above_VY)
        d_joint_DY, d_offset_Y, d_inner_KU = torch.zeros_like(joint_DY), joint_DY.new_zeros(D + 2 * size), 0 * inner_KU
        kept = (kept_all[first : first + 4] for first in range(len(kept_all) - 4, -1, -4))
        # from the leaves up, so that a node's key and value have all of their gradient when its block is reached
        for group in reversed(blocks):
            for chunk in reversed(group.chunks()):
                x, joint, weight, inputs = next(kept)
                d_logits = group.of(grads[0])[chunk].contiguous()
                d_inner_KU += d_logits.flatten(0, 1).T @ F.gelu(inputs).flatten(0, 1)
                d_inputs = torch.ops.aten.gelu_backward(d_logits @ inner_KU, inputs)
                d_mixed = torch.cat([d_inputs, d_logits], -1)
                q, own_v, _ = joint.split((D, size, size), -1)
                seen = _seen(group, above_VY, x, own_v, chunk)
                d_q, d_seen, d_apart = gradients(d_mixed, weight, q, seen, (x, own_v) if group.apart else None)
                d_key, d_value = (group.own_gradient(*y) for y in zip(d_seen, d_apart or (None, None), strict=True))
                if group.start < len(above_VY):
                    from_below = group.of(d_above_VY)[chunk].split((D, size), -1)
                    d_key, d_value = d_key + from_below[0], d_value + from_below[1]
                if group.n_above:
                    group.add_to_ancestors(d_above_VY, torch.cat([y[:, : group.n_above] for y in d_seen], -1), chunk)
                d_joint = torch.cat([d_q, d_value, d_mixed], -1)
                d_joint_DY += x.flatten(0, 1).T @ d_joint.flatten(0, 1)
                d_offset_Y += d_joint.sum((0, 1))
                group.of(d_x_VD)[chunk] = (d_joint @ joint_DY.T).add_(d_key)
        return d_x_VD, d_joint_DY, d_offset_Y, d_inner_KU, None


def _seen(
    group: Blocks, above_VY: torch.Tensor, key_bnD: torch.Tensor, value_bnF: torch.Tensor, chunk: slice
) -> tuple[torch.Tensor, torch.Tensor]:
    """Keys and values that a chunk's blocks see."""
    own_bnY = torch.cat([y[:, : group.n_seen] for y in (key_bnD, value_bnF)], -1)
    key_btD, value_btF = group.seen(above_VY, own_bnY, chunk).split((key_bnD.shape[-1], value_bnF.shape[-1]), -1)
    return key_btD, value_btF


def _last_layer_logits(transformer: Transformer, x_VD: torch.Tensor, blocks: Sequence[Blocks]) -> torch.Tensor:
    """Logits (V, K), without the bias of positions, from the input of a last layer with one head and no normalisation.

    q . k = x_q (W_q^T W_k) x_k up to what softmax ignores, so keys are the inputs themselves; values are projected to
    the activation's inputs and the logits before they are mixed.
    """
    layer = transformer.stack()[-1]
    scale = 1 / math.sqrt(x_VD.shape[1])
    project_FD, offset_F, inner_KU = after_attention(transformer, layer)
    to_key_DD = layer.query.weight.T @ layer.key.weight
    value_DF = layer.value.weight.T @ layer.out.weight.T @ project_FD.T
    constant_F = offset_F + (layer.out.weight @ layer.value.bias + layer.out.bias) @ project_FD.T
    joint_DY = torch.cat([to_key_DD * scale, value_DF, project_FD.T], dim=1)
    # softmax ignores the keys' bias; ranks that share a point average gradients of every parameter, this one's is zero
    query_D = layer.query.bias @ layer.key.weight * scale + 0 * layer.key.bias
    offset_Y = torch.cat([query_D, torch.zeros_like(constant_F), constant_F])
    return _LastLayer.apply(x_VD, joint_DY, offset_Y, inner_KU, blocks)


def later_layers(transformer: Transformer, x_VD: torch.Tensor, blocks: Sequence[Blocks]) -> torch.Tensor:
    """Logits (V, K), without the bias of positions, from the first layer's output at all nodes of a tree."""
    config, layers = transformer.config, transformer.stack()[1:]
    folded = bool(layers) and config.norm == "none" and config.heads == 1
    for layer in layers[:-1] if folded else layers:
        x_VD = layer.finish(x_VD, attend(*layer.project(x_VD), layer.heads, blocks))
    return _last_layer_logits(transformer, x_VD, blocks) if folded else transformer.logits(x_VD)
