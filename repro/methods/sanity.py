"""Checks of losses, gradients and probabilities while they are computed; a failed one stops the point."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch

EXPLOSION = 1e3
"""A loss this many times its value at the start of the epoch (plus one) has exploded."""
NORMALISATION = 1e-3
"""How far the sum of all probabilities, in single precision, may be from one."""
LEAST_EFFECTIVE = 2.0
"""With fewer effective draws a sum over draws says nothing."""


class WrongNumbersError(FloatingPointError):
    """A point's numbers failed a check; checkpoints saved before are good."""


def check_loss(loss: float, first: float, where: str) -> None:
    """Refuse a loss that is not finite, or has grown out of all proportion.

    Args:
        loss: of this iteration.
        first: of the epoch's first iteration.
        where: epoch and iteration, for the message.

    Raises:
        WrongNumbersError: says which, where, and the value.
    """
    if not math.isfinite(loss):
        raise WrongNumbersError(f"loss is not finite at {where}")
    limit = EXPLOSION * (abs(first) + 1)
    if abs(loss) > limit:
        raise WrongNumbersError(f"loss = {loss:.3g} at {where}: it has exploded (the epoch began with {first:.3g})")


def check_gradients(parameters: Iterable[torch.nn.Parameter], where: str) -> None:
    """Refuse gradients that are not finite, before they spoil the state.

    Raises:
        WrongNumbersError: one entry or more is not.
    """
    gradients = [each.grad for each in parameters if each.grad is not None]
    if gradients and not math.isfinite(float(torch.nn.utils.get_total_norm(gradients))):
        raise WrongNumbersError(f"gradient is not finite at {where}")


def check_finite(values: Mapping[str, float], where: str) -> None:
    """Refuse statistics or means that are not finite.

    Raises:
        WrongNumbersError: names the first.
    """
    for name, value in values.items():
        if not math.isfinite(value):
            raise WrongNumbersError(f"{name} is not finite at {where}")


def check_normalised(p: torch.Tensor, where: str) -> None:
    """Refuse a distribution, given on all configurations, that does not sum to one.

    Raises:
        WrongNumbersError: says what it sums to.
    """
    total = float(p.sum(dtype=torch.float64))
    if not abs(total - 1) <= NORMALISATION:
        raise WrongNumbersError(f"the probabilities sum to {total:.6g} at {where}: expected one")


def check_effective_samples(stats: Mapping[str, float], n_samples: int | None, where: str) -> None:
    """Refuse draws that nearly all count for nothing: the state has left the region that was drawn from.

    Args:
        stats: with "effective_fraction" (sum w)^2 / (N sum w^2) of the weights w of the draws, where there are weights.
        n_samples: draws per iteration; None for sums over all configurations, where nothing is checked.
        where: for the message.

    Raises:
        WrongNumbersError: fewer than LEAST_EFFECTIVE, and fewer than were drawn.
    """
    effective = stats.get("effective_fraction", 1.0) * (n_samples or 0)
    if n_samples is not None and n_samples > LEAST_EFFECTIVE and effective < LEAST_EFFECTIVE:
        raise WrongNumbersError(
            f"{n_samples} draws count as {effective:.2g} at {where}: expected at least {LEAST_EFFECTIVE:g}; "
            "shorter time steps or more draws help"
        )
