"""Every configuration of N spins at once: the network evaluated once per distinct prefix.

A causal network over all 4^N configurations has only (4^N - 1) / 3 distinct inputs, the prefixes of 0 to N - 1
outcomes: the nodes of a tree in which each attends to itself and its ancestors.

Numbering: prefix (a_1 ... a_k) has index sum_j a_j 4^(j-1) within its level k, so the parent of node m of level k is
node m mod 4^(k-1), and the newest outcome is the slowest index.

Tensor suffixes: X nodes of one level 4^k, V all nodes, F features, D width, K outcomes; in `BlockLayout` b blocks,
n nodes of a block, j levels above its root.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch.nn import functional as F

from repro.ansatz.first_layer import first_layer_output, one_layer_logits
from repro.ansatz.first_layer_table import after_attention
from repro.ansatz.transformer import OUTCOMES, Layer, Transformer

BLOCK_LEVELS = 3


class BlockLayout:
    """The tree cut into blocks of up to three levels, for attention in the second and later layers.

    A block is a node (its root) with its children and grandchildren: dense attention within the block under a small
    mask, and to the root's ancestors without one. Nodes are stored block after block.

    Attributes:
        groups: (root level, blocks, nodes per block) from the top of the tree down.
        to_blocks_V: level-order index of each node in block order; `to_levels_V` is the inverse.
    """

    def __init__(self, n_levels: int, device: torch.device) -> None:
        top = n_levels % BLOCK_LEVELS
        roots = ([0] if top else []) + list(range(top, n_levels, BLOCK_LEVELS))
        self.groups: list[tuple[int, int, int]] = []
        self.ancestors: list[torch.Tensor] = []
        self.masks: list[torch.Tensor] = []
        order = []
        for root, end in zip(roots, [*roots[1:], n_levels], strict=True):
            depth_n = torch.cat([torch.full((OUTCOMES**d,), d) for d in range(end - root)])
            inside_n = torch.cat([torch.arange(OUTCOMES**d) for d in range(end - root)])
            first_n = (OUTCOMES ** (root + depth_n) - 1) // 3
            root_b = torch.arange(OUTCOMES**root)
            order.append((first_n + root_b[:, None] + OUTCOMES**root * inside_n).flatten())
            powers_j = OUTCOMES ** torch.arange(root)
            ancestor_bj = (powers_j - 1) // 3 + root_b[:, None] % powers_j
            seen_nn = (depth_n[:, None] >= depth_n) & (inside_n[:, None] % OUTCOMES**depth_n == inside_n)
            self.groups.append((root, len(root_b), len(depth_n)))
            self.ancestors.append(ancestor_bj.to(device))
            self.masks.append(torch.cat([torch.ones(len(depth_n), root, dtype=torch.bool), seen_nn], 1).to(device))
        self.to_blocks_V = torch.cat(order).to(device)
        self.to_levels_V = torch.argsort(self.to_blocks_V)
        self.ancestors = [self.to_levels_V[a] for a in self.ancestors]


@lru_cache(maxsize=8)
def _block_layout(n_levels: int, device: torch.device) -> BlockLayout:
    return BlockLayout(n_levels, device)


def _attend_blocks(
    layer: Layer, q_VD: torch.Tensor, k_VD: torch.Tensor, v_VF: torch.Tensor, layout: BlockLayout
) -> torch.Tensor:
    """Attention of every node to its ancestors and itself, (V, F)."""
    sizes = [blocks * size for _, blocks, size in layout.groups]
    contexts = []
    # split, not slices: the gradient of a slice is a zero-filled tensor of the full size
    for group, ancestors, mask, *own in zip(
        layout.groups, layout.ancestors, layout.masks, *(y.split(sizes) for y in (q_VD, k_VD, v_VF)), strict=True
    ):
        q, k, v = (y.unflatten(0, group[1:]) for y in own)
        if group[0]:
            k = torch.cat([k_VD[ancestors], k], dim=1)
            v = torch.cat([v_VF[ancestors], v], dim=1)
        contexts.append(layer.attend(q, k, v, mask).flatten(0, 1))
    return torch.cat(contexts)


def _folded_last_layer(transformer: Transformer, x_VD: torch.Tensor, layout: BlockLayout) -> torch.Tensor:
    """Logits (V, 4) from the input of a last layer with one head and no normalisation.

    q . k = x_q (W_q^T W_k) x_k up to what softmax ignores, so keys are the inputs themselves; values are projected to
    the activation's inputs and the logits before they are mixed.
    """
    layer = transformer.stack()[-1]
    project_FD, offset_F, inner_KF = after_attention(transformer, layer)
    to_key_DD = layer.query.weight.T @ layer.key.weight
    q_VD = torch.addmm(layer.query.bias @ layer.key.weight, x_VD, to_key_DD)
    value_DF = layer.value.weight.T @ layer.out.weight.T @ project_FD.T
    constant_F = offset_F + (layer.out.weight @ layer.value.bias + layer.out.bias) @ project_FD.T
    mixed_VF = _attend_blocks(layer, q_VD, x_VD, x_VD @ value_DF, layout)
    mixed_VF = torch.addmm(mixed_VF + constant_F, x_VD, project_FD.T)
    inputs_VF, direct_VK = mixed_VF.split([layer.expand.out_features, OUTCOMES], dim=1)
    return torch.addmm(direct_VK, F.gelu(inputs_VF), inner_KF.T)


def _deep_logits(transformer: Transformer) -> list[torch.Tensor]:
    """Logits (4, 4^k) of every level for any depth, heads and normalisation."""
    config = transformer.config
    layers = transformer.stack()
    folded = config.norm == "none" and config.heads == 1 and config.layers > 1
    x_VD = first_layer_output(transformer)
    layout = _block_layout(config.n_sites, x_VD.device)
    x_VD = x_VD.index_select(0, layout.to_blocks_V)
    for layer in layers[1:-1] if folded else layers[1:]:
        q_VD, k_VD, v_VD = layer.project(x_VD)
        x_VD = layer.finish(x_VD, _attend_blocks(layer, q_VD, k_VD, v_VD, layout))
    logits_VK = _folded_last_layer(transformer, x_VD, layout) if folded else transformer.logits(x_VD)
    logits_KV = logits_VK.index_select(0, layout.to_levels_V).T.contiguous()
    return transformer.levels_of(logits_KV, [OUTCOMES**k for k in range(config.n_sites)])


def all_log_probs(transformer: Transformer) -> torch.Tensor:
    """log p of all 4^N configurations in visiting order, shape (4^N,), index sum_k a_k 4^(k-1).

    Exact: equal to scoring each configuration by itself, at one network evaluation per distinct prefix.
    """
    config = transformer.config
    shallow = config.layers == 1 and config.norm == "none"
    levels = one_layer_logits(transformer) if shallow else _deep_logits(transformer)
    log_p = levels[0].new_zeros(1)
    for logits_KX in levels:
        log_p = (torch.log_softmax(logits_KX, dim=0) + log_p).flatten()
    return log_p
