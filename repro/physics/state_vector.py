"""State vectors in single precision, site 0 the slowest index: product states, and Paulis averaged over the sites."""

from __future__ import annotations

import math
from functools import reduce

import numpy as np

from repro.physics.povm import BlochState, product_state_density


def product_state(initial_state: BlochState, n_sites: int) -> np.ndarray:
    """All spins in one Bloch direction, a unit vector or its name, shape (2^N,)."""
    one_spin = np.linalg.eigh(product_state_density(initial_state))[1][:, -1].astype(np.complex64)
    return reduce(lambda psi, spin: np.outer(psi, spin).ravel(), [one_spin] * n_sites)


def site_averages(psi: np.ndarray) -> np.ndarray:
    """<sigma_x>, <sigma_y>, <sigma_z> of a vector of any norm, averaged over the sites; sums in double precision."""
    n_sites = int(math.log2(psi.size))
    half = n_sites // 2
    front = psi.reshape(2**half, -1)
    found = [_of_first_sites(front, half), _of_first_sites(np.ascontiguousarray(front.T), n_sites - half)]
    up, coherence = np.sum([sums for sums, _ in found], axis=0) / n_sites
    weight = found[0][1]
    return np.array([2 * coherence.real, 2 * coherence.imag, 2 * up.real - weight]) / weight


def _of_first_sites(psi: np.ndarray, n_sites: int) -> tuple[tuple[complex, complex], float]:
    """Sums over the first sites of the weight of |0> and of conj(psi_0) psi_1, and the whole weight; the last axis is
    the other sites."""
    weights = np.vecdot(psi, psi).astype(complex)
    up = coherence = 0.0j
    for site in range(n_sites):
        pairs = psi.reshape(2**site, 2, -1, psi.shape[-1])
        up += weights.reshape(2**site, 2, -1)[:, 0].sum()
        coherence += np.vecdot(pairs[:, 0], pairs[:, 1]).sum(dtype=complex)
    return (up, coherence), float(weights.sum().real)
