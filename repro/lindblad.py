"""Lindblad models on a lattice (Eq. 1): local Hamiltonian terms and jump operators.

    drho/dt = -i [H, rho] + sum_k gamma_k / 2 (2 G_k rho G_k^+ - {rho, G_k^+ G_k})

hbar = 1 and gamma = 1 sets the unit of time. Basis |0> = |up> (sigma_z = +1), |1> = |down>.
Two-site operators are 4x4 matrices in the order kron(site i, site j).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from repro.errors import InputError
from repro.lattice import Bond, Lattice

IDENTITY = np.eye(2, dtype=complex)
SIGMA_X = np.array([[0, 1], [1, 0]], dtype=complex)
SIGMA_Y = np.array([[0, -1j], [1j, 0]], dtype=complex)
SIGMA_Z = np.array([[1, 0], [0, -1]], dtype=complex)
SIGMA_MINUS = (SIGMA_X - 1j * SIGMA_Y) / 2
PAULIS = {"x": SIGMA_X, "y": SIGMA_Y, "z": SIGMA_Z}


@dataclass(frozen=True)
class HamiltonianTerm:
    """A Hermitian operator on one or two sites (energy in units of gamma)."""

    sites: tuple[int, ...]
    operator: np.ndarray


@dataclass(frozen=True)
class Jump:
    """A jump operator Gamma_k on one or two sites with its rate gamma_k >= 0."""

    sites: tuple[int, ...]
    operator: np.ndarray
    rate: float


class LindbladModel:
    """Any Lindblad equation with one- and two-site terms.

    Args:
        lattice: the sites; terms may join any two of them, bonded or not.
        one_site: pairs (i, 2x2 Hermitian matrix).
        two_site: pairs ((i, j), 4x4 Hermitian matrix), kron order (i, j).
        jumps: triples (sites, matrix, rate); `sites` is i, (i,) or (i, j).

    Raises:
        InputError: a site outside the lattice, a matrix of the wrong shape, a Hamiltonian term that is not
            Hermitian, a negative rate.
    """

    def __init__(
        self,
        lattice: Lattice,
        one_site: Iterable[tuple[int, np.ndarray]] = (),
        two_site: Iterable[tuple[Bond, np.ndarray]] = (),
        jumps: Iterable[tuple[int | Sequence[int], np.ndarray, float]] = (),
    ) -> None:
        self.lattice = lattice
        terms = [self._hamiltonian_term((i,), op) for i, op in one_site]
        terms += [self._hamiltonian_term(tuple(pair), op) for pair, op in two_site]
        self.hamiltonian_terms: tuple[HamiltonianTerm, ...] = tuple(terms)
        self.jumps: tuple[Jump, ...] = tuple(self._jump(sites, op, rate) for sites, op, rate in jumps)

    def _hamiltonian_term(self, sites: tuple[int, ...], operator: np.ndarray) -> HamiltonianTerm:
        matrix = self._checked_operator("Hamiltonian term", sites, operator)
        if not np.allclose(matrix, matrix.conj().T, atol=1e-12):
            raise InputError(f"Hamiltonian term on sites {sites}: not Hermitian")
        return HamiltonianTerm(sites, matrix)

    def _jump(self, sites: int | Sequence[int], operator: np.ndarray, rate: float) -> Jump:
        where = (sites,) if isinstance(sites, (int, np.integer)) else tuple(sites)
        matrix = self._checked_operator("jump operator", where, operator)
        if not (np.isfinite(rate) and rate >= 0):
            raise InputError(f"jump operator on sites {where}: rate {rate}, expected a number >= 0")
        return Jump(where, matrix, float(rate))

    def _checked_operator(self, what: str, sites: tuple[int, ...], operator: np.ndarray) -> np.ndarray:
        matrix = np.asarray(operator, dtype=complex)
        if len(sites) not in (1, 2) or len(set(sites)) != len(sites):
            raise InputError(f"{what} on sites {sites}: expected one site or two different sites")
        if not all(0 <= site < self.lattice.n_sites for site in sites):
            raise InputError(f"{what} on sites {sites}: the lattice has sites 0 to {self.lattice.n_sites - 1}")
        dim = 2 ** len(sites)
        if matrix.shape != (dim, dim):
            raise InputError(f"{what} on sites {sites}: shape {matrix.shape}, expected {(dim, dim)}")
        if not np.isfinite(matrix).all():
            raise InputError(f"{what} on sites {sites}: has entries that are not finite")
        return matrix


def _decay(lattice: Lattice, gamma: float) -> list[tuple[int, np.ndarray, float]]:
    return [(site, SIGMA_MINUS, gamma) for site in lattice.sites]


def tfim(lattice: Lattice, V: float, g: float, gamma: float = 1.0) -> LindbladModel:
    """Dissipative transverse-field Ising model, H = V/4 sum_<ij> Z_i Z_j + g/2 sum_k X_k, decay sigma^-."""
    return LindbladModel(
        lattice,
        one_site=[(site, g / 2 * SIGMA_X) for site in lattice.sites],
        two_site=[(bond, V / 4 * np.kron(SIGMA_Z, SIGMA_Z)) for bond in lattice.bonds],
        jumps=_decay(lattice, gamma),
    )


def heisenberg(lattice: Lattice, J: tuple[float, float, float], B: float = 0.0, gamma: float = 1.0) -> LindbladModel:
    """Dissipative Heisenberg model, H = sum_<ij> (Jx XX + Jy YY + Jz ZZ) + B sum_k Z_k, decay sigma^-."""
    exchange = np.sum([c * np.kron(pauli, pauli) for c, pauli in zip(J, PAULIS.values(), strict=True)], axis=0)
    return LindbladModel(
        lattice,
        one_site=[(site, B * SIGMA_Z) for site in lattice.sites],
        two_site=[(bond, exchange) for bond in lattice.bonds],
        jumps=_decay(lattice, gamma),
    )
