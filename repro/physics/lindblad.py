"""Lindblad models on a lattice (Eq. 1): local Hamiltonian terms and jump operators.

    drho/dt = -i [H, rho] + sum_k gamma_k / 2 (2 G_k rho G_k^+ - {rho, G_k^+ G_k})

hbar = 1 and gamma = 1 sets the unit of time. Basis |0> = |up> (sigma_z = +1), |1> = |down>.
Two-site operators are 4x4 matrices in the order kron(site i, site j).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from repro.physics.lattice import MAX_LATTICE_SITES, Bond, Lattice
from repro.utils.errors import InputError
from repro.utils.formatting import significant
from repro.utils.validation import (
    check_float,
    check_instance,
    check_int,
    check_matrix,
    entries,
    is_hermitian,
    read_only,
    shorten,
)

IDENTITY = read_only(np.eye(2, dtype=complex))
SIGMA_X = read_only(np.array([[0, 1], [1, 0]], dtype=complex))
SIGMA_Y = read_only(np.array([[0, -1j], [1j, 0]], dtype=complex))
SIGMA_Z = read_only(np.array([[1, 0], [0, -1]], dtype=complex))
SIGMA_MINUS = read_only((SIGMA_X - 1j * SIGMA_Y) / 2)
SIGMA_PLUS = read_only((SIGMA_X + 1j * SIGMA_Y) / 2)
UNIT_DIGITS, NOTHING = 14, 1e-200
"""Of energies and rates in a natural unit; what is smaller beside that unit changes no number."""
SCALES = 1e15
"""Largest entry of a jump operator, and one over the smallest: beyond, its square leaves the range of numbers."""
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

    @property
    def acts(self) -> bool:
        """Whether the rate is above zero and the operator not zero."""
        return self.rate > 0 and bool(self.operator.any())

    @property
    def strength(self) -> float:
        """Its rate times the norms of the operator with and without the trace; 0 where it changes nothing."""
        return self.rate * _norm(_traceless(self.operator)) * _norm(self.operator)


class LindbladModel:
    """Any Lindblad equation with one- and two-site terms: a value that nothing changes, equal to one of equal terms.

    Args:
        lattice: the sites; terms may join any two of them, bonded or not.
        one_site: pairs (i, 2x2 Hermitian matrix).
        two_site: pairs ((i, j), 4x4 Hermitian matrix), kron order (i, j).
        jumps: triples (sites, matrix, rate); `sites` is i, (i,) or (i, j). Matrices may be QuTiP objects.

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
        check_instance("lattice", lattice, Lattice)
        self._lattice = lattice
        terms = [self._hamiltonian_term(_sites(i), op) for i, op in entries("one_site", one_site, 2)]
        terms += [self._hamiltonian_term(_sites(pair), op) for pair, op in entries("two_site", two_site, 2)]
        self._hamiltonian_terms = tuple(terms)
        self._jumps = tuple(self._jump(sites, op, rate) for sites, op, rate in entries("jumps", jumps, 3))

    @classmethod
    def of_terms(cls, lattice: Lattice, terms: Sequence[HamiltonianTerm], jumps: Iterable[Jump]) -> LindbladModel:
        """A model of the terms of others, those of one site first; raises as the model itself."""
        ones = [(term.sites[0], term.operator) for term in terms if len(term.sites) == 1]
        twos = [((term.sites[0], term.sites[1]), term.operator) for term in terms if len(term.sites) == 2]
        return cls(lattice, ones, twos, [(jump.sites, jump.operator, jump.rate) for jump in jumps])

    @property
    def lattice(self) -> Lattice:
        """The sites."""
        return self._lattice

    @property
    def hamiltonian_terms(self) -> tuple[HamiltonianTerm, ...]:
        """Terms of H."""
        return self._hamiltonian_terms

    @property
    def jumps(self) -> tuple[Jump, ...]:
        """Jump operators with their rates."""
        return self._jumps

    @property
    def strengths(self) -> tuple[float, ...]:
        """Of every term of H its norm without the trace, and the strength of every jump; those above zero."""
        energies = [_norm(_traceless(term.operator)) for term in self.hamiltonian_terms]
        rates = [jump.strength for jump in self.jumps]
        return tuple(float(strength) for strength in (*energies, *rates) if strength > 0)

    @property
    def unit(self) -> float:
        """The natural unit of energies and rates: the largest strength; 1 where nothing acts."""
        return max(self.strengths, default=1.0)

    @property
    def slowest(self) -> float:
        """The smallest strength of a term that acts; 1 where none does."""
        return min(self.strengths, default=1.0)

    def in_units_of(self, unit: float) -> LindbladModel:
        """The same model with energies and rates divided by a unit, to `UNIT_DIGITS` digits: in any unit the same."""
        terms = [replace(term, operator=_rounded(term.operator / unit)) for term in self.hamiltonian_terms]
        jumps = [replace(jump, rate=significant(jump.rate / unit, UNIT_DIGITS)) for jump in self.jumps]
        return LindbladModel.of_terms(self.lattice, terms, jumps)

    def _key(self) -> tuple[Any, ...]:
        terms = tuple((term.sites, term.operator.tobytes()) for term in self.hamiltonian_terms)
        return self.lattice, terms, tuple((jump.sites, jump.operator.tobytes(), jump.rate) for jump in self.jumps)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LindbladModel) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    @property
    def has_jumps(self) -> bool:
        """Whether anything dissipates; without, no steady state is unique."""
        return any(jump.acts for jump in self.jumps)

    def _hamiltonian_term(self, sites: tuple[int, ...], operator: np.ndarray) -> HamiltonianTerm:
        checked = self._checked_operator("Hamiltonian term", sites, operator)
        if not is_hermitian(checked):
            raise InputError(f"Hamiltonian term on sites {sites}: not Hermitian")
        return HamiltonianTerm(sites, checked)

    def _jump(self, sites: int | Sequence[int], operator: np.ndarray, rate: float) -> Jump:
        where = _sites(sites)
        checked = self._checked_operator("jump operator", where, operator)
        if checked.any() and not 1 / SCALES <= (largest := float(np.abs(checked).max())) <= SCALES:
            raise InputError(
                f"jump operator on sites {where}: largest entry {largest:.3g}, expected 1e-15 to 1e15 (rates: any)"
            )
        if check_float(f"jump operator on sites {where}: rate", rate) < 0:
            raise InputError(f"jump operator on sites {where}: rate {rate}, expected a number >= 0")
        return Jump(where, checked, float(rate))

    def _checked_operator(self, what: str, sites: tuple[int, ...], operator: np.ndarray) -> np.ndarray:
        where = f"{what} on sites {sites}"
        array = check_matrix(where, operator)
        if len(sites) not in (1, 2) or len(set(sites)) != len(sites):
            raise InputError(f"{where}: expected one site or two different sites")
        if not all(0 <= site < self.lattice.n_sites for site in sites):
            raise InputError(f"{where}: the lattice has sites 0 to {self.lattice.n_sites - 1}")
        dim = 2 ** len(sites)
        if array.shape != (dim, dim):
            raise InputError(f"{where}: shape {array.shape}, expected {(dim, dim)}")
        return array


