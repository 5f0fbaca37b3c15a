"""The first layer at every prefix of outcomes, from one small table.

Queries, keys and values of the first layer are functions of (token, position) alone, M = 4N - 3 distinct entries. With
E[q, e] = exp(score), the attention's numerator at a node is the sum over its ancestors e of E[q, e] value[e]: a product
of that small table with the constant one-hot matrix of prefixes. Two small matrix products and an outer sum per level
do the whole layer.

Numbering of prefixes as in `repro.ansatz.full_tree`.

Tensor suffixes: M table entries, A newest outcome (4), l and h the older and the newer of its ancestors' outcomes, c a
chunk of h, x nodes of a chunk, V all nodes, F features, D width, K outcomes, H heads, E width of one head.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import torch
from torch.nn import functional as F

from repro.ansatz.transformer import OUTCOMES, START, Layer, Transformer

# Exponents stay within this fraction of the logarithm of the largest number: 81 in float32.
EXPONENT_RANGE = 0.92
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


class FirstLayerTable:
    """Queries, keys and values of the first layer for its M = 4N - 3 possible (token, position) entries.

    Entry 0 is the start token; entry 1 + 4 (j - 1) + b is outcome b at position j.
    """

    def __init__(self, transformer: Transformer) -> None:
        self.n_levels = transformer.config.n_sites
        self.layer = transformer.stack()[0]
        start_1D = transformer.embedding.weight[START] + transformer.positions_ND[:1]
        later_MD = (
            transformer.positions_ND[1 : self.n_levels, None] + transformer.embedding.weight[:OUTCOMES]
        ).flatten(0, 1)
        self.x_MD = torch.cat([start_1D, later_MD])
        q_MD, k_MD, v_MD = self.layer.project(self.x_MD)
        q_HME, k_HME, self.value_HME = (self.layer.split_heads(y) for y in (q_MD, k_MD, v_MD))
        self.score_HMM = q_HME @ k_HME.transpose(-1, -2) / math.sqrt(q_HME.shape[-1])

    def sizes(self) -> list[int]:
        """Entries of each level: the start token, then four per position."""
        return [1] + [OUTCOMES] * (self.n_levels - 1)

    @property
    def sizes_N(self) -> torch.Tensor:
        """The same as a tensor."""
        return torch.tensor(self.sizes(), device=self.x_MD.device)

    def attention_weights(self) -> torch.Tensor:
        """exp(score - reference) of every query on every key, (H, M, M); keys that it cannot see mean nothing.

        A row's reference lies half-way between a lower and an upper bound of any prefix's largest score, so that
        neither overflow nor a vanishing denominator can occur while the bounds are less than 160 apart in float32.
        Sharper attention, as long evolutions can learn, is weighed in float64, as are all sums of it over ancestors.
        Beyond 1300 the row is NaN: loud.
        """
        with torch.no_grad():
            low_HM, high_HM = self._bounds()
            apart = float((high_HM - low_HM).max())
        score_HMM = self.score_HMM if apart <= 2 * _largest_exponent(low_HM.dtype) else self.score_HMM.double()
        limit = _largest_exponent(score_HMM.dtype)
        reference_HM = ((low_HM + high_HM) / 2).masked_fill(high_HM - low_HM > 2 * limit, math.nan)
        # keys that a node cannot see must not overflow either: 0 x inf would spoil gradients
        return torch.exp((score_HMM - reference_HM[..., None]).clamp_max(limit))

    def _bounds(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Of the largest score that any prefix has in a row, from below and from above, (H, M) each."""
        always_HM = torch.maximum(self.score_HMM[..., 0], self.score_HMM.diagonal(0, -2, -1))
        if self.n_levels == 1:
            return always_HM, always_HM
        level_M = torch.arange(self.n_levels, device=always_HM.device).repeat_interleave(self.sizes_N)
        hidden_MM = (level_M[:, None] <= level_M)[:, 1:]
        past_HMM = self.score_HMM[..., 1:].masked_fill(hidden_MM, -math.inf).unflatten(-1, (-1, OUTCOMES))
        low_HM = torch.maximum(always_HM, past_HMM.amin(-1).amax(-1))
        return low_HM, torch.maximum(always_HM, past_HMM.amax((-2, -1)))

    def weighted_values(self, value_HMF: torch.Tensor, itself_MF: torch.Tensor) -> list[torch.Tensor]:
        """The table whose sums over a node's ancestors are attention's numerators and denominator.

        Args:
            value_HMF: values of the entries per head.
            itself_MF: what a node of entry m adds to the softmax-weighted values, whatever its ancestors.

        Returns:
            One (H, F + 1, A, M) tensor per level, the denominator last among the features, column 0 for what all
            nodes of one newest outcome share.
        """
        # softmax weights sum to one, so what a node adds by itself can ride on the values of its first head
        own_HMF = torch.cat([itself_MF[None], itself_MF.new_zeros(len(value_HMF) - 1, *itself_MF.shape)])
        values_HMMF = value_HMF[:, None] + own_HMF[:, :, None]
        weight_HMM1 = self.attention_weights()[..., None]
        terms_HFMM = torch.cat([values_HMMF * weight_HMM1, weight_HMM1], dim=-1).permute(0, 3, 1, 2)
        # column 0 meets the one-hot matrix's row of ones: the start token and the node itself (the start token's own
        # node counts it twice, in numerator and denominator alike)
        fixed_HFM1 = (terms_HFMM[..., 0] + terms_HFMM.diagonal(0, -2, -1))[..., None]
        table_HFMM = torch.cat([fixed_HFM1, terms_HFMM[..., 1:]], dim=-1)
        return list(table_HFMM.split(self.sizes(), dim=2))


