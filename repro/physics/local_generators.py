"""The terms of L: what every part of a Lindblad equation is in the POVM picture (Eq. 3), one matrix for a few sites.

A term on sites S has a matrix L_a^b of shape (4^s, 4^s): row a (outcome reached), column b (outcome left); outcomes of
two sites are numbered 4 a_i + a_j. Columns sum to zero: probability is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from repro.physics.lindblad import LindbladModel
from repro.physics.povm import Povm

ZERO_ENTRY = 1e-12


@dataclass(frozen=True)
class LocalGenerator:
    """Part of L on a few sites: matrix[a, b] = L_a^b, shape (4^s, 4^s), units of gamma."""

    sites: tuple[int, ...]
    matrix: np.ndarray

    @cached_property
    def nonzero(self) -> np.ndarray:
        """Boolean (4^s, 4^s): where L_a^b differs from zero."""
        return np.abs(self.matrix) > ZERO_ENTRY


def _frame_products(frame: np.ndarray, n_sites: int) -> np.ndarray:
    """Tensor products of one-spin matrices, shape (4^s, 2^s, 2^s), first site slowest."""
    factors = [frame] * n_sites
    out = factors[0]
    for factor in factors[1:]:
        out = np.einsum("aij,bkl->abikjl", out, factor).reshape(out.shape[0] * 4, out.shape[1] * 2, out.shape[2] * 2)
    return out


def frames_of(operator: np.ndarray, povm: Povm) -> tuple[np.ndarray, np.ndarray]:
    """Frame M and dual frame N on the sites of a local operator, (4^s, 2^s, 2^s) each."""
    n_sites = operator.shape[0].bit_length() - 1
    return _frame_products(povm.frame, n_sites), _frame_products(povm.dual_frame, n_sites)


def hamiltonian_generator(operator: np.ndarray, povm: Povm) -> np.ndarray:
    """A_a^b = -i Tr(H [N^(b), M_(a)]) (Eq. 3) of a local Hamiltonian, shape (4^s, 4^s)."""
    M, N = frames_of(operator, povm)
    commutator = np.einsum("ij,bjk->bik", operator, N) - np.einsum("bij,jk->bik", N, operator)
    return np.einsum("aki,bik->ab", M, -1j * commutator).real


def jump_generator(operator: np.ndarray, rate: float, povm: Povm) -> np.ndarray:
    """B_a^b = gamma/2 Tr(2 G N^(b) G^+ M_(a) - G^+ G {N^(b), M_(a)}) (Eq. 3), shape (4^s, 4^s)."""
    M, N = frames_of(operator, povm)
    dagger = operator.conj().T
    loss = dagger @ operator
    refill = 2 * np.einsum("ij,bjk,kl->bil", operator, N, dagger)
    anticommutator = np.einsum("ij,bjk->bik", loss, N) + np.einsum("bij,jk->bik", N, loss)
    return rate / 2 * np.einsum("aki,bik->ab", M, refill - anticommutator).real


def local_generators(model: LindbladModel, povm: Povm) -> tuple[LocalGenerator, ...]:
    """All terms of a model in the POVM picture, summed where they share the same sites."""
    terms = [(term.sites, hamiltonian_generator(term.operator, povm)) for term in model.hamiltonian_terms]
    jumps = [(jump.sites, jump_generator(jump.operator, jump.rate, povm)) for jump in model.jumps]
    return summed([*terms, *jumps])


def summed(parts: Iterable[tuple[tuple[int, ...], np.ndarray]]) -> tuple[LocalGenerator, ...]:
    """Generators of matrices on one or two sites, pairs in ascending order, added where the sites are equal."""
    sums: dict[tuple[int, ...], np.ndarray] = {}
    for sites, matrix in parts:
        if len(sites) == 2 and sites[0] > sites[1]:
            sites = (sites[1], sites[0])
            matrix = matrix.reshape(4, 4, 4, 4).transpose(1, 0, 3, 2).reshape(16, 16)
        sums[sites] = sums.get(sites, 0) + matrix
    return tuple(LocalGenerator(sites, matrix) for sites, matrix in sorted(sums.items()))
