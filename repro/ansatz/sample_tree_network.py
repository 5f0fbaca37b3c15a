"""The network on a tree of unique prefixes: log p of every configuration, each node evaluated once.

Layer one needs no per-node projection: queries, keys and values are a small table (`repro.ansatz.first_layer_table`),
and a
node's attention is that table's product with the one-hot matrix of its ancestors' outcomes. Later layers attend path by
path: all paths of a tree that start at the same level have the same shape.

Tensor suffixes: M configurations, N sites, X nodes of one level, x nodes of a chunk, V all nodes, W words of four
outcomes, c columns of a one-hot matrix, F features, D width, K outcomes, H heads, A newest outcome.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch.nn import functional as F

from repro.ansatz.first_layer import GPU_CHUNKS, digits
from repro.ansatz.first_layer_output import N_WEIGHTS, by_chunk, gradients_of_sums, output_of_sums, parameters
from repro.ansatz.first_layer_table import first_layer_tables, mixed_values, one_layer_tables
from repro.ansatz.later_layers import later_layers
from repro.ansatz.node_blocks import path_blocks
from repro.ansatz.permute_rows import Permute
from repro.ansatz.sample_tree import SampleTree
from repro.ansatz.transformer import OUTCOMES, Transformer

# A chunk's one-hot matrix and features stay within a processor's second-level cache.
CHUNK_NODES = 2048
WORD = 4


@lru_cache(maxsize=8)
def _hot_words(dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """One-hot form of every word of four outcomes, (256, 16), oldest outcome first."""
    return F.one_hot(digits(WORD, device), OUTCOMES).flatten(1).to(dtype)


def pack_words(outcomes_MN: torch.Tensor) -> torch.Tensor:
    """Configurations as words of four outcomes, the oldest varying fastest, (M, W) integers below 256."""
    padded_MN = F.pad(outcomes_MN, (0, -outcomes_MN.shape[1] % WORD))
    powers_4 = torch.tensor([1, 4, 16, 64], device=outcomes_MN.device, dtype=torch.int32)
    return (padded_MN.unflatten(1, (-1, WORD)).to(torch.int32) * powers_4).sum(-1, dtype=torch.int32).contiguous()


def _one_hot(words_MW: torch.Tensor, owner_x: torch.Tensor, n_words: int, dtype: torch.dtype) -> torch.Tensor:
    """(x, 16 n_words): the first outcomes of some configurations."""
    chosen = words_MW[:, :n_words].index_select(0, owner_x).flatten()
    return _hot_words(dtype, owner_x.device).index_select(0, chosen).view(len(owner_x), -1)


def _older_table(table_HFAM: torch.Tensor, newest: int, level: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The part of the table without older outcomes, (HF, 1), and that with them, (HF, c), padded to whole words."""
    table_FM = table_HFAM[:, :, newest].flatten(0, 1)
    older_Fc = table_FM[:, 1 : 1 + OUTCOMES * max(level - 1, 0)]
    return table_FM[:, :1], F.pad(older_Fc, (0, -older_Fc.shape[1] % (WORD * OUTCOMES)))


class _AncestorSums(torch.autograd.Function):
    """Sums of a table over the ancestors of nodes, (HF, x): the one-hot matrix is built again for the gradient."""

    @staticmethod
    def forward(
        ctx: Any, fixed_F1: torch.Tensor, older_Fc: torch.Tensor, words_MW: torch.Tensor, owner_X: torch.Tensor
    ) -> torch.Tensor:
        ctx.save_for_backward(words_MW, owner_X)
        ctx.n_words = older_Fc.shape[1] // (WORD * OUTCOMES)
        sums_FX = fixed_F1.new_empty(len(fixed_F1), len(owner_X))
        for chunk in _chunks(owner_X):
            sums_FX[:, chunk] = _sums(fixed_F1, older_Fc, words_MW, owner_X[chunk])
        return sums_FX

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        words_MW, owner_X = ctx.saved_tensors
        (d_sums_FX,) = grads
        d_older_Fc = d_sums_FX.new_zeros(len(d_sums_FX), ctx.n_words * WORD * OUTCOMES)
        for chunk in _chunks(owner_X) if ctx.n_words else ():
            hot_xc = _one_hot(words_MW, owner_X[chunk], ctx.n_words, d_sums_FX.dtype)
            d_older_Fc += d_sums_FX[:, chunk] @ hot_xc
        return d_sums_FX.sum(1, keepdim=True), d_older_Fc, None, None


def _sums(
    fixed_F1: torch.Tensor, older_Fc: torch.Tensor, words_MW: torch.Tensor, owner_x: torch.Tensor
) -> torch.Tensor:
    n_words = older_Fc.shape[1] // (WORD * OUTCOMES)
    if not n_words:
        return fixed_F1.expand(-1, len(owner_x))
    hot_xc = _one_hot(words_MW, owner_x, n_words, fixed_F1.dtype)
    return torch.addmm(fixed_F1, older_Fc, hot_xc.T)


