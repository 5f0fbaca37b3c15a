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
# Scores that no node uses (of keys it cannot see) must not overflow either: 0 x inf would spoil gradients.
EXPONENT_LIMIT = 80.0


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

    def attention_weights(self) -> torch.Tensor:
        """exp(score - reference) of every query on every key, (H, M, M); keys that it cannot see mean nothing.

        A row's reference lies half-way between a lower and an upper bound of any prefix's largest score, so that
        neither overflow nor a vanishing denominator can occur unless scores differ by more than 150.
        """
        with torch.no_grad():
            always_HM = torch.maximum(self.score_HMM[..., 0], self.score_HMM.diagonal(0, -2, -1))
            level_M = torch.arange(self.n_levels, device=always_HM.device).repeat_interleave(
                torch.tensor(self.sizes(), device=always_HM.device)
            )
            hidden_MM = (level_M[:, None] <= level_M)[:, 1:]
            past_HMM = self.score_HMM[..., 1:].masked_fill(hidden_MM, -math.inf).unflatten(-1, (-1, OUTCOMES))
            low_HM, high_HM = always_HM, always_HM
            if self.n_levels > 1:
                low_HM = torch.maximum(always_HM, past_HMM.amin(-1).amax(-1))
                high_HM = torch.maximum(always_HM, past_HMM.amax((-2, -1)))
            reference_HM1 = ((low_HM + high_HM) / 2)[..., None]
        return torch.exp((self.score_HMM - reference_HM1).clamp_max(EXPONENT_LIMIT))

    def mixtures(self, value_HMF: torch.Tensor, itself_MF: torch.Tensor) -> list[torch.Tensor]:
        """Attention of every node over table entries: itself_F + sum over heads of softmax-weighted values.

        Args:
            value_HMF: values of the entries per head.
            itself_MF: what a node of entry m adds, whatever its ancestors.

        Returns:
            One (F, 4^level) tensor per level, newest outcome slowest.
        """
        # softmax weights sum to one, so what a node adds by itself can ride on the values of its first head
        own_HMF = torch.cat([itself_MF[None], itself_MF.new_zeros(len(value_HMF) - 1, *itself_MF.shape)])
        sums_HMMF = value_HMF[:, None] + own_HMF[:, :, None]
        weight_HMM1 = self.attention_weights()[..., None]
        terms_HFMM = torch.cat([sums_HMMF * weight_HMM1, weight_HMM1], dim=-1).permute(0, 3, 1, 2)
        # column 0 meets the one-hot matrix's row of ones: the start token and the node itself
        fixed_HFM1 = (terms_HFMM[..., 0] + terms_HFMM.diagonal(0, -2, -1) * self._not_start(terms_HFMM))[..., None]
        table_HFMM = torch.cat([fixed_HFM1, terms_HFMM[..., 1:]], dim=-1)
        mixtures = []
        for level, table_HFAM in enumerate(table_HFMM.split(self.sizes(), dim=2)):
            hot_MP = _one_hot(max(level - 1, 0), table_HFAM.dtype, table_HFAM.device)
            sums_HFX = (table_HFAM[..., : len(hot_MP)].flatten(1, 2) @ hot_MP).view(*table_HFAM.shape[:2], -1)
            numerator_HFX, denominator_H1X = sums_HFX.split([sums_HFX.shape[1] - 1, 1], dim=1)
            mixed_HFX = numerator_HFX / denominator_H1X
            mixtures.append(mixed_HFX.sum(0) if len(mixed_HFX) > 1 else mixed_HFX[0])
        return mixtures

    def _not_start(self, like: torch.Tensor) -> torch.Tensor:
        mask_M = like.new_ones(like.shape[-1])
        mask_M[0] = 0
        return mask_M


def _after_attention(transformer: Transformer, layer: Layer) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Without normalisation the last layer is linear from its residual sum x to activation and to logits.

    Returns:
        project_FD, offset_F: features = project x + offset, the activation's inputs and then the direct logits;
        inner_KF: logits = direct + inner gelu(inputs).
    """
    readout = transformer.readout
    project_FD = torch.cat([layer.expand.weight, readout.weight])
    offset_F = torch.cat([layer.expand.bias, readout.bias + readout.weight @ layer.contract.bias])
    return project_FD, offset_F, readout.weight @ layer.contract.weight


def _one_layer_logits(transformer: Transformer) -> list[torch.Tensor]:
    """Logits (4, 4^k) of every level for one layer without normalisation.

    Values are projected to the activation's inputs and the logits once in the table: 16 + 4 features per node
    instead of the full width.
    """
    table = FirstLayerTable(transformer)
    layer = table.layer
    project_FD, offset_F, inner_KF = _after_attention(transformer, layer)
    out_HED = layer.out.weight.T.unflatten(0, (layer.heads, -1))
    value_HMF = table.value_HME @ (out_HED @ project_FD.T)
    itself_MF = (table.x_MD + layer.out.bias) @ project_FD.T + offset_F
    split = [layer.expand.out_features, OUTCOMES]
    logits = []
    for mixed_FX in table.mixtures(value_HMF, itself_MF):
        inputs_FX, direct_KX = mixed_FX.split(split)
        logits.append(torch.addmm(direct_KX, inner_KF, F.gelu(inputs_FX)))
    return logits


def _first_layer_output(transformer: Transformer) -> torch.Tensor:
    """Output of the first layer at all nodes, level after level, (V, D)."""
    table = FirstLayerTable(transformer)
    layer = table.layer
    out_HED = layer.out.weight.T.unflatten(0, (layer.heads, -1))
    mixtures = table.mixtures(table.value_HME @ out_HED, table.x_MD + layer.out.bias)
    return layer.feed_forward(torch.cat(mixtures, dim=1).T.contiguous())


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
    project_FD, offset_F, inner_KF = _after_attention(transformer, layer)
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
    x_VD = _first_layer_output(transformer)
    layout = _block_layout(config.n_sites, x_VD.device)
    x_VD = x_VD.index_select(0, layout.to_blocks_V)
    for layer in layers[1:-1] if folded else layers[1:]:
        q_VD, k_VD, v_VD = layer.project(x_VD)
        x_VD = layer.finish(x_VD, _attend_blocks(layer, q_VD, k_VD, v_VD, layout))
    logits_VK = _folded_last_layer(transformer, x_VD, layout) if folded else transformer.logits(x_VD)
    logits_KV = logits_VK.index_select(0, layout.to_levels_V).T.contiguous()
    return list(logits_KV.split([OUTCOMES**k for k in range(config.n_sites)], dim=1))


def all_log_probs(transformer: Transformer) -> torch.Tensor:
    """log p of all 4^N configurations in visiting order, shape (4^N,), index sum_k a_k 4^(k-1).

    Exact: equal to scoring each configuration by itself, at one network evaluation per distinct prefix.
    """
    config = transformer.config
    shallow = config.layers == 1 and config.norm == "none"
    levels = _one_layer_logits(transformer) if shallow else _deep_logits(transformer)
    log_p = levels[0].new_zeros(1)
    for logits_KX in levels:
        log_p = (torch.log_softmax(logits_KX, dim=0) + log_p).flatten()
    return log_p
