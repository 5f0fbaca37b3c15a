"""The first layer's output at the nodes of a tree, for networks of several layers without normalisation.

Sums of the first layer's table over ancestors (`repro.ansatz.first_layer_table`) are divided by their denominator and
go through the feed-forward sublayer, chunk by chunk in a processor's cache; the gradient is written by hand.

Tensor suffixes: X nodes of one level, x nodes of a chunk, A newest outcome, l and h the older and the newer of its
ancestors' outcomes, c a chunk of h, H heads, D width, F features (D and, last, the denominator), U inner width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from repro.ansatz.transformer import Layer

Kept = tuple[torch.Tensor, ...]
N_WEIGHTS = N_KEPT = 4
"""Of the feed-forward sublayer; of what is kept for the gradient of a chunk."""


def parameters(layer: Layer) -> Kept:
    """Weights and biases of the feed-forward sublayer, in the order that functions here take them."""
    return layer.expand.weight, layer.expand.bias, layer.contract.weight, layer.contract.bias


def output_of_sums(sums_HxF: torch.Tensor, feed_forward: Sequence[torch.Tensor]) -> tuple[torch.Tensor, Kept]:
    """The layer's output (x, D) from numerators and, last, a denominator, and what its gradient needs.

    y = sum over heads of numerator / denominator;  output = y + W_c gelu(W_e y + b_e) + b_c
    """
    expand_UD, expand_U, contract_DU, contract_D = feed_forward
    inverse_Hx1 = sums_HxF[..., -1:].reciprocal()
    part_HxD = sums_HxF[..., :-1] * inverse_Hx1
    mixed_xD = (part_HxD.sum(0) if len(part_HxD) > 1 else part_HxD[0]).to(expand_UD.dtype)
    inputs_xU = torch.addmm(expand_U, mixed_xD, expand_UD.T)
    output_xD = torch.addmm(mixed_xD + contract_D, F.gelu(inputs_xU), contract_DU.T)
    return output_xD, (inverse_Hx1, part_HxD, mixed_xD, inputs_xU)


def by_chunk(saved: Sequence[torch.Tensor]) -> list[Kept]:
    """What `output_of_sums` gave for each chunk, of all chunks in a row.

    That way it is saved by autograd itself: what hangs elsewhere on a graph, a checkpoint of it cannot drop.
    """
    return [tuple(saved[first : first + N_KEPT]) for first in range(0, len(saved), N_KEPT)]


def gradients_of_sums(
    d_output_xD: torch.Tensor, kept: Kept, feed_forward: Sequence[torch.Tensor], d_feed_forward: Sequence[torch.Tensor]
) -> torch.Tensor:
    """Gradient of the sums from that of the output; adds those of the sublayer's weights to `d_feed_forward`."""
    expand_UD, _, contract_DU, _ = feed_forward
    inverse_Hx1, part_HxD, mixed_xD, inputs_xU = kept
    d_inputs_xU = torch.ops.aten.gelu_backward(d_output_xD @ contract_DU, inputs_xU)
    found = (d_inputs_xU.T @ mixed_xD, d_inputs_xU.sum(0), d_output_xD.T @ F.gelu(inputs_xU), d_output_xD.sum(0))
    for total, part in zip(d_feed_forward, found, strict=True):
        total += part
    d_mixed_xD = torch.addmm(d_output_xD, d_inputs_xU, expand_UD).to(part_HxD.dtype)
    d_denominator_Hx1 = (part_HxD * d_mixed_xD).sum(-1, keepdim=True).neg_()
    return torch.cat([d_mixed_xD.expand_as(part_HxD), d_denominator_Hx1], -1).mul_(inverse_Hx1)
