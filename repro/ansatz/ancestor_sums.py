"""Sums of a first layer's table over the ancestors of a tree's nodes.

A node's sum is its table's product with the one-hot matrix of its ancestors' outcomes. Outcomes are packed four to a
word; on a CPU the product is the sum over words of rows of a larger table, one for each of a word's 256 values, which
is faster where nodes are many (a quarter of an evaluation of the 6x6 lattice, a twelfth of the 4x4 one). Gradients are
products with the one-hot matrix.

Tensor suffixes: M configurations, N sites, X nodes of one level, x nodes of a chunk, W words of four outcomes, c
columns of a one-hot matrix, F features (all heads), A newest outcome, H heads, R rows of the larger table.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch.nn import functional as F

from repro.ansatz.first_layer import GPU_CHUNKS, digits
from repro.ansatz.transformer import OUTCOMES

# A chunk's words, sums and features stay within a processor's second-level cache.
CHUNK_NODES = 2048
WORD = 4
# Nodes for each row of the larger table from which on it saves more than it costs to make: at 2 small trees lose.
NODES_PER_ROW = 8


def chunks(owner_X: torch.Tensor) -> list[slice]:
    """Nodes that are evaluated together."""
    size = CHUNK_NODES * (GPU_CHUNKS if owner_X.is_cuda else 1)
    return [slice(start, start + size) for start in range(0, len(owner_X), size)]


@lru_cache(maxsize=8)
def _hot_words(dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """One-hot form of every word of four outcomes, (256, 16), oldest outcome first."""
    return F.one_hot(digits(WORD, device), OUTCOMES).flatten(1).to(dtype)


def pack_words(outcomes_MN: torch.Tensor) -> torch.Tensor:
    """Configurations as words of four outcomes, the oldest varying fastest, (M, W) integers below 256."""
    padded_MN = F.pad(outcomes_MN, (0, -outcomes_MN.shape[1] % WORD))
    powers_4 = torch.tensor([1, 4, 16, 64], device=outcomes_MN.device, dtype=torch.int32)
    return (padded_MN.unflatten(1, (-1, WORD)).to(torch.int32) * powers_4).sum(-1, dtype=torch.int32).contiguous()


def older_table(table_HFAM: torch.Tensor, newest: int, level: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The part of the table without older outcomes, (HF, 1), and that with them, (HF, c), padded to whole words."""
    table_FM = table_HFAM[:, :, newest].flatten(0, 1)
    older_Fc = table_FM[:, 1 : 1 + OUTCOMES * max(level - 1, 0)]
    return table_FM[:, :1], F.pad(older_Fc, (0, -older_Fc.shape[1] % (WORD * OUTCOMES)))


class AncestorSums:
    """A table's sums over the ancestors of nodes of one level and newest outcome, chunk by chunk.

    Args:
        fixed_F1, older_Fc: `older_table`.
        words_MW: `pack_words` of the tree's configurations.
        n_nodes: how many nodes' sums will be asked for.
    """

    def __init__(
        self, fixed_F1: torch.Tensor, older_Fc: torch.Tensor, words_MW: torch.Tensor, n_nodes: int = 0
    ) -> None:
        self.fixed_F1, self.older_Fc, self.words_MW = fixed_F1, older_Fc, words_MW
        self.n_words = older_Fc.shape[1] // (WORD * OUTCOMES)
        self.by_word_RF: torch.Tensor | None = None
        n_rows = OUTCOMES**WORD * self.n_words
        if n_rows and n_nodes >= NODES_PER_ROW * n_rows and older_Fc.device.type == "cpu":
            older_WcF = older_Fc.unflatten(1, (self.n_words, -1)).permute(1, 2, 0)
            by_word_WRF = _hot_words(older_Fc.dtype, older_Fc.device) @ older_WcF
            by_word_WRF[0] += fixed_F1.T
            self.by_word_RF = by_word_WRF.flatten(0, 1)
            self.first_row_W = torch.arange(self.n_words, dtype=torch.int32) * len(by_word_WRF[0])

    def one_hot(self, owner_x: torch.Tensor) -> torch.Tensor:
        """The one-hot matrix of the ancestors' outcomes, (x, c)."""
        chosen = self._words(owner_x).flatten()
        hot_words = _hot_words(self.older_Fc.dtype, owner_x.device)
        return hot_words.index_select(0, chosen).view(len(owner_x), self.older_Fc.shape[1])

    def of(self, owner_x: torch.Tensor, hot_xc: torch.Tensor | None = None) -> torch.Tensor:
        """The sums (F, x) of nodes that some configurations own, in either order in memory.

        Args:
            owner_x: the configurations.
            hot_xc: `one_hot` of them, if it is there.
        """
        if self.by_word_RF is not None:
            row_xW = self._words(owner_x) + self.first_row_W
            return F.embedding_bag(row_xW, self.by_word_RF, mode="sum").T
        hot_xc = self.one_hot(owner_x) if hot_xc is None else hot_xc
        return torch.addmm(self.fixed_F1, self.older_Fc, hot_xc.T)

    def _words(self, owner_x: torch.Tensor) -> torch.Tensor:
        return self.words_MW[:, : self.n_words].index_select(0, owner_x)