def _chunks(owner_X: torch.Tensor) -> list[slice]:
    size = CHUNK_NODES * (GPU_CHUNKS if owner_X.is_cuda else 1)
    return [slice(start, start + size) for start in range(0, len(owner_X), size)]


class _NodeLogProbs(torch.autograd.Function):
    """Log-probabilities (K, X) of the next outcome at nodes of one level and newest outcome, one-layer network.

    Division, activation, readout and normalisation in chunks that fit a processor's cache; evaluated again for the
    gradient, so that four numbers per node are all that is kept.
    """

    @staticmethod
    def forward(
        ctx: Any,
        fixed_F1: torch.Tensor,
        older_Fc: torch.Tensor,
        inner_KF: torch.Tensor,
        heads: int,
        words_MW: torch.Tensor,
        owner_X: torch.Tensor,
    ) -> torch.Tensor:
        log_prob_KX = fixed_F1.new_empty(OUTCOMES, len(owner_X))
        for chunk in _chunks(owner_X):
            sums_HFx = _sums(fixed_F1, older_Fc, words_MW, owner_X[chunk]).unflatten(0, (heads, -1))
            mixed_Fx = mixed_values(sums_HFx)[2]
            logits_Kx = torch.addmm(mixed_Fx[-OUTCOMES:], inner_KF, F.gelu(mixed_Fx[:-OUTCOMES]))
            log_prob_KX[:, chunk] = torch.log_softmax(logits_Kx, dim=0)
        ctx.save_for_backward(fixed_F1, older_Fc, inner_KF, words_MW, owner_X, log_prob_KX)
        ctx.heads = heads
        return log_prob_KX

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        fixed_F1, older_Fc, inner_KF, words_MW, owner_X, log_prob_KX = ctx.saved_tensors
        n_words = older_Fc.shape[1] // (WORD * OUTCOMES)
        d_fixed_F1, d_older_Fc, d_inner_KF = (torch.zeros_like(y) for y in (fixed_F1, older_Fc, inner_KF))
        for chunk in _chunks(owner_X):
            hot_xc = _one_hot(words_MW, owner_X[chunk], n_words, fixed_F1.dtype) if n_words else None
            sums_Fx = fixed_F1.expand(-1, 1) if hot_xc is None else torch.addmm(fixed_F1, older_Fc, hot_xc.T)
            part_HFx, inverse_H1x, mixed_Fx = mixed_values(sums_Fx.unflatten(0, (ctx.heads, -1)))
            inputs_Fx = mixed_Fx[:-OUTCOMES].expand(-1, log_prob_KX[:, chunk].shape[1])
            d_log_Kx = grads[0][:, chunk]
            d_logits_Kx = d_log_Kx - log_prob_KX[:, chunk].exp() * d_log_Kx.sum(0)
            d_inner_KF += d_logits_Kx @ F.gelu(inputs_Fx).T
            d_inputs_Fx = torch.ops.aten.gelu_backward(inner_KF.T @ d_logits_Kx, inputs_Fx)
            d_mixed_Fx = torch.cat([d_inputs_Fx, d_logits_Kx])
            d_denominator_H1x = (d_mixed_Fx * part_HFx).sum(1, keepdim=True).neg_()
            heads = d_mixed_Fx.expand(ctx.heads, -1, -1)
            d_sums_Fx = torch.cat([heads, d_denominator_H1x], 1).mul_(inverse_H1x).flatten(0, 1)
            d_fixed_F1 += d_sums_Fx.sum(1, keepdim=True)
            if hot_xc is not None:
                d_older_Fc += d_sums_Fx @ hot_xc
        return d_fixed_F1, d_older_Fc, d_inner_KF, None, None, None


def _one_layer_log_probs(transformer: Transformer, tree: SampleTree, words_MW: torch.Tensor) -> list[torch.Tensor]:
    """Log-probabilities of the next outcome at the nodes of every level, (K, X)."""
    tables, inner_KF = one_layer_tables(transformer)
    heads, dtype = transformer.config.heads, transformer.readout.weight.dtype
    return [
        torch.cat(
            [
                _NodeLogProbs.apply(*_older_table(table, newest, k), inner_KF, heads, words_MW, owner_X)
                for newest, owner_X in enumerate(level.groups)
            ],
            dim=1,
        ).to(dtype)
        for k, (table, level) in enumerate(zip(tables, tree.levels, strict=True))
    ]


