"""Every configuration of N spins at once: the network evaluated once per distinct prefix.

A causal network over all 4^N configurations has only (4^N - 1) / 3 distinct inputs, the prefixes of 0 to N - 1
outcomes: the nodes of a tree in which each attends to itself and its ancestors.

Numbering: prefix (a_1 ... a_k) has index sum_j a_j 4^(j-1) within its level k, so the parent of node m of level k is
node m mod 4^(k-1), and the newest outcome is the slowest index.

First layer. Queries, keys and values are functions of (token, position) alone, M = 4N - 3 distinct entries. With
E[q, e] = exp(score), the attention's numerator at a node is the sum over its ancestors e of E[q, e] value[e]: a product
of that small table with the constant one-hot matrix of prefixes. One matrix product per level does the whole layer.

Tensor suffixes: M table entries, A newest outcome (4), P parents 4^(k-1), X nodes of one level 4^k, V all nodes,
F features, D width, H heads, E width of one head.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch.nn import functional as F

from repro.transformer import OUTCOMES, START, Layer, Transformer

BLOCK_LEVELS = 3


def digits(n_digits: int, device: torch.device | None = None) -> torch.Tensor:
    """All prefixes of n_digits outcomes in index order, shape (4^n, n), oldest outcome first."""
    index = torch.arange(OUTCOMES**n_digits, device=device)
    return torch.stack([index // OUTCOMES**j % OUTCOMES for j in range(n_digits)], dim=1) if n_digits else index[:, None][:, :0]


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
        N = transformer.config.n_sites
        layer: Layer = transformer.layers[0]  # type: ignore[assignment]
        start_1D = transformer.embedding.weight[START] + transformer.positions_ND[:1]
        rest_MD = (transformer.positions_ND[1:N, None] + transformer.embedding.weight[:OUTCOMES]).flatten(0, 1)
        self.layer = layer
        self.x_MD = torch.cat([start_1D, rest_MD])
        q_MD, k_MD, self.value_MD = layer.project(self.x_MD)
        q_HME, k_HME = layer.split_heads(q_MD), layer.split_heads(k_MD)
        self.score_HMM = q_HME @ k_HME.transpose(-1, -2) / math.sqrt(q_HME.shape[-1])

    def entries(self, level: int) -> slice:
        """Table rows of a level's newest outcomes: the start token at level 0, four entries after that."""
        return slice(0, 1) if level == 0 else slice(4 * level - 3, 4 * level + 1)

    def attention_weights(self, level: int) -> torch.Tensor:
        """exp(score - reference) of a level's queries on everything they may see, (H, A, 4 level + 1).

        The reference lies half-way between a lower and an upper bound of any prefix's largest score, so that neither
        overflow nor a vanishing denominator can occur unless scores differ by more than 150.
        """
        own = self.entries(level)
        score_HAM = self.score_HMM[:, own, : own.stop]
        with torch.no_grad():
            fixed_HA = torch.maximum(score_HAM[..., 0], score_HAM.diagonal(own.start, -2, -1))
            past_HAjA = score_HAM[..., 1 : own.start].unflatten(-1, (-1, OUTCOMES)) if level > 1 else None
            low_HA = high_HA = fixed_HA
            if past_HAjA is not None:
                low_HA = torch.maximum(fixed_HA, past_HAjA.amin(-1).amax(-1))
                high_HA = torch.maximum(fixed_HA, past_HAjA.amax((-2, -1)))
            reference_HA1 = ((low_HA + high_HA) / 2)[..., None]
        return torch.exp(score_HAM - reference_HA1)

    def attend(self, level: int, value_HAMF: torch.Tensor) -> torch.Tensor:
        """softmax-weighted sums of the entries' values for every node of a level.

        Args:
            level: number of outcomes in the prefixes.
            value_HAMF: values per head, own outcome (or 1) and visible entry.

        Returns:
            (H, F, 4^level), newest outcome slowest.
        """
        weight_HAM = self.attention_weights(level)
        summed_HAMF = torch.cat([weight_HAM[..., None] * value_HAMF, weight_HAM[..., None]], dim=-1)
        if level == 0:
            sums_HFX = summed_HAMF.sum(-2).transpose(-1, -2)
        else:
            own = self.entries(level)
            itself_HAF = summed_HAMF[..., own.start :, :].diagonal(0, 1, 2).transpose(-1, -2)
            first_HAF = summed_HAMF[..., 0, :] + itself_HAF
            table_HFAM = torch.cat([first_HAF[..., None, :], summed_HAMF[..., 1 : own.start, :]], 2).permute(0, 3, 1, 2)
            hot_MP = _one_hot(level - 1, table_HFAM.dtype, table_HFAM.device)
            sums_HFX = (table_HFAM.flatten(1, 2).contiguous() @ hot_MP).unflatten(1, (-1, OUTCOMES)).flatten(2)
        numerator_HFX, denominator_H1X = sums_HFX.split([sums_HFX.shape[1] - 1, 1], dim=1)
        return numerator_HFX / denominator_H1X


