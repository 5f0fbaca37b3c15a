"""Where an evolution ends: the limit of exp(L t) rho_0, also where the steady state is not unique.

A steady state is unique if every invariant subspace holds one common vector. That is so where every site has a jump of
its own which is a nilpotent operator plus a multiple of one, such as sigma^-: applied on all sites it takes any vector
to one product state. Elsewhere the limit depends on the initial state. Up to `DENSE_SITES` it is the projection of
rho_0 onto the kernel of L along its range, from the two null spaces of the dense superoperator; beyond, the evolution
is integrated until it has come to rest.

Everything is in the model's natural unit: its largest energy or rate is 1 (`LindbladModel.unit`).
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from repro.physics.lindblad import IDENTITY, PAULIS, LindbladModel
from repro.references.qutip_solvers import check_state, evolve, lindblad_rhs, qutip_operators, solve_steady_state
from repro.utils.errors import InputError

if TYPE_CHECKING:
    import qutip

DENSE_SITES = 5
"""A superoperator of five sites is a matrix of 1024 rows; of six its null space takes minutes."""
FOLLOWED_SITES = 8
"""Beyond, following an evolution to its end takes an integrator hours."""
ZERO, NOT_ZERO = 1e-14, 1e-9
"""Singular values of L below the first are zero, above the second they are not; between them nobody knows."""
DOUBLINGS = 40
"""exp(L t) is squared so often to see whether what is not at rest dies out."""
SLOWEST = 30.0
"""An evolution is followed for so many times the longest time scale of the model's terms before it may be at rest."""
LONGEST = 1e5
AT_REST = 1e-7
"""What an evolution at rest may still change by over as long a time again."""

SLACK, ROUNDING = 1e-13, 1e-12
"""Changes of a curve are known to the first; those below the last are rounding."""


def has_unique_steady_state(model: LindbladModel) -> bool:
    """Whether the steady state is shown to be unique: a nilpotent jump, up to a multiple of one, on every site."""
    return {jump.sites[0] for jump in model.jumps if jump.acts and len(jump.sites) == 1 and _lowers(jump.operator)} == {
        *model.lattice.sites
    }


def _lowers(operator: np.ndarray) -> bool:
    """Whether a 2x2 matrix is a nonzero nilpotent one plus a multiple of one."""
    shifted = operator - np.trace(operator) / 2 * np.eye(2)
    size = np.abs(shifted).max()
    return bool(size > 1e-9 * np.abs(operator).max() and np.abs(shifted @ shifted).max() <= 1e-12 * size**2)


def steady_state(model: LindbladModel, initial: qutip.Qobj | None = None) -> tuple[str, qutip.Qobj]:
    """How it was found, and the steady state: where it is not shown to be unique, the limit from an initial state.

    Args:
        model: the Lindblad equation, any unit.
        initial: density matrix that the evolution starts from; None where only a unique steady state will do.

    Raises:
        InputError: none is reached, more than one and no initial state, or what was found is no state.
    """
    natural = model.in_units_of(model.unit)
    hamiltonian, jumps = qutip_operators(natural)
    if has_unique_steady_state(natural):
        solver, rho = solve_steady_state(hamiltonian, jumps, model.lattice.n_sites, natural.slowest)
    elif initial is None:
        solver, rho = only_state(hamiltonian, jumps, model.lattice.n_sites)
    else:
        solver, rho = limit(hamiltonian, jumps, initial, natural.slowest)
    check_state("exact steady state", rho)
    return solver, rho


def limit(hamiltonian: qutip.Qobj, jumps: list[qutip.Qobj], rho: qutip.Qobj, slowest: float) -> tuple[str, qutip.Qobj]:
    """How it was found, and the limit of the evolution from a density matrix.

    Args:
        hamiltonian: H, natural unit.
        jumps: collapse operators with their rates.
        rho: the initial state.
        slowest: the smallest strength of a term of the model, natural unit.

    Raises:
        InputError: the evolution does not come to rest, or not within reach of an integrator.
    """
    if len(rho.dims[0]) <= DENSE_SITES:
        return "projection onto the kernel", _projected(hamiltonian, jumps, rho, slowest)
    return _followed(hamiltonian, jumps, rho, slowest)


def only_state(hamiltonian: qutip.Qobj, jumps: list[qutip.Qobj], n_sites: int) -> tuple[str, qutip.Qobj]:
    """How it was found, and the steady state where the dense superoperator has one alone.

    Raises:
        InputError: more than one, or more sites than `DENSE_SITES`.
    """
    import qutip

    if n_sites > DENSE_SITES:
        raise InputError("steady state: not shown to be unique, expected decay (or its like) on every site")
    L, basis = _in_hermitian_basis(hamiltonian, jumps, n_sites)
    _, V = _null_spaces(L)
    if V.shape[1] > 1:
        raise InputError("steady state: the Liouvillian has more than one, expected a unique one")
    matrix = (basis @ V[:, 0]).reshape(2**n_sites, 2**n_sites, order="F")
    return "null space", qutip.Qobj(matrix / np.trace(matrix), dims=[[2] * n_sites] * 2)


