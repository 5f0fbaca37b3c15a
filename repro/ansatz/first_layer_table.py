"""Queries, keys and values of the first layer: functions of (token, position) alone, M = 4N - 3 distinct entries.

With E[q, e] = exp(score), the attention's numerator at a node of a tree of prefixes is the sum over its ancestors e of
E[q, e] value[e]. The tables made here are those terms; what sums them over ancestors (`repro.ansatz.first_layer`,
`repro.ansatz.sample_tree_network`) ends with `mixed_values`.

Tensor suffixes: M table entries, A newest outcome (4), F features, D width, K outcomes, H heads, E width of one head,
x nodes.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch.nn import functional as F

from repro.ansatz import replay
from repro.ansatz.transformer import OUTCOMES, START, Layer, Transformer

# Exponents stay within this fraction of the logarithm of the largest number: 81 in float32.
EXPONENT_RANGE = 0.92


def sizes_of_levels(n_levels: int) -> list[int]:
    """Entries of each level: the start token, then four per position."""
    return [1] + [OUTCOMES] * (n_levels - 1)


@lru_cache(maxsize=64)
def levels_of_entries(n_levels: int, device: torch.device) -> torch.Tensor:
    """Constant (M,): the level of every entry. Made on the CPU, so that a GPU is waited for once."""
    return torch.arange(n_levels).repeat_interleave(torch.tensor(sizes_of_levels(n_levels))).to(device)


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
        """Entries of each level."""
        return sizes_of_levels(self.n_levels)

    def attention_weights(self) -> torch.Tensor:
        """exp(score - reference) of every query on every key, (H, M, M); keys that it cannot see are unused.

        A row's reference lies half-way between a lower and an upper bound of any prefix's largest score, so that
        neither overflow nor a vanishing denominator can occur while the bounds are less than 160 apart in float32.
        Sharper attention, as long evolutions can learn, is weighed in float64, as are all sums of it over ancestors.
        Beyond 1300 the row is NaN: loud. In what is recorded nothing can be asked: always in the network's precision,
        and NaN from 160 on.
        """
        with torch.no_grad():
            low_HM, high_HM = self._bounds()
            most = 2 * _largest_exponent(low_HM.dtype)
            fits = replay.recording() or float((high_HM - low_HM).max()) <= most
        score_HMM = self.score_HMM if fits else self.score_HMM.double()
        limit = _largest_exponent(score_HMM.dtype)
        reference_HM = ((low_HM + high_HM) / 2).masked_fill(high_HM - low_HM > 2 * limit, math.nan)
        # keys that a node cannot see must not overflow either: 0 x inf would spoil gradients
        return torch.exp((score_HMM - reference_HM[..., None]).clamp_max(limit))

    def _bounds(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Lower and upper bound of every row's largest score over all prefixes, (H, M) each."""
        always_HM = torch.maximum(self.score_HMM[..., 0], self.score_HMM.diagonal(0, -2, -1))
        if self.n_levels == 1:
            return always_HM, always_HM
        level_M = levels_of_entries(self.n_levels, always_HM.device)
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
        level_M = levels_of_entries(table.n_levels, itself_MF.device)
        bias_MK = transformer.position_bias_NK.index_select(0, level_M)
        itself_MF = itself_MF + F.pad(bias_MK, (itself_MF.shape[1] - OUTCOMES, 0))
    tables = table.weighted_values(_value_images(table, project_FD), itself_MF)
    return tables, inner_KF.to(tables[0].dtype)


def first_layer_tables(transformer: Transformer) -> list[torch.Tensor]:
    """Tables (H, D + 1, A, M) by level whose sums are the residual sum after the first layer's attention."""
    table = FirstLayerTable(transformer)
    return table.weighted_values(_value_images(table), table.x_MD + table.layer.out.bias)
