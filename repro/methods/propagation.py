"""exp(h L) p of every configuration, by Taylor series: what a projection learns, and an oracle for other evolutions."""

from __future__ import annotations

import torch

from repro.methods.sanity import WrongNumbersError
from repro.physics.liouvillian import LocalLiouvillian
from repro.utils.errors import InputError
from repro.utils.validation import check_float

TAYLOR_STEP = 0.05
"""About the time that one Taylor series covers at first, units of 1/gamma."""
TAYLOR_ORDER = 30
HALVINGS = 8
"""How often that time is tried at half its length before giving up."""


def propagate(liouvillian: LocalLiouvillian, p: torch.Tensor, h: float, relative: float = 1e-7) -> torch.Tensor:
    """exp(h L) p by Taylor series in double precision, shape (4,) * N.

    Args:
        liouvillian: L.
        p: shape (4,) * N.
        h: time, units of 1/gamma.
        relative: the series ends where a term is below this fraction of the sum, in the L1 norm; over a longer time
            than 1 below so much less.

    Raises:
        InputError: a time below 0, `relative` not above 0, or another shape.
        WrongNumbersError: no series converges, however short its time.
    """
    if check_float("time", h) < 0 or check_float("relative", relative) <= 0:
        raise InputError(f"propagating by {h} to {relative}: expected a time not below 0 and a fraction above 0")
    parts = remaining = max(1, round(h / TAYLOR_STEP))
    relative /= max(1.0, h)  # what the series leave out adds up
    q, halvings = p.double(), 0
    while remaining:
        later = _series(liouvillian, q, h / parts, relative)
        if later is not None:
            q, remaining = later, remaining - 1
        elif halvings == HALVINGS:
            raise WrongNumbersError(
                f"propagating by {h:.6g} units of 1/gamma: the Taylor series does not converge; shorter time steps help"
            )
        else:
            parts, remaining, halvings = 2 * parts, 2 * remaining, halvings + 1
    return q


def _series(liouvillian: LocalLiouvillian, p: torch.Tensor, h: float, relative: float) -> torch.Tensor | None:
    """exp(h L) p, or None where the terms do not become small within TAYLOR_ORDER."""
    term, total = p, p.clone()
    for order in range(1, TAYLOR_ORDER + 1):
        term = liouvillian.apply(term) * (h / order)
        total += term
        if float(term.abs().sum()) < relative * float(total.abs().sum()):
            return total
    return None
