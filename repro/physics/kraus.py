"""Kraus operators of what dissipates on some sites during a time: exp(h D)(rho) = sum_k K_k rho K_k^+."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from repro.physics.lindblad import Jump

SMALLEST = 1e-12
"""Weights below it are rounding."""


def kraus_operators(jumps: Sequence[Jump], h: float) -> list[np.ndarray]:
    """From the eigenvectors of the Choi matrix of exp(h D), d x d matrices, d^2 of them at most.

    Args:
        jumps: one at least, all on the same sites in the same order.
        h: time (1/rate).
    """
    from scipy.linalg import expm

    d = len(jumps[0].operator)
    identity, D = np.eye(d), np.zeros((d**2, d**2), dtype=complex)  # of the entries of rho, row by row
    for jump in jumps:
        G, loss = jump.operator, jump.operator.conj().T @ jump.operator
        D += jump.rate * (np.kron(G, G.conj()) - (np.kron(loss, identity) + np.kron(identity, loss.T)) / 2)
    choi = expm(h * D).reshape(d, d, d, d).transpose(0, 2, 1, 3).reshape(d**2, d**2)
    weights, vectors = np.linalg.eigh(choi)
    return [math.sqrt(w) * v.reshape(d, d) for w, v in zip(weights, vectors.T, strict=True) if w > SMALLEST]