def _projected(hamiltonian: qutip.Qobj, jumps: list[qutip.Qobj], rho: qutip.Qobj, slowest: float) -> qutip.Qobj:
    """V (U^T V)^-1 U^T rho_0 with the right and left null spaces V, U of L in a basis of Hermitian matrices."""
    import qutip
    import scipy.linalg

    L, basis = _in_hermitian_basis(hamiltonian, jumps, len(rho.dims[0]))
    start = (basis.conj().T @ rho.full().ravel(order="F")).real
    U, V = _null_spaces(L)
    if V.shape[1] > 1 and slowest**2 < NOT_ZERO:  # the rate of a weak field beside a strong dephasing
        raise InputError(
            f"limit of the evolution: terms of {slowest:.1g} of the largest may act at a rate that looks zero"
        )
    end = V @ np.linalg.solve(U.T @ V, U.T @ start)
    if V.shape[1] > 1 and _rings_on(scipy.linalg.expm(L), start - end):
        raise InputError("limit of the evolution: it oscillates for ever, expected one that comes to rest")
    return qutip.Qobj((basis @ end).reshape(rho.shape, order="F"), dims=rho.dims)


def _in_hermitian_basis(
    hamiltonian: qutip.Qobj, jumps: list[qutip.Qobj], n_sites: int
) -> tuple[np.ndarray, np.ndarray]:
    """L as a real matrix, and the basis that it is in."""
    import qutip

    basis = _hermitian_basis(n_sites)
    return (basis.conj().T @ qutip.liouvillian(hamiltonian, jumps).full() @ basis).real, basis


def _null_spaces(L: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Left and right null spaces as columns.

    Raises:
        InputError: a singular value that is neither zero nor not.
    """
    import scipy.linalg

    left, sizes, right = scipy.linalg.svd(L)
    sizes = sizes / max(1.0, sizes[0])
    if np.any((sizes > ZERO) & (sizes < NOT_ZERO)):
        raise InputError("limit of the evolution: some rate is too small to tell from zero, expected none below 1e-9")
    return left[:, sizes <= ZERO], right[sizes <= ZERO].T


def _rings_on(step: np.ndarray, moving: np.ndarray) -> bool:
    """Whether a part of the state neither rests nor dies out."""
    for _ in range(DOUBLINGS):
        step = step @ step
    return bool(np.abs(step @ moving).max() > AT_REST)


def _hermitian_basis(n_sites: int) -> np.ndarray:
    """Products of Pauli matrices over sqrt(2^N) as columns, each stacked column by column."""
    products = [np.eye(1)]
    for _ in range(n_sites):
        products = [np.kron(product, one) for product in products for one in (IDENTITY, *PAULIS.values())]
    return np.stack([product.ravel(order="F") for product in products], axis=1) / math.sqrt(2**n_sites)


def _followed(
    hamiltonian: qutip.Qobj, jumps: list[qutip.Qobj], rho: qutip.Qobj, slowest: float
) -> tuple[str, qutip.Qobj]:
    """The evolution until it changes no more."""
    if len(rho.dims[0]) > FOLLOWED_SITES:
        raise InputError(
            f"limit of the evolution: {len(rho.dims[0])} sites, expected at most {FOLLOWED_SITES} where a steady state "
            "is not shown to be unique (an evolution to a t_end of yours has exact values)"
        )
    t = span = SLOWEST / min(1.0, slowest)
    advance = partial(evolve, hamiltonian, jumps, atol=1e-12, rtol=1e-10)
    while t <= LONGEST:
        before, rho = rho, advance(rho, [0.0, span]).final_state
        drift = lindblad_rhs(hamiltonian, jumps, rho).norm("fro") * t
        if t > span and max((rho - before).norm("fro"), drift) <= AT_REST:
            return f"mesolve to t = {t:g} natural units", rho
        span, t = t, 2 * t
    raise InputError(f"limit of the evolution: not at rest at t = {t / 2:g} natural units, expected one that settles")


def yet_to_go(values_4P: np.ndarray, spread_P: np.ndarray | float, growth: float = 0.05) -> np.ndarray:
    """What a slow exponential decay has yet to go, from four values equal times apart, (P,); 0 where it is none.

    It is one where all three changes go one way, none is larger than the one before, and the last is more than half of
    the first. Changes that are about the same are a decay too slow to see an end of.

    Args:
        values_4P: the values.
        spread_P: how far each can go (`Observable.spread`), 1 of Pauli strings: what is small beside that is rounding.
        growth: by such a part a change may be larger than the one before. In curves that fluctuate such changes are
            noise; in curves that do not, something faster has not quite died out yet.
    """
    first, second, third = np.diff(values_4P, axis=0)
    scale = np.maximum(np.abs(values_4P).max(0), spread_P)
    one_way = (first * second > 0) & (second * third > 0)
    first, second, third = np.abs(first), np.abs(second), np.abs(third)
    more, slack = 1 + growth, SLACK * scale
    falling = (second <= more * first + slack) & (third <= more * second + slack)
    slow = one_way & falling & (third > first / 2) & (third > ROUNDING * scale)
    ratio = np.sqrt(np.divide(third + slack, first, out=np.zeros_like(third), where=slow)).clip(max=1 - 1e-9)
    return third * ratio / (1 - ratio)