def _largest_exponent(dtype: torch.dtype) -> float:
    return EXPONENT_RANGE * math.log(torch.finfo(dtype).max)


def after_attention(transformer: Transformer, layer: Layer) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Without normalisation the last layer is linear from its residual sum x to activation and to logits.

    Returns:
        project_FD, offset_F: features = project x + offset, the activation's inputs and then the direct logits;
        inner_KF: logits = direct + inner gelu(inputs).
    """
    readout = transformer.readout
    project_FD = torch.cat([layer.expand.weight, readout.weight])
    offset_F = torch.cat([layer.expand.bias, readout.bias + readout.weight @ layer.contract.bias])
    return project_FD, offset_F, readout.weight @ layer.contract.weight


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


def mixed_values(sums_HFx: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """From numerators and, last, a denominator: weighted values and 1/denominator per head; values over all heads."""
    part_HFx = sums_HFx[:, :-1] / sums_HFx[:, -1:]
    inverse_H1x = sums_HFx[:, -1:].reciprocal()
    return part_HFx, inverse_H1x, part_HFx.sum(0) if len(part_HFx) > 1 else part_HFx[0]


def _value_images(table: FirstLayerTable, project_FD: torch.Tensor | None = None) -> torch.Tensor:
    """Values of the table through the attention's output projection (and another one), per head, (H, M, F)."""
    out_HED = table.layer.out.weight.T.unflatten(0, (table.layer.heads, -1))
    return table.value_HME @ (out_HED if project_FD is None else out_HED @ project_FD.T)


def one_layer_tables(transformer: Transformer) -> tuple[list[torch.Tensor], torch.Tensor]:
    """One layer without normalisation: the tables of every level, see `FirstLayerTable.weighted_values`.

    Tables may be in float64 where the network is in float32 (`FirstLayerTable.attention_weights`).

    Values are projected to the activation's inputs and the logits once in the table: 16 + 4 features per node
    instead of the full width.

    Returns:
        tables (H, F + 1, A, M) by level; inner_KF as in `after_attention`.
    """
    table = FirstLayerTable(transformer)
    project_FD, offset_F, inner_KF = after_attention(transformer, table.layer)
    itself_MF = (table.x_MD + table.layer.out.bias) @ project_FD.T + offset_F
    if transformer.position_bias_NK is not None:
        bias_MK = transformer.position_bias_NK.repeat_interleave(table.sizes_N, dim=0, output_size=len(itself_MF))
        itself_MF = itself_MF + F.pad(bias_MK, (itself_MF.shape[1] - OUTCOMES, 0))
    tables = table.weighted_values(_value_images(table, project_FD), itself_MF)
    return tables, inner_KF.to(tables[0].dtype)


def first_layer_tables(transformer: Transformer) -> list[torch.Tensor]:
    """Tables (H, D + 1, A, M) by level whose sums are the residual sum after the first layer's attention."""
    table = FirstLayerTable(transformer)
    return table.weighted_values(_value_images(table), table.x_MD + table.layer.out.bias)


def one_layer_logits(transformer: Transformer) -> list[torch.Tensor]:
    """Logits (4, 4^k) of every level for one layer without normalisation."""
    levels, inner_KF = one_layer_tables(transformer)
    logits = (_NodeLogits.apply(*_ancestor_sums(part, level), inner_KF) for level, part in enumerate(levels))
    return [each.to(transformer.readout.weight.dtype) for each in logits]


def first_layer_output(transformer: Transformer) -> torch.Tensor:
    """Output of the first layer at all nodes, level after level, (V, D)."""
    levels = first_layer_tables(transformer)
    mixed = [_mixed(*_ancestor_sums(table_HFAM, level))[2].flatten(1) for level, table_HFAM in enumerate(levels)]
    mixed_DV = torch.cat(mixed, dim=1).to(transformer.readout.weight.dtype)
    return transformer.stack()[0].feed_forward(mixed_DV.T.contiguous())
