"""Every configuration of N spins at once: the network evaluated once per distinct prefix.

A causal network over all 4^N configurations has only (4^N - 1) / 3 distinct inputs, the prefixes of 0 to N - 1
outcomes: the nodes of a tree in which each attends to itself and its ancestors.

Numbering: prefix (a_1 ... a_k) has index sum_j a_j 4^(j-1) within its level k, so the parent of node m of level k is
node m mod 4^(k-1), and the newest outcome is the slowest index.

Tensor suffixes: X nodes of one level 4^k, V all nodes, D width, K outcomes; b blocks, n nodes of a block, j levels
above its root, t tokens seen from a block.
"""

from __future__ import annotations

from functools import lru_cache

import torch

from repro.ansatz.first_layer import first_layer_output, one_layer_logits
from repro.ansatz.later_layers import later_layers
from repro.ansatz.node_blocks import Blocks, mask_of
from repro.ansatz.transformer import OUTCOMES, Transformer

BLOCK_LEVELS = 3


@lru_cache(maxsize=8)
def _blocks(n_levels: int, dtype: torch.dtype, device: torch.device) -> list[Blocks]:
    """The tree cut into blocks of up to three levels: a root with its children and grandchildren.

    In the numbering of a level a root's descendants are the root plus a multiple of the roots' number, so that nodes
    stay level after level.
    """
    top = n_levels % BLOCK_LEVELS
    roots = ([0] if top else []) + list(range(top, n_levels, BLOCK_LEVELS))
    blocks = []
    for root, end in zip(roots, [*roots[1:], n_levels], strict=True):
        depth_n = torch.cat([torch.full((OUTCOMES**d,), d) for d in range(end - root)])
        inside_n = torch.cat([torch.arange(OUTCOMES**d) for d in range(end - root)])
        powers_j = OUTCOMES ** torch.arange(root)
        ancestors_bj = (powers_j - 1) // 3 + torch.arange(OUTCOMES**root)[:, None] % powers_j
        # nodes but the leaves of a block are seen by others of it; each stands under a last token for itself
        n_seen = len(depth_n) - OUTCOMES ** (end - root - 1)
        below_nn = (depth_n[:, None] > depth_n) & (inside_n[:, None] % OUTCOMES**depth_n == inside_n)
        always = torch.ones(len(depth_n), root, dtype=torch.bool)
        mask_nt = mask_of(torch.cat([always, below_nn[:, :n_seen]], 1), True, dtype)
        above = ancestors_bj.to(device) if root else None
        first = (OUTCOMES**root - 1) // 3
        blocks.append(Blocks(first, len(ancestors_bj), len(depth_n), above, mask_nt.to(device), n_seen, True))
    return blocks


def _deep_logits(transformer: Transformer) -> list[torch.Tensor]:
    """Logits (4, 4^k) of every level for any depth, heads and normalisation."""
    config = transformer.config
    x_VD = first_layer_output(transformer)
    logits_VK = later_layers(transformer, x_VD, _blocks(config.n_sites, x_VD.dtype, x_VD.device))
    return transformer.levels_of(logits_VK.T.contiguous(), [OUTCOMES**k for k in range(config.n_sites)])


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
