"""The public code's way to sample: without the causal mask, kept to show what it does to two-layer results.

While outcome k is drawn, every earlier position attends to all positions so far, later ones included. One layer reads
only the last position, whose attention is the same with and without the mask; from two layers on the samples come
from another distribution than the one that scores them.

Tensor suffixes: B samples, N sites, D width, K outcomes.
"""

from __future__ import annotations

import torch

from repro.ansatz.string_mixture import StringMixture
from repro.ansatz.transformer import START, Transformer


@torch.no_grad()
def unmasked_sample(model: StringMixture, n: int, generator: torch.Generator | None = None) -> torch.Tensor:
    """n configurations in site order, shape (n, N), drawn position by position without a mask."""
    device = model.orders_SN.device
    tokens_BN = torch.full((n, 1), START, dtype=torch.long, device=device)
    for _ in range(model.n_sites):
        p_BK = torch.softmax(_last_logits(model.transformer, tokens_BN), -1)
        tokens_BN = torch.cat([tokens_BN, torch.multinomial(p_BK, 1, generator=generator)], 1)
    return model.placed(tokens_BN[:, 1:], generator)


def _last_logits(transformer: Transformer, tokens_BN: torch.Tensor) -> torch.Tensor:
    x_BND = transformer.embedding(tokens_BN) + transformer.positions_ND[: tokens_BN.shape[1]]
    for layer in transformer.stack():
        x_BND = layer.finish(x_BND, layer.attend(*layer.project(x_BND)))
    return transformer.logits_at(x_BND[:, -1], tokens_BN.shape[1] - 1)
