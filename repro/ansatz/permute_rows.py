"""Reordering with a cheap gradient."""

from __future__ import annotations

from typing import Any

import torch


class Permute(torch.autograd.Function):
    """x[index] for a permutation of the first axis: its gradient is the inverse gather, cheaper than a scatter."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, index: torch.Tensor, inverse: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(inverse)
        return x.index_select(0, index)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (inverse,) = ctx.saved_tensors
        return grads[0].contiguous().index_select(0, inverse), None, None