class _Output(torch.autograd.Function):
    """The first layer's output (X, D) at nodes of one level and newest outcome, without normalisation."""

    @staticmethod
    def forward(
        ctx: Any,
        fixed_F1: torch.Tensor,
        older_Fc: torch.Tensor,
        heads: int,
        words_MW: torch.Tensor,
        owner_X: torch.Tensor,
        *feed_forward: torch.Tensor,
    ) -> torch.Tensor:
        output_XD = feed_forward[0].new_empty(len(owner_X), feed_forward[0].shape[1])
        saved, ctx.heads = list[torch.Tensor](), heads
        for chunk in _chunks(owner_X):
            sums_xF = _sums(fixed_F1, older_Fc, words_MW, owner_X[chunk]).T
            sums_HxF = sums_xF.unflatten(1, (heads, -1)).transpose(0, 1).contiguous()
            output_XD[chunk], kept = output_of_sums(sums_HxF, feed_forward)
            saved += kept
        ctx.save_for_backward(fixed_F1, older_Fc, words_MW, owner_X, *feed_forward, *saved)
        return output_XD

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        fixed_F1, older_Fc, words_MW, owner_X, *saved = ctx.saved_tensors
        feed_forward, of_chunks = saved[:N_WEIGHTS], by_chunk(saved[N_WEIGHTS:])
        n_words = older_Fc.shape[1] // (WORD * OUTCOMES)
        d_fixed_F1, d_older_Fc = torch.zeros_like(fixed_F1), torch.zeros_like(older_Fc)
        d_feed_forward = [torch.zeros_like(y) for y in feed_forward]
        for chunk, kept in zip(_chunks(owner_X), of_chunks, strict=True):
            d_sums_HxF = gradients_of_sums(grads[0][chunk], kept, feed_forward, d_feed_forward)
            d_sums_xF = d_sums_HxF.transpose(0, 1).flatten(1)
            d_fixed_F1 += d_sums_xF.sum(0)[:, None]
            if n_words:
                d_older_Fc += d_sums_xF.T @ _one_hot(words_MW, owner_X[chunk], n_words, d_sums_xF.dtype)
        return d_fixed_F1, d_older_Fc, None, None, None, *d_feed_forward


def _first_layer(transformer: Transformer, tree: SampleTree, words_MW: torch.Tensor) -> torch.Tensor:
    """Output of the first layer at all nodes, level after level, (V, D)."""
    layer, normed = transformer.stack()[0], transformer.config.norm != "none"
    outputs = []
    for k, (table, level) in enumerate(zip(first_layer_tables(transformer), tree.levels, strict=True)):
        for newest, owner_X in enumerate(level.groups):
            pair = _older_table(table, newest, k)
            if normed:
                sums_FX = _AncestorSums.apply(*pair, words_MW, owner_X)
                outputs.append(mixed_values(sums_FX.unflatten(0, (layer.heads, -1)))[2].T)
            else:
                outputs.append(_Output.apply(*pair, layer.heads, words_MW, owner_X, *parameters(layer)))
    output_VD = torch.cat(outputs).to(transformer.readout.weight.dtype)
    return layer.feed_forward(output_VD) if normed else output_VD


def _deep_log_probs(transformer: Transformer, tree: SampleTree, words_MW: torch.Tensor) -> list[torch.Tensor]:
    """Log-probabilities of the next outcome at the nodes of every level, (K, X), any depth."""
    paths = tree.paths
    x_VD = Permute.apply(_first_layer(transformer, tree, words_MW), paths.from_levels_V, paths.to_levels_V)
    logits_VK = later_layers(transformer, x_VD, path_blocks(paths, x_VD.dtype))
    logits_VK = Permute.apply(logits_VK, paths.to_levels_V, paths.from_levels_V)
    levels = transformer.levels_of(logits_VK.T.contiguous(), [level.n_nodes for level in tree.levels])
    return [torch.log_softmax(logits_KX, dim=0) for logits_KX in levels]


def tree_log_probs(transformer: Transformer, tree: SampleTree) -> torch.Tensor:
    """log p of a tree's configurations, (M,), one network evaluation per unique prefix."""
    config = transformer.config
    shallow = config.layers == 1 and config.norm == "none"
    words_MW = pack_words(tree.outcomes_MN)
    by_level = (_one_layer_log_probs if shallow else _deep_log_probs)(transformer, tree, words_MW)
    log_p_M: torch.Tensor | None = None
    for k, (log_prob_KX, level) in enumerate(zip(by_level, tree.levels, strict=True)):
        chosen_M = tree.outcomes_MN[:, k].long() * level.n_nodes + level.node_M
        part_M = log_prob_KX.flatten().index_select(0, chosen_M)
        log_p_M = part_M if log_p_M is None else log_p_M + part_M
    assert log_p_M is not None
    return log_p_M
