"""The first layer at every prefix of outcomes, from one small table (`repro.ansatz.first_layer_table`).

The sum over a node's ancestors is a product of that table with the constant one-hot matrix of prefixes. Two small
matrix products and an outer sum per level do the whole layer.

Numbering of prefixes as in `repro.ansatz.full_tree`.

Tensor suffixes: M table entries, A newest outcome (4), l and h the older and the newer of its ancestors' outcomes, c a
chunk of h, x nodes of a chunk, V all nodes, F features, D width, K outcomes, H heads.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch.nn import functional as F

from repro.ansatz.first_layer_output import N_WEIGHTS, by_chunk, gradients_of_sums, output_of_sums, parameters
from repro.ansatz.first_layer_table import first_layer_tables, mixed_values, one_layer_tables
from repro.ansatz.transformer import OUTCOMES, Transformer

# 21 features x 4 outcomes x 2048 parents in float32 are 0.7 MB, about a processor's second-level cache.
CHUNK_PARENTS = 2048
# A GPU wants work enough for all its processors instead.
GPU_CHUNKS = 64
# Sums over ancestors are outer sums of those over the oldest four outcomes and over the rest.
OLDER_DIGITS = 4


def digits(n_digits: int, device: torch.device | None = None) -> torch.Tensor:
    """All prefixes of n_digits outcomes in index order, shape (4^n, n), oldest outcome first."""
    index = torch.arange(OUTCOMES**n_digits, device=device)
    return index[:, None] // OUTCOMES ** torch.arange(n_digits, device=device) % OUTCOMES


@lru_cache(maxsize=64)
def _one_hot(n_digits: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Constant matrix (1 + 4n, 4^n): a row of ones (the start token), then outcome b at digit j in row 1 + 4j + b."""
    hot = F.one_hot(digits(n_digits, device), OUTCOMES).flatten(1).T.to(dtype)
    return torch.cat([torch.ones(1, hot.shape[1], dtype=dtype, device=device), hot]).contiguous()


