"""Kraus operators of what dissipates on one site during a time: exp(h D)(rho) = sum_k K_k rho K_k^+."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from repro.physics.lindblad import IDENTITY, Jump

SMALLEST = 1e-12
"""Weights below it are rounding."""


def kraus_operators(jumps: Iterable[Jump], h: float) -> list[np.ndarray]:
    """From the eigenvectors of the Choi matrix of exp(h D), four 2x2 matrices at most.

    Args:
        jumps: on one and the same site.
        h: time (1/rate).
    """
    from scipy.linalg import expm

    D = np.zeros((4, 4), dtype=complex)  # of the entries of rho, row by row
    for jump in jumps:
        G, loss = jump.operator, jump.operator.conj().T @ jump.operator
        D += jump.rate * (np.kron(G, G.conj()) - (np.kron(loss, IDENTITY) + np.kron(IDENTITY, loss.T)) / 2)
    choi = expm(h * D).reshape(2, 2, 2, 2).transpose(0, 2, 1, 3).reshape(4, 4)
    weights, vectors = np.linalg.eigh(choi)
    return [math.sqrt(w) * v.reshape(2, 2) for w, v in zip(weights, vectors.T, strict=True) if w > SMALLEST]
