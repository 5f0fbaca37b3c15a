"""A tree of prefixes cut into blocks of one shape each, for attention in the second and later layers.

A block's nodes attend to each other under a small mask, and to the ancestors of its root without one.

Tensor suffixes: V all nodes, b blocks of a chunk, n nodes of a block, j ancestors of its root, t tokens seen from it,
F features.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch.nn import functional as F

from repro.ansatz.first_layer import GPU_CHUNKS
from repro.ansatz.sample_tree import Paths

# Queries, keys, values and weights of so many nodes stay within a processor's cache.
CHUNK_NODES = 4096
# softmax over fewer than 16 numbers, a vector register's worth, takes ten times as long.
FEWEST_TOKENS = 16


@dataclass(frozen=True)
class Blocks:
    """Blocks of one shape: consecutive nodes of a tree, whose ancestors come before them.

    Tokens seen from a block are its root's j ancestors and its own first `n_seen` nodes, then rows of zeros. Where
    those are not all of its nodes, every node attends to itself under the last of the t tokens, a row of zeros.

    Attributes:
        start: number of the first node.
        n_blocks, n_nodes: blocks, and nodes of each.
        ancestors_bj: numbers of the nodes above each block's root; None at the root of the tree.
        mask_nt: 0 where a node attends, -inf where not (`mask_of`).
        n_seen: nodes of a block that others of its nodes may attend to.
        node_first: whether the first nodes of all blocks are stored first, then the second nodes; else block by block.
    """

    start: int
    n_blocks: int
    n_nodes: int
    ancestors_bj: torch.Tensor | None
    mask_nt: torch.Tensor
    n_seen: int
    node_first: bool = False

    @property
    def apart(self) -> bool:
        """Whether a node's attention to itself stands under a token of its own."""
        return self.n_seen < self.n_nodes

    def of(self, x_VF: torch.Tensor) -> torch.Tensor:
        """These blocks' nodes of a tensor of all nodes: a view (blocks, n, F)."""
        own = x_VF[self.start : self.start + self.n_blocks * self.n_nodes]
        if self.node_first:
            return own.unflatten(0, (self.n_nodes, self.n_blocks)).transpose(0, 1)
        return own.unflatten(0, (self.n_blocks, self.n_nodes))

    def chunks(self) -> list[slice]:
        """Ranges of blocks that go through at once."""
        size = max(1, CHUNK_NODES * (GPU_CHUNKS if self.mask_nt.is_cuda else 1) // self.n_nodes)
        return [slice(first, first + size) for first in range(0, self.n_blocks, size)]

    @property
    def n_above(self) -> int:
        """Ancestors of a block's root."""
        return 0 if self.ancestors_bj is None else self.ancestors_bj.shape[1]

    def seen(self, x_VF: torch.Tensor, own_bnF: torch.Tensor, chunk: slice) -> torch.Tensor:
        """What a chunk's blocks see: ancestors, from all nodes, then their own ones, then zeros, (b, t, F)."""
        parts = [own_bnF[:, : self.n_seen]]
        if self.ancestors_bj is not None:
            index_bj = self.ancestors_bj[chunk]
            parts.insert(0, x_VF.index_select(0, index_bj.flatten()).unflatten(0, index_bj.shape))
        if missing := self.mask_nt.shape[1] - self.n_above - self.n_seen:
            parts.append(x_VF.new_zeros(1, 1, 1).expand(len(parts[0]), missing, x_VF.shape[1]))
        return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]

    def own_gradient(self, d_btF: torch.Tensor, d_apart_bnF: torch.Tensor | None) -> torch.Tensor:
        """Gradient of a block's own nodes (b, n, F) from that of what it sees and, where apart, of each for itself."""
        d_bnF = d_btF[:, self.n_above : self.n_above + self.n_seen]
        if d_apart_bnF is None:
            return d_bnF
        d_apart_bnF[:, : self.n_seen] += d_bnF
        return d_apart_bnF

    def add_to_ancestors(self, into_VF: torch.Tensor, d_btF: torch.Tensor, chunk: slice) -> None:
        """Add gradients of what a chunk's blocks see to those of their ancestors."""
        if self.ancestors_bj is not None:
            into_VF.index_add_(0, self.ancestors_bj[chunk].flatten(), d_btF[:, : self.n_above].flatten(0, 1))


def taken_apart(blocks: Sequence[Blocks]) -> tuple[list[Blocks], list[torch.Tensor]]:
    """Blocks with empty tensors, and their tensors in a row, which autograd can save and a checkpoint drop."""
    hollow, tensors = [], []
    for each in blocks:
        above = each.ancestors_bj
        tensors += [each.mask_nt] if above is None else [each.mask_nt, above]
        empty = None if above is None else above.new_empty(0)
        hollow.append(replace(each, mask_nt=each.mask_nt.new_empty(0), ancestors_bj=empty))
    return hollow, tensors


def put_together(hollow: Sequence[Blocks], row: Iterator[torch.Tensor]) -> list[Blocks]:
    """The blocks of `taken_apart`; what comes after their tensors stays in the row."""
    return [
        replace(each, mask_nt=next(row), ancestors_bj=None if each.ancestors_bj is None else next(row))
        for each in hollow
    ]


def path_blocks(paths: Paths, dtype: torch.dtype) -> list[Blocks]:
    """The paths of a tree of samples that start at one level, as blocks of one shape."""
    blocks, first = [], 0
    for group in paths.groups:
        n, above = group.length, 0 if group.ancestors is None else group.ancestors.shape[1]
        seen_nt = torch.ones(n, above + n, dtype=torch.bool, device=paths.to_levels_V.device).tril(above)
        blocks.append(Blocks(first, group.n_paths, n, group.ancestors, mask_of(seen_nt, False, dtype), n))
        first += group.n_paths * n
    return blocks


def mask_of(seen_nt: torch.Tensor, itself: bool, dtype: torch.dtype) -> torch.Tensor:
    """The mask that is added to scores: 0 where a node attends, -inf where not and for tokens that fill up.

    Args:
        seen_nt: whether a node attends to its block's ancestors and to nodes of its block.
        itself: whether a last token stands for the node itself.
        dtype: of the scores.
    """
    mask_nt = torch.zeros_like(seen_nt, dtype=dtype).masked_fill_(~seen_nt, -math.inf)
    filling = max(FEWEST_TOKENS - itself - seen_nt.shape[1], 0)
    return F.pad(F.pad(mask_nt, (0, filling), value=-math.inf), (0, int(itself)))
