"""Time-evolving block decimation of a density matrix as a matrix product in the Pauli basis.

A chain of N sites, or with two sites that repeat the infinite chain. Each pair is evolved by exp(dt L) of its bond
(Trotter, second order) and cut to the largest singular values, in Hastings' form that divides by none of them. No norm
is kept by L, so that the cut is not optimal: errors are measured, by other bond dimensions and time steps
(`repro.references.chain`), not taken from what was cut. The trace is watched: what it loses is a warning.

Array suffixes: l, m, r bonds of the product; a, b Pauli coefficients of a site (1, x, y, z).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import scipy.linalg

from repro.utils.errors import InputError

SMALLEST = 1e-13
"""Singular values below this part of the largest are noise."""
POWERS = 2000
CONVERGED = 1e-12

Gates = dict[int, np.ndarray]


class MatrixProduct:
    """A density matrix as a product of matrices.

    Args:
        vectors: (1, x, y, z) of every site's product state at the start; of two sites that repeat if `infinite`.
        bond_dimension: largest.
        infinite: whether the sites repeat for ever.

    Attributes:
        log_norm: logarithm of what was divided by, of the whole chain or of a cell.
    """

    def __init__(self, vectors: Sequence[np.ndarray], bond_dimension: int, infinite: bool = False) -> None:
        if infinite and len(vectors) != 2:
            raise InputError(f"infinite chain of cells of {len(vectors)} sites: expected 2")
        self.bond_dimension, self.infinite = bond_dimension, infinite
        self.B = [np.asarray(vector, dtype=float).reshape(1, 4, 1) for vector in vectors]
        self.values = [np.ones(1) for _ in vectors]  # of the bond to the right of each site
        self.log_norm = 0.0

    @property
    def n_sites(self) -> int:
        """Sites, or those of a cell."""
        return len(self.B)

    def apply(self, gate_abab: np.ndarray, left: int) -> None:
        """Apply a two-site map, (4, 4, 4, 4), to a site and its right neighbour, and cut."""
        right = (left + 1) % self.n_sites
        pair_labr = np.einsum("lam,mbr->labr", self.B[left], self.B[right], optimize=True)
        pair_labr = np.einsum("abcd,lcdr->labr", gate_abab, pair_labr, optimize=True)
        weighted = self.values[left - 1][:, None, None, None] * pair_labr
        n_left, n_right = pair_labr.shape[0], pair_labr.shape[-1]
        _, values, right_m = _svd(weighted.reshape(4 * n_left, 4 * n_right))
        kept = min(self.bond_dimension, int((values > SMALLEST * values[0]).sum()))
        norm = float(np.linalg.norm(values[:kept]))
        self.values[left] = values[:kept] / norm
        self.B[right] = right_m[:kept].reshape(kept, 4, n_right)
        self.B[left] = np.einsum("labr,mbr->lam", pair_labr, self.B[right], optimize=True) / norm
        self.log_norm += math.log(norm)

    def trace(self) -> float:
        """Of the density matrix, or its growth for each cell of the infinite chain; one but for what was cut."""
        left, right = self._edges()
        return float(left @ self._matrices({}) @ right / (left @ right) * math.exp(self.log_norm))

    def mean(self, string: Mapping[int, int]) -> float:
        """<P> of a Pauli string {site: 1, 2 or 3}, identity elsewhere; of the infinite chain within a cell."""
        left, right = self._edges()
        return float((left @ self._matrices(string) @ right) / (left @ self._matrices({}) @ right))

    def means(self, strings: Sequence[Mapping[int, int]]) -> np.ndarray:
        """<P> of many strings, shape (strings,); on the infinite chain averaged over translations by one site.

        There sites are any numbers, not those of a cell: only their distances count.
        """
        if self.infinite:
            edges = self._edges()
            return np.array([self._translated(string, *edges) for string in strings])
        traced = [B[:, 0, :] for B in self.B]
        before, after = [np.ones(1)], [np.ones(1)]  # of the sites left of one, and of itself and those right of it
        for k in range(self.n_sites):
            before.append(before[-1] @ traced[k])
            after.append(traced[-1 - k] @ after[-1])
        after.reverse()
        found = []
        for string in strings:
            first, last = min(string, default=0), max(string, default=0)
            vector = before[first]
            for site in range(first, last + 1):
                vector = vector @ self.B[site][:, string.get(site, 0), :]
            found.append(vector @ after[last + 1] / (before[-1] @ after[-1]))
        return np.array(found)

    def purity(self) -> float:
        """Tr rho^2 = 2^-N sum_a c_a^2 of a chain of finite length, over the square of the trace."""
        overlap_lm = np.ones((1, 1))
        for B in self.B:
            moved = np.einsum("lm,lar->mar", overlap_lm, B, optimize=True)
            overlap_lm = np.einsum("mar,mas->rs", moved, B, optimize=True) / 2
        return float(overlap_lm[0, 0] / np.squeeze(self._matrices({})) ** 2)

    def _translated(self, string: Mapping[int, int], left: np.ndarray, right: np.ndarray) -> float:
        """<P> on the infinite chain, averaged over the two sites of a cell that it may begin at."""
        begin, found = min(string, default=0), []
        for shift in (0, 1):
            letters = {site - begin + shift: w for site, w in string.items()}
            vector = alone = left
            for site in range(2 * (max(letters, default=0) // 2 + 1)):
                B = self.B[site % 2]
                vector, alone = vector @ B[:, letters.get(site, 0), :], alone @ B[:, 0, :]
            found.append(vector @ right / (alone @ right))
        return float(np.mean(found))

    def site_means(self) -> np.ndarray:
        """<sigma_x>, <sigma_y>, <sigma_z> averaged over the sites."""
        left, right = self._edges()
        traced = [B[:, 0, :] for B in self.B]
        before, after = [left], [right]
        for k in range(self.n_sites - 1):
            before.append(before[-1] @ traced[k])
            after.append(traced[-1 - k] @ after[-1])
        after.reverse()
        whole = before[-1] @ traced[-1] @ right
        means = [[before[k] @ B[:, w, :] @ after[k] / whole for w in (1, 2, 3)] for k, B in enumerate(self.B)]
        return np.array(means).mean(0)

    def _matrices(self, string: Mapping[int, int]) -> np.ndarray:
        product = np.eye(len(self.values[-1]))
        for site, B in enumerate(self.B):
            product = product @ B[:, string.get(site, 0), :]
        return product

    def _edges(self) -> tuple[np.ndarray, np.ndarray]:
        """What the rest of the chain contributes to a trace, on the left and on the right."""
        if not self.infinite:
            return np.ones(1), np.ones(1)
        cell = self._matrices({})
        return _dominant(cell.T), _dominant(cell)


def _dominant(matrix: np.ndarray) -> np.ndarray:
    """The eigenvector of the largest eigenvalue, by powers."""
    vector = np.ones(len(matrix)) / math.sqrt(len(matrix))
    for _ in range(POWERS):
        moved = matrix @ vector
        moved /= np.linalg.norm(moved)
        if np.abs(moved - vector).max() < CONVERGED:
            break
        vector = moved
    return vector


def _svd(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    try:
        return scipy.linalg.svd(matrix, full_matrices=False)
    except np.linalg.LinAlgError:  # the divide and conquer driver fails now and then
        return scipy.linalg.svd(matrix, full_matrices=False, lapack_driver="gesvd")


def evolve(
    state: MatrixProduct,
    generators: Mapping[int, np.ndarray],
    times: Sequence[float],
    dt: float,
    measure: Callable[[MatrixProduct], np.ndarray] = MatrixProduct.site_means,
) -> list[np.ndarray]:
    """What is measured at some times, by default the site-averaged Paulis; the state ends at the last.

    Args:
        state: the start.
        generators: L of the bond to the right of a site, 16x16, by that site.
        times: ascending from 0, multiples of dt.
        dt: time step.
        measure: called with the state at each of the times.

    Returns:
        What `measure` returns, for each time.
    """
    even = {left: each for left, each in generators.items() if left % 2 == 0}
    odd = {left: each for left, each in generators.items() if left % 2 == 1}
    half, whole, odd_whole = (_gates(even, dt / 2), _gates(even, dt), _gates(odd, dt))
    found, done = [measure(state)], 0
    for t in times[1:]:
        steps = round(t / dt) - done
        _apply(state, half)
        for step in range(steps):
            _apply(state, odd_whole)
            _apply(state, whole if step < steps - 1 else half)
        done += steps
        found.append(measure(state))
    return found


def at_rest(
    state: MatrixProduct,
    generators: Mapping[int, np.ndarray],
    dt: float,
    span: float,
    limit: float,
    longest: float,
    least: float = 0.0,
) -> tuple[np.ndarray, float, float]:
    """Evolve until the site-averaged Paulis move by at most a limit within a span of time, or so long.

    Returns:
        The Paulis, (3,), the most that one of them moved by over the last span, and the time.
    """
    t, moved, means = 0.0, math.inf, state.site_means()
    while t < longest and (t < least or moved > limit):
        before, means = means, evolve(state, generators, [0.0, span], dt)[-1]
        moved, t = float(np.abs(means - before).max()), t + span
    return means, moved, t


def _gates(generators: Mapping[int, np.ndarray], dt: float) -> Gates:
    return {left: scipy.linalg.expm(dt * L).reshape(4, 4, 4, 4) for left, L in generators.items()}


def _apply(state: MatrixProduct, gates: Gates) -> None:
    for left, gate in gates.items():
        state.apply(gate, left)