def _ancestor_sums(table_HFAM: torch.Tensor, level: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A level's sums over older (l) and newer (h) ancestors: a node's own sum is older[..., l] + newer[..., h]."""
    n_digits = max(level - 1, 0)
    n_older = min(n_digits, OLDER_DIGITS)
    start = 1 + OUTCOMES * n_older
    hot = [_one_hot(n, table_HFAM.dtype, table_HFAM.device) for n in (n_older, n_digits - n_older)]
    older_HFAl = table_HFAM[..., :start] @ hot[0]
    newer_HFAh = table_HFAM[..., start : 1 + OUTCOMES * n_digits] @ hot[1][1:]
    return older_HFAl, newer_HFAh


class _NodeLogits(torch.autograd.Function):
    """Logits of a level's nodes from its sums over ancestors: division, activation, readout.

    Nothing per node is kept for the gradient, and nodes go through in chunks that fit a processor's cache: evaluated
    twice, that is faster than moving every intermediate through memory once.
    """

    @staticmethod
    def forward(ctx: Any, older_HFAl: torch.Tensor, newer_HFAh: torch.Tensor, inner_KF: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(older_HFAl, newer_HFAh, inner_KF)
        A, h, n_older = older_HFAl.shape[2], newer_HFAh.shape[-1], older_HFAl.shape[-1]
        logits_KAhl = older_HFAl.new_empty(OUTCOMES, A, h, n_older)
        for chunk in _chunks(h, n_older, older_HFAl.device):
            _, _, mixed_FAcl = _mixed(older_HFAl, newer_HFAh[..., chunk])
            activated_Fx = F.gelu(mixed_FAcl[:-OUTCOMES].flatten(1))
            logits_Kx = torch.addmm(mixed_FAcl[-OUTCOMES:].flatten(1), inner_KF, activated_Fx)
            logits_KAhl[:, :, chunk] = logits_Kx.view(OUTCOMES, A, -1, n_older)
        return logits_KAhl.flatten(1)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, ...]:
        older_HFAl, newer_HFAh, inner_KF = ctx.saved_tensors
        d_older_HFAl, d_newer_HFAh = torch.zeros_like(older_HFAl), torch.empty_like(newer_HFAh)
        d_inner_KF = torch.zeros_like(inner_KF)
        shape_Ahl = (older_HFAl.shape[2], newer_HFAh.shape[-1], older_HFAl.shape[-1])
        d_logits_KAhl = grads[0].unflatten(1, shape_Ahl)
        for chunk in _chunks(*shape_Ahl[1:], older_HFAl.device):
            part_HFAcl, inverse_H1Acl, mixed_FAcl = _mixed(older_HFAl, newer_HFAh[..., chunk])
            inputs_Fx = mixed_FAcl[:-OUTCOMES].flatten(1)
            d_logits_Kx = d_logits_KAhl[:, :, chunk].flatten(1)
            d_inner_KF += d_logits_Kx @ F.gelu(inputs_Fx).T
            d_inputs_Fx = torch.ops.aten.gelu_backward(inner_KF.T @ d_logits_Kx, inputs_Fx)
            d_mixed_FAcl = torch.cat([d_inputs_Fx, d_logits_Kx]).view_as(mixed_FAcl)
            d_denominator_H1Acl = (d_mixed_FAcl * part_HFAcl).sum(1, keepdim=True).neg_()
            d_sums_HFAcl = torch.cat([d_mixed_FAcl.expand_as(part_HFAcl), d_denominator_H1Acl], 1).mul_(inverse_H1Acl)
            d_older_HFAl += d_sums_HFAcl.sum(-2)
            d_newer_HFAh[..., chunk] = d_sums_HFAcl.sum(-1)
        return d_older_HFAl, d_newer_HFAh, d_inner_KF


def _chunks(n_newer: int, n_older: int, device: torch.device) -> list[slice]:
    size = max(1, CHUNK_PARENTS * (GPU_CHUNKS if device.type == "cuda" else 1) // n_older)
    return [slice(start, start + size) for start in range(0, n_newer, size)]


def _mixed(older_HFAl: torch.Tensor, newer_HFAc: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """`mixed_values` of a chunk of nodes."""
    return mixed_values(older_HFAl[..., None, :] + newer_HFAc[..., None])


def one_layer_logits(transformer: Transformer) -> list[torch.Tensor]:
    """Logits (4, 4^k) of every level for one layer without normalisation."""
    levels, inner_KF = one_layer_tables(transformer)
    logits = (_NodeLogits.apply(*_ancestor_sums(part, level), inner_KF) for level, part in enumerate(levels))
    return [each.to(transformer.readout.weight.dtype) for each in logits]


class _LevelOutput(torch.autograd.Function):
    """The first layer's output (X, D) at a level's nodes from its sums over ancestors, features last."""

    @staticmethod
    def forward(
        ctx: Any, older_HAlF: torch.Tensor, newer_HAhF: torch.Tensor, *feed_forward: torch.Tensor
    ) -> torch.Tensor:
        (A, n_older, n_features), n_newer = older_HAlF.shape[1:], newer_HAhF.shape[2]
        output_AhlD = feed_forward[0].new_empty(A, n_newer, n_older, n_features - 1)
        saved: list[torch.Tensor] = []
        for chunk in _chunks(n_newer, n_older, older_HAlF.device):
            sums_HAclF = older_HAlF[:, :, None] + newer_HAhF[:, :, chunk, None]
            output_xD, kept = output_of_sums(sums_HAclF.flatten(1, 3), feed_forward)
            output_AhlD[:, chunk] = output_xD.view(A, -1, n_older, n_features - 1)
            saved += kept
        ctx.save_for_backward(older_HAlF, newer_HAhF, *feed_forward, *saved)
        return output_AhlD.flatten(0, 2)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, ...]:
        older_HAlF, newer_HAhF, *saved = ctx.saved_tensors
        feed_forward, of_chunks = saved[:N_WEIGHTS], by_chunk(saved[N_WEIGHTS:])
        d_older_HAlF, d_newer_HAhF = torch.zeros_like(older_HAlF), torch.empty_like(newer_HAhF)
        d_feed_forward = [torch.zeros_like(y) for y in feed_forward]
        (A, n_older), n_newer = older_HAlF.shape[1:3], newer_HAhF.shape[2]
        d_output_AhlD = grads[0].unflatten(0, (A, n_newer, n_older))
        for chunk, kept in zip(_chunks(n_newer, n_older, older_HAlF.device), of_chunks, strict=True):
            d_output_xD = d_output_AhlD[:, chunk].flatten(0, 2)
            d_sums_HxF = gradients_of_sums(d_output_xD, kept, feed_forward, d_feed_forward)
            d_sums_HAclF = d_sums_HxF.unflatten(1, (A, -1, n_older))
            d_older_HAlF += d_sums_HAclF.sum(2)
            d_newer_HAhF[:, :, chunk] = d_sums_HAclF.sum(3)
        return d_older_HAlF, d_newer_HAhF, *d_feed_forward


def first_layer_output(transformer: Transformer) -> torch.Tensor:
    """Output of the first layer at all nodes, level after level, (V, D)."""
    layer = transformer.stack()[0]
    sums = [_ancestor_sums(table_HFAM, level) for level, table_HFAM in enumerate(first_layer_tables(transformer))]
    if transformer.config.norm == "none":
        last = [[y.permute(0, 2, 3, 1).contiguous() for y in pair] for pair in sums]
        return torch.cat([_LevelOutput.apply(*pair, *parameters(layer)) for pair in last])
    mixed_DV = torch.cat([_mixed(*pair)[2].flatten(1) for pair in sums], dim=1).to(layer.expand.weight.dtype)
    return layer.feed_forward(mixed_DV.T.contiguous())
