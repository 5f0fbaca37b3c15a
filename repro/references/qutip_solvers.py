"""QuTiP at work: sparse operators of a model, its evolution and its steady state.

QuTiP is imported inside the functions: everything else runs without it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from repro.physics.lindblad import PAULIS, LindbladModel
from repro.physics.observables import PauliString, named
from repro.utils.errors import InputError

if TYPE_CHECKING:
    import qutip

RESIDUAL_LIMIT = 1e-6
"""Largest ||L rho||_F of a steady state, in units of the slowest strength of the model."""
STATE_LIMIT = 1e-6
"""How far trace, Hermiticity, eigenvalues and means of an exact state may be off."""
# Up to here LU of the superoperator is fast; its fill-in makes it hopeless a few sites further.
DIRECT_SITES = 5
# A longer Krylov space than SciPy's default of 20: with that, GMRES stalls on nine sites.
KRYLOV_SIZE = 100
EVOLUTION_OPTIONS: dict[str, Any] = {
    "matrix_form": True,
    "method": "adams",
    "atol": 1e-10,
    "rtol": 1e-8,
    "nsteps": 1_000_000,
    "progress_bar": "",
    "store_final_state": True,
    "store_states": False,
    "normalize_output": False,
}
SHORT = 20.0
"""Natural units of time for which the tolerances above leave less than 1e-6 of an observable."""

log = logging.getLogger(__name__)


def qutip_operators(model: LindbladModel) -> tuple[qutip.Qobj, list[qutip.Qobj]]:
    """H and the collapse operators sqrt(gamma_k) G_k as sparse QuTiP operators, qubit k = site k.

    QuTiP's tolerances are absolute: give it a model in its natural unit (`LindbladModel.in_units_of`).
    """
    from qutip import qzero

    n_sites = model.lattice.n_sites
    hamiltonian = qzero([2] * n_sites, dtype="CSR")
    for term in model.hamiltonian_terms:
        hamiltonian += expand(term.operator, term.sites, n_sites)
    jumps = [math.sqrt(jump.rate) * expand(jump.operator, jump.sites, n_sites) for jump in model.jumps]
    return hamiltonian, jumps


def expand(operator: np.ndarray, sites: tuple[int, ...], n_sites: int) -> qutip.Qobj:
    """A one- or two-site operator on N qubits (kron order of `sites`), sparse."""
    from qutip import Qobj, expand_operator

    local = Qobj(operator, dims=[[2] * len(sites)] * 2)
    return expand_operator(local, [2] * n_sites, list(sites), dtype="CSR")


def site_averaged_paulis(n_sites: int) -> dict[str, qutip.Qobj]:
    """(1/N) sum_k sigma_w^(k) for w = x, y, z, by name ("sigma_x", ...)."""
    return {
        f"sigma_{name}": sum(expand(pauli, (k,), n_sites) for k in range(n_sites)) / n_sites
        for name, pauli in PAULIS.items()
    }


def density_operators(strings: Sequence[PauliString], n_sites: int) -> dict[str, qutip.Qobj]:
    """Pauli strings as sparse operators, by their text."""
    import qutip

    one = {axis.upper(): qutip.Qobj(pauli).to("CSR") for axis, pauli in PAULIS.items()}
    identity = qutip.qeye(2)
    operators = {}
    for string in strings:
        letters = dict(string)
        factors = [one[letters[site]] if site in letters else identity for site in range(n_sites)]
        operators[named(string)] = qutip.tensor(factors)
    return operators


def lindblad_rhs(hamiltonian: qutip.Qobj, jumps: list[qutip.Qobj], rho: qutip.Qobj) -> qutip.Qobj:
    """L rho (Eq. 1) for collapse operators that carry their rates."""
    out = -1j * (hamiltonian * rho - rho * hamiltonian)
    for jump in jumps:
        loss = jump.dag() * jump
        out += jump * rho * jump.dag() - (loss * rho + rho * loss) / 2
    return out


def evolve(
    hamiltonian: qutip.Qobj, jumps: list[qutip.Qobj], rho: qutip.Qobj, times: ArrayLike, **options: Any
) -> qutip.solver.Result:
    """`mesolve` in matrix form: L acts on the density matrix, the superoperator is never built.

    Raises:
        InputError: the integrator gave up.
    """
    import qutip
    from qutip.solver.integrator import IntegratorException

    e_ops = options.pop("e_ops", None)
    # errors of the steps add up: a longer evolution gets sharper ones
    longer = max(1.0, float(np.max(times)) / SHORT)
    tolerances = {name: EVOLUTION_OPTIONS[name] / longer for name in ("atol", "rtol")}
    settings = {**EVOLUTION_OPTIONS, **tolerances, **options}
    try:
        return qutip.mesolve(hamiltonian, rho, times, jumps, e_ops=e_ops, options=settings)
    except IntegratorException as error:
        reason = " ".join(str(error).split())[:100]
        raise InputError(f"exact evolution: QuTiP's integrator gave up ({reason}), expected a shorter one") from error


def check_state(what: str, rho: qutip.Qobj) -> None:
    """Refuse to call exact what is no state.

    Args:
        what: for the message.
        rho: the density matrix.

    Raises:
        InputError: a trace that is not 1, no Hermitian matrix, or an eigenvalue below zero, beyond `STATE_LIMIT`.
    """
    matrix = rho.full()
    if not np.isfinite(matrix).all():
        raise InputError(f"{what}: entries that are not finite, expected a state")
    trace, skew = matrix.trace(), np.abs(matrix - matrix.conj().T).max()
    if abs(trace - 1) > STATE_LIMIT:
        raise InputError(f"{what}: trace {trace.real:.6g}, expected 1")
    if skew > STATE_LIMIT:
        raise InputError(f"{what}: not Hermitian by {skew:.1e}, expected a state")
    smallest = float(np.linalg.eigvalsh((matrix + matrix.conj().T) / 2)[0])
    if smallest < -STATE_LIMIT:
        raise InputError(f"{what}: smallest eigenvalue {smallest:.1e}, expected none below zero")


def solve_steady_state(
    hamiltonian: qutip.Qobj, jumps: list[qutip.Qobj], n_sites: int, slowest: float = 1.0
) -> tuple[str, qutip.Qobj]:
    """Name of the first solver that reaches ||L rho||_F <= 1e-6, and its state, where it is known to be unique.

    Args:
        hamiltonian: H, natural unit.
        jumps: collapse operators with their rates.
        n_sites: number of spins.
        slowest: the smallest strength of a term of the model: a residual counts in its unit.

    Raises:
        InputError: none does, or the steady state is seen not to be unique.
    """
    import qutip

    liouvillian = qutip.liouvillian(hamiltonian, jumps)
    mixed = qutip.tensor([qutip.qeye(2)] * n_sites).to("Dense") / 2**n_sites
    solve = partial(qutip.steadystate, liouvillian)
    # From the maximally mixed state BiCGSTAB escapes the breakdown that it meets from zero.
    krylov = {"x0": mixed.full().ravel(), "rtol": 1e-9}
    attempts: dict[str, Callable[[], qutip.Qobj]] = {}
    if n_sites <= DIRECT_SITES:
        attempts["steadystate direct spsolve"] = partial(solve, solver="spsolve")
    attempts["steadystate direct bicgstab"] = partial(solve, solver="bicgstab", maxiter=3000, **krylov)
    attempts["steadystate direct gmres"] = partial(solve, solver="gmres", restart=KRYLOV_SIZE, maxiter=30, **krylov)
    for t in (50.0, 200.0, 800.0):
        attempts[f"mesolve to t = {t:g}"] = partial(_relaxed, hamiltonian, jumps, mixed, t)
    residual, most = math.inf, RESIDUAL_LIMIT * min(1.0, slowest)
    for solver, attempt in attempts.items():
        try:
            rho = attempt()
        except RuntimeError as error:
            log.info("%s: %s", solver, error)
            continue
        except ValueError as error:
            if "singular" not in str(error):
                raise
            raise InputError("steady state: the Liouvillian has more than one, expected a unique one") from error
        residual = lindblad_rhs(hamiltonian, jumps, rho).norm("fro")
        if residual <= most:
            return solver, rho
        log.info("%s: ||L rho|| = %.1e", solver, residual)
    raise InputError(f"steady state: ||L rho|| = {residual:.1e} at best, expected at most {most:g}")


def _relaxed(hamiltonian: qutip.Qobj, jumps: list[qutip.Qobj], rho: qutip.Qobj, t: float) -> qutip.Qobj:
    return evolve(hamiltonian, jumps, rho, [0, t], atol=1e-12, rtol=1e-10).final_state
