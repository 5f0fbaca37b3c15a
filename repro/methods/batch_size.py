"""How much memory an evaluation on a prefix tree takes, counted before it starts.

The number of nodes is bounded as if no two samples shared a prefix; bytes per node are counted from the tensors that
autograd keeps.
"""

from __future__ import annotations

import torch

from repro.ansatz.string_mixture import StringMixture
from repro.ansatz.transformer import TransformerConfig
from repro.methods.connected import NeighbourTables
from repro.utils.errors import InputError

GIB = 2**30
# Indices of levels and paths, the node's log-probabilities and their gradient, all in 8 or 4 x 4 bytes.
BYTES_OF_TREE = 220
# Tensors of the hidden width that autograd keeps per node: around the table of the first layer, and in each later one
# queries, keys, values, those of ancestors, contexts, residual sums and their gradients.
WIDTHS_OF_FIRST_LAYER = 8
WIDTHS_OF_LAYER = 20


def nodes_per_sample(tables: NeighbourTables, orders_SN: torch.Tensor) -> float:
    """Unique prefixes of a sample and its neighbours, all strings, if no other sample shares any."""
    N = orders_SN.shape[1]
    doubles_P = tables.double_changes_P()
    total = 0.0
    for position_N in torch.argsort(orders_SN.cpu(), 1):
        single = 3 * N * (N - 1) / 2
        later_P = position_N[tables.pairs_P2.cpu()].amax(1) if len(doubles_P) else position_N[:0]
        total += N + single + float((doubles_P.cpu() * (N - 1 - later_P)).sum())
    return total


def bytes_per_node(config: TransformerConfig, dtype: torch.dtype) -> float:
    """Memory of one node with everything that its gradient needs."""
    if config.layers == 1 and config.norm == "none":
        return BYTES_OF_TREE
    widths = WIDTHS_OF_FIRST_LAYER + WIDTHS_OF_LAYER * (config.layers - 1)
    return BYTES_OF_TREE + widths * config.width * torch.finfo(dtype).bits // 8


def samples_within(memory: int, model: StringMixture, tables: NeighbourTables) -> int:
    """Samples that one evaluation with its gradient can hold.

    Raises:
        InputError: not even one.
    """
    config, dtype = model.transformer.config, next(model.parameters()).dtype
    nodes = len(model.outcome_maps_RK) * nodes_per_sample(tables, model.orders_SN)
    per_sample = nodes * bytes_per_node(config, dtype)
    size = int(memory / per_sample)
    if size < 1:
        raise InputError(
            f"memory of {memory / GIB:.3g} GiB: one sample with its neighbours takes {per_sample / GIB:.3g} GiB, "
            "expected at least that"
        )
    return size