def _traceless(operator: np.ndarray) -> np.ndarray:
    """An operator without its multiple of one, which alone moves nothing."""
    return operator - np.trace(operator) / len(operator) * np.eye(len(operator))


def _rounded(operator: np.ndarray) -> np.ndarray:
    """Entries to `UNIT_DIGITS` digits of the largest one; zero where that is beyond what can act."""
    size = np.abs(operator).max(initial=0.0)
    if size < NOTHING:
        return np.zeros_like(operator)
    scale = 10.0 ** (UNIT_DIGITS - math.ceil(math.log10(size)))
    return np.round(operator * scale) / scale


def _norm(operator: np.ndarray) -> float:
    """Largest singular value."""
    return float(np.linalg.norm(operator, 2))


def _sites(given: Any) -> tuple[int, ...]:
    """Sites of a term in Python's own whole numbers."""
    sites = given if isinstance(given, Iterable) and not isinstance(given, str | bytes) else (given,)
    return tuple(check_int(f"term on sites {shorten(given)}: site", site, -MAX_LATTICE_SITES) for site in sites)


def _decay(lattice: Lattice, gamma: float) -> list[tuple[int, np.ndarray, float]]:
    return [(site, SIGMA_MINUS, gamma) for site in lattice.sites]


def tfim(lattice: Lattice, V: float, g: float, gamma: float = 1.0) -> LindbladModel:
    """Dissipative transverse-field Ising model, H = V/4 sum_<ij> Z_i Z_j + g/2 sum_k X_k, decay sigma^-."""
    V, g = check_float("V", V), check_float("g", g)
    return LindbladModel(
        lattice,
        one_site=[(site, g / 2 * SIGMA_X) for site in lattice.sites],
        two_site=[(bond, V / 4 * np.kron(SIGMA_Z, SIGMA_Z)) for bond in lattice.bonds],
        jumps=_decay(lattice, gamma),
    )


def heisenberg(lattice: Lattice, J: tuple[float, float, float], B: float = 0.0, gamma: float = 1.0) -> LindbladModel:
    """Dissipative Heisenberg model, H = sum_<ij> (Jx XX + Jy YY + Jz ZZ) + B sum_k Z_k, decay sigma^-."""
    if not isinstance(J, Sequence | np.ndarray) or len(J) != 3:
        raise InputError(f"J = {J}: expected three numbers, the couplings along x, y and z")
    exchange = np.sum(
        [check_float("J", c) * np.kron(pauli, pauli) for c, pauli in zip(J, PAULIS.values(), strict=True)], axis=0
    )
    return LindbladModel(
        lattice,
        one_site=[(site, check_float("B", B) * SIGMA_Z) for site in lattice.sites],
        two_site=[(bond, exchange) for bond in lattice.bonds],
        jumps=_decay(lattice, gamma),
    )