def _one_layer_logits(transformer: Transformer) -> list[torch.Tensor]:
    """Logits (4, 4^k) of every level for one layer, one head and no normalisation.

    Everything between the attention and the activation, and between the activation and the logits, is linear, so
    values are projected once in the table: 16 + 4 features per node instead of the full width.
    """
    table = FirstLayerTable(transformer)
    layer = table.layer
    readout = transformer.readout
    project_FD = torch.cat([layer.expand.weight, readout.weight])
    offset_F = torch.cat([layer.expand.bias, readout.bias + readout.weight @ layer.contract.bias])
    value_MF = table.value_MD @ (project_FD @ layer.out.weight).T
    itself_MF = (table.x_MD + layer.out.bias) @ project_FD.T + offset_F
    inner_to_logits = readout.weight @ layer.contract.weight
    split = layer.expand.out_features
    logits = []
    for level in range(transformer.config.n_sites):
        own = table.entries(level)
        value_HAMF = (value_MF[: own.stop] + itself_MF[own, None])[None]
        inner_FX, direct_KX = table.attend(level, value_HAMF)[0].split([split, OUTCOMES])
        logits.append(torch.addmm(direct_KX, inner_to_logits, F.gelu(inner_FX)))
    return logits


def _first_layer_output(transformer: Transformer) -> torch.Tensor:
    """Output of the first layer at all nodes, level after level, (V, D)."""
    table = FirstLayerTable(transformer)
    value_HME = table.layer.split_heads(table.value_MD)
    outputs = []
    for level in range(transformer.config.n_sites):
        own = table.entries(level)
        context_HEX = table.attend(level, value_HME[:, None, : own.stop].expand(-1, own.stop - own.start, -1, -1))
        x_XD = table.x_MD[own].repeat_interleave(max(1, OUTCOMES ** (level - 1)), dim=0)
        outputs.append(table.layer.finish(x_XD, context_HEX.flatten(0, 1).T))
    return torch.cat(outputs)


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
            ancestor_bj = torch.stack([(4**j - 1) // 3 + root_b % 4**j for j in range(root)], 1) if root else root_b[:, None][:, :0]
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


def _later_layer(layer: Layer, x_VD: torch.Tensor, layout: BlockLayout) -> torch.Tensor:
    q_VD, k_VD, v_VD = layer.project(x_VD)
    sizes = [blocks * size for _, blocks, size in layout.groups]
    contexts = []
    # split, not slices: the gradient of a slice is a zero-filled tensor of the full size
    for group, ancestors, mask, *own in zip(
        layout.groups, layout.ancestors, layout.masks, *(y.split(sizes) for y in (q_VD, k_VD, v_VD)), strict=True
    ):
        q, k, v = (y.unflatten(0, group[1:]) for y in own)
        if group[0]:
            k = torch.cat([k_VD[ancestors], k], dim=1)
            v = torch.cat([v_VD[ancestors], v], dim=1)
        contexts.append(layer.attend(q, k, v, mask).flatten(0, 1))
    return layer.finish(x_VD, torch.cat(contexts))


def _deep_logits(transformer: Transformer) -> list[torch.Tensor]:
    """Logits (4, 4^k) of every level for any depth, heads and normalisation."""
    n_levels = transformer.config.n_sites
    x_VD = _first_layer_output(transformer)
    if len(transformer.layers) > 1:
        layout = _block_layout(n_levels, x_VD.device)
        x_VD = x_VD[layout.to_blocks_V]
        for layer in list(transformer.layers)[1:]:
            x_VD = _later_layer(layer, x_VD, layout)  # type: ignore[arg-type]
        logits_KV = transformer.logits(x_VD).T[:, layout.to_levels_V]
    else:
        logits_KV = transformer.logits(x_VD).T
    return list(logits_KV.split([OUTCOMES**k for k in range(n_levels)], dim=1))


def all_log_probs(transformer: Transformer) -> torch.Tensor:
    """log p of all 4^N configurations in visiting order, shape (4^N,), index sum_k a_k 4^(k-1).

    Exact: equal to scoring each configuration by itself, at one network evaluation per distinct prefix.
    """
    config = transformer.config
    folded = config.layers == 1 and config.heads == 1 and config.norm == "none"
    levels = _one_layer_logits(transformer) if folded else _deep_logits(transformer)
    log_p = levels[0].new_zeros(1)
    for logits_KX in levels:
        log_p = (torch.log_softmax(logits_KX, dim=0) + log_p).flatten()
    return log_p
