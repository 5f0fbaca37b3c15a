"""State vectors in single precision, site 0 the slowest index: product states, Paulis of every site, Pauli strings.

Sums are in double precision; vectors may have any norm.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import reduce

import numpy as np

from repro.physics.observables import PauliString
from repro.physics.povm import BlochState, product_state_density


def product_of(spins: Sequence[np.ndarray]) -> np.ndarray:
    """The product of one vector of two entries for each site, shape (2^N,)."""
    return reduce(lambda psi, spin: np.outer(psi, spin).ravel(), [np.asarray(s, dtype=np.complex64) for s in spins])


def product_state(initial_state: BlochState, n_sites: int) -> np.ndarray:
    """All spins in one Bloch direction, a unit vector or its name, shape (2^N,)."""
    return product_of([np.linalg.eigh(product_state_density(initial_state))[1][:, -1]] * n_sites)


def site_averages(psi: np.ndarray) -> np.ndarray:
    """<sigma_x>, <sigma_y>, <sigma_z> averaged over the sites."""
    return site_paulis(psi).mean(0)


def site_paulis(psi: np.ndarray) -> np.ndarray:
    """<sigma_x>, <sigma_y>, <sigma_z> of every site, shape (N, 3)."""
    n_sites = int(math.log2(psi.size))
    half = n_sites // 2
    front = psi.reshape(2**half, -1)
    first, weight = _of_first_sites(front, half)
    last, _ = _of_first_sites(np.ascontiguousarray(front.T), n_sites - half)
    up, coherence = np.concatenate([first, last]).T
    return np.stack([2 * coherence.real, 2 * coherence.imag, 2 * up.real - weight], axis=1) / weight


def string_means(psi: np.ndarray, strings: Iterable[PauliString]) -> np.ndarray:
    """<P> of Pauli strings."""
    rows = psi.reshape(2 ** (int(math.log2(psi.size)) // 2), -1)
    weight = np.vecdot(rows, rows).sum(dtype=complex).real
    return np.array([_string_sum(psi, string) for string in strings]) / weight


def _string_sum(psi: np.ndarray, string: PauliString) -> float:
    """psi^+ P psi: the product of psi^+ and of psi with the sites of X and Y flipped, summed with signs over those of Y
    and Z, and then over all others; Y is -i times a flip that is followed by a sign."""
    flipped = psi
    for site in (site for site, letter in string if letter != "Z"):
        flipped = flipped.reshape(2**site, 2, -1)[:, ::-1].reshape(-1)
    terms = psi.conj() * flipped
    for site in sorted((site for site, letter in string if letter != "X"), reverse=True):
        pairs = terms.reshape(2**site, 2, -1)
        terms = pairs[:, 0] - pairs[:, 1]
    phase = (-1j) ** sum(letter == "Y" for _, letter in string)
    return float((phase * terms.sum(dtype=complex)).real)


def _of_first_sites(psi: np.ndarray, n_sites: int) -> tuple[np.ndarray, float]:
    """Of each of the first sites the weight of |0> and the sum of conj(psi_0) psi_1, (n, 2), and the whole weight; the
    last axis is the other sites."""
    weights = np.vecdot(psi, psi).astype(complex)
    found = np.zeros((n_sites, 2), dtype=complex)
    for site in range(n_sites):
        pairs = psi.reshape(2**site, 2, -1, psi.shape[-1])
        found[site, 0] = weights.reshape(2**site, 2, -1)[:, 0].sum()
        found[site, 1] = np.vecdot(pairs[:, 0], pairs[:, 1]).sum(dtype=complex)
    return found, float(weights.sum().real)
