"""The network on a tree of unique prefixes: log p of every configuration, each node evaluated once.

Layer one needs no per-node projection: queries, keys and values are a small table (`repro.ansatz.first_layer_table`),
and a
node's attention is that table's product with the one-hot matrix of its ancestors' outcomes. Later layers attend path by
path: all paths of a tree that start at the same level have the same shape.

Tensor suffixes: M configurations, N sites, X nodes of one level, x nodes of a chunk, V all nodes, W words of four
outcomes, c columns of a one-hot matrix, F features, D width, K outcomes, H heads, A newest outcome.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from repro.ansatz.ancestor_sums import AncestorSums, chunks, older_table, pack_words
from repro.ansatz.first_layer_output import N_WEIGHTS, by_chunk, gradients_of_sums, output_of_sums, parameters
from repro.ansatz.first_layer_table import first_layer_tables, mixed_values, one_layer_tables
from repro.ansatz.later_layers import later_layers
from repro.ansatz.node_blocks import path_blocks
from repro.ansatz.permute_rows import Permute
from repro.ansatz.sample_tree import SampleTree
from repro.ansatz.transformer import OUTCOMES, Transformer


class _Sums(torch.autograd.Function):
    """Sums of a table over the ancestors of nodes, (HF, x): the one-hot matrix is built again for the gradient."""

    @staticmethod
    def forward(
        ctx: Any, fixed_F1: torch.Tensor, older_Fc: torch.Tensor, words_MW: torch.Tensor, owner_X: torch.Tensor
    ) -> torch.Tensor:
        ctx.save_for_backward(fixed_F1, older_Fc, words_MW, owner_X)
        sums = AncestorSums(fixed_F1, older_Fc, words_MW, len(owner_X))
        sums_FX = fixed_F1.new_empty(len(fixed_F1), len(owner_X))
        for chunk in chunks(owner_X):
            sums_FX[:, chunk] = sums.of(owner_X[chunk])
        return sums_FX

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        fixed_F1, older_Fc, words_MW, owner_X = ctx.saved_tensors
        (d_sums_FX,) = grads
        sums = AncestorSums(fixed_F1, older_Fc, words_MW)
        d_older_Fc = torch.zeros_like(sums.older_Fc)
        for chunk in chunks(owner_X):
            d_older_Fc += d_sums_FX[:, chunk] @ sums.one_hot(owner_X[chunk])
        return d_sums_FX.sum(1, keepdim=True), d_older_Fc, None, None


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
        sums = AncestorSums(fixed_F1, older_Fc, words_MW, len(owner_X))
        log_prob_KX = fixed_F1.new_empty(OUTCOMES, len(owner_X))
        for chunk in chunks(owner_X):
            sums_HFx = sums.of(owner_X[chunk]).contiguous().unflatten(0, (heads, -1))
            mixed_Fx = mixed_values(sums_HFx)[2]
            logits_Kx = torch.addmm(mixed_Fx[-OUTCOMES:], inner_KF, F.gelu(mixed_Fx[:-OUTCOMES]))
            log_prob_KX[:, chunk] = torch.log_softmax(logits_Kx, dim=0)
        ctx.save_for_backward(fixed_F1, older_Fc, inner_KF, words_MW, owner_X, log_prob_KX)
        ctx.heads = heads
        return log_prob_KX

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        fixed_F1, older_Fc, inner_KF, words_MW, owner_X, log_prob_KX = ctx.saved_tensors
        sums = AncestorSums(fixed_F1, older_Fc, words_MW, len(owner_X))
        d_fixed_F1, d_older_Fc, d_inner_KF = (torch.zeros_like(y) for y in (fixed_F1, older_Fc, inner_KF))
        for chunk in chunks(owner_X):
            hot_xc = sums.one_hot(owner_X[chunk])
            sums_Fx = sums.of(owner_X[chunk], hot_xc).contiguous()
            part_HFx, inverse_H1x, mixed_Fx = mixed_values(sums_Fx.unflatten(0, (ctx.heads, -1)))
            inputs_Fx = mixed_Fx[:-OUTCOMES]
            d_log_Kx = grads[0][:, chunk]
            d_logits_Kx = d_log_Kx - log_prob_KX[:, chunk].exp() * d_log_Kx.sum(0)
            d_inner_KF += d_logits_Kx @ F.gelu(inputs_Fx).T
            d_inputs_Fx = torch.ops.aten.gelu_backward(inner_KF.T @ d_logits_Kx, inputs_Fx)
            d_mixed_Fx = torch.cat([d_inputs_Fx, d_logits_Kx])
            d_denominator_H1x = (d_mixed_Fx * part_HFx).sum(1, keepdim=True).neg_()
            heads = d_mixed_Fx.expand(ctx.heads, -1, -1)
            d_sums_Fx = torch.cat([heads, d_denominator_H1x], 1).mul_(inverse_H1x).flatten(0, 1)
            d_fixed_F1 += d_sums_Fx.sum(1, keepdim=True)
            d_older_Fc += d_sums_Fx @ hot_xc
        return d_fixed_F1, d_older_Fc, d_inner_KF, None, None, None


def _one_layer_log_probs(transformer: Transformer, tree: SampleTree, words_MW: torch.Tensor) -> list[torch.Tensor]:
    """Log-probabilities of the next outcome at the nodes of every level, (K, X)."""
    tables, inner_KF = one_layer_tables(transformer)
    heads, dtype = transformer.config.heads, transformer.readout.weight.dtype
    return [
        torch.cat(
            [
                _NodeLogProbs.apply(*older_table(table, newest, k), inner_KF, heads, words_MW, owner_X)
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
        sums = AncestorSums(fixed_F1, older_Fc, words_MW, len(owner_X))
        output_XD = feed_forward[0].new_empty(len(owner_X), feed_forward[0].shape[1])
        saved, ctx.heads = list[torch.Tensor](), heads
        for chunk in chunks(owner_X):
            sums_xF = sums.of(owner_X[chunk]).T
            sums_HxF = sums_xF.unflatten(1, (heads, -1)).transpose(0, 1).contiguous()
            output_XD[chunk], kept = output_of_sums(sums_HxF, feed_forward)
            saved += kept
        ctx.save_for_backward(fixed_F1, older_Fc, words_MW, owner_X, *feed_forward, *saved)
        return output_XD

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        fixed_F1, older_Fc, words_MW, owner_X, *saved = ctx.saved_tensors
        feed_forward, of_chunks = saved[:N_WEIGHTS], by_chunk(saved[N_WEIGHTS:])
        sums = AncestorSums(fixed_F1, older_Fc, words_MW)
        d_fixed_F1, d_older_Fc = torch.zeros_like(fixed_F1), torch.zeros_like(older_Fc)
        d_feed_forward = [torch.zeros_like(y) for y in feed_forward]
        for chunk, kept in zip(chunks(owner_X), of_chunks, strict=True):
            d_sums_HxF = gradients_of_sums(grads[0][chunk], kept, feed_forward, d_feed_forward)
            d_sums_xF = d_sums_HxF.transpose(0, 1).flatten(1)
            d_fixed_F1 += d_sums_xF.sum(0)[:, None]
            d_older_Fc += d_sums_xF.T @ sums.one_hot(owner_X[chunk])
        return d_fixed_F1, d_older_Fc, None, None, None, *d_feed_forward


def _first_layer(transformer: Transformer, tree: SampleTree, words_MW: torch.Tensor) -> torch.Tensor:
    """Output of the first layer at all nodes, level after level, (V, D)."""
    layer, normed = transformer.stack()[0], transformer.config.norm != "none"
    outputs = []
    for k, (table, level) in enumerate(zip(first_layer_tables(transformer), tree.levels, strict=True)):
        for newest, owner_X in enumerate(level.groups):
            pair = older_table(table, newest, k)
            if normed:
                sums_FX = _Sums.apply(*pair, words_MW, owner_X)
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
