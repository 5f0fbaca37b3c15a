"""Exact references: QuTiP solves the Lindblad equation for the density matrix (Eq. 1), cached on disk."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from repro.physics.lindblad import LindbladModel
from repro.physics.povm import product_state_density
from repro.references import limits
from repro.references.cache import DEFAULT_FOLDERS, Folders, Reference, describe, find, find_or_compute, numbers
from repro.references.qutip_solvers import (
    check_state,
    evolve,
    lindblad_rhs,
    qutip_operators,
    site_averaged_paulis,
)
from repro.references.record import made_in, settings_of
from repro.utils.errors import InputError
from repro.utils.formatting import significant
from repro.utils.names import PAULI_AVERAGES

if TYPE_CHECKING:
    import qutip

MAX_DENSITY_MATRIX_SITES = 10
"""A density matrix of so many spins has 2^20 entries; the next takes four times the memory and eight times the time."""
TIME_STEP = 0.02
STEADY = "steady state"


def dynamics(
    model: LindbladModel,
    initial_state: str,
    t_end: float,
    folders: Folders = DEFAULT_FOLDERS,
    *,
    dt: float = TIME_STEP,
    label: str = "",
    computing: Callable[[], None] = lambda: None,
) -> Reference:
    """Exact evolution of the site-averaged Paulis from a product state, by QuTiP's `mesolve`.

    Args:
        model: the Lindblad equation, at most ten sites.
        initial_state: the Bloch direction of every spin, such as "up".
        t_end: last time wanted (units 1/gamma). A stored curve that reaches further is returned whole.
        folders: searched in order; a new curve goes to the last one.
        dt: spacing of the table's times; it must resolve the fastest frequency for `Reference.at` to interpolate.
        label: a name for people, stored beside the curve.
        computing: called when no folder has the curve, before it is computed.

    Raises:
        InputError: more than ten sites, an unknown state, t_end or dt not positive, a folder that cannot be written.
    """
    _check_size(model.lattice.n_sites)
    if not (0 < t_end < math.inf and 0 < dt < math.inf):
        raise InputError(f"exact dynamics to t = {t_end} in steps of {dt}: expected two positive numbers")
    state = product_state_density(initial_state)
    description = _evolving(model, initial_state, dt)
    settings = {**settings_of(model), "initial_state": initial_state, "t_end": float(t_end), "dt": float(dt)}
    times = np.array([significant(dt * k) for k in range(math.ceil(t_end / dt - 1e-9) + 1)])

    def compute() -> Reference:
        computing()
        return _evolve(model, state, times, {"label": label, "settings": settings})

    return find_or_compute(description, t_end, folders, compute)


def steady_state(
    model: LindbladModel,
    folders: Folders = DEFAULT_FOLDERS,
    *,
    label: str = "",
    computing: Callable[[], None] = lambda: None,
) -> Reference:
    """Exact steady state's site-averaged Paulis, by QuTiP's `steadystate`; ||L rho||_F is at most 1e-6.

    Args:
        model: the Lindblad equation, at most ten sites.
        folders: as in `dynamics`.
        label: as in `dynamics`.
        computing: as in `dynamics`.

    Raises:
        InputError: more than ten sites, no jump operator or a steady state that is seen not to be unique, no solver
            reached the residual, a folder that cannot be written.
    """
    _check_size(model.lattice.n_sites)
    if not model.has_jumps:
        raise InputError("steady state of a model without jump operators: expected at least one, or it is not unique")
    description = describe(model, STEADY)

    def compute() -> Reference:
        computing()
        return _steady(model, {"label": label, "settings": settings_of(model)})

    return find_or_compute(description, math.inf, folders, compute)


def stored_dynamics(
    model: LindbladModel, initial_state: str, t_end: float, folders: Folders = DEFAULT_FOLDERS, *, dt: float = TIME_STEP
) -> Reference | None:
    """The evolution to t_end that a folder has, None where none does; arguments as in `dynamics`."""
    return find(_evolving(model, initial_state, dt), t_end, folders)


def stored_steady_state(model: LindbladModel, folders: Folders = DEFAULT_FOLDERS) -> Reference | None:
    """The steady state that a folder has, None where none does; arguments as in `steady_state`."""
    return find(describe(model, STEADY), math.inf, folders)


def _evolving(model: LindbladModel, initial_state: str, dt: float) -> dict[str, Any]:
    return describe(model, "dynamics", initial_state=numbers(product_state_density(initial_state)), dt=float(dt))


def _check_size(n_sites: int) -> None:
    if n_sites > MAX_DENSITY_MATRIX_SITES:
        raise InputError(
            f"exact reference for {n_sites} sites: density matrices reach at most {MAX_DENSITY_MATRIX_SITES} sites"
        )


def _evolve(model: LindbladModel, state: np.ndarray, times: np.ndarray, info: dict[str, Any]) -> Reference:
    from qutip import Qobj, tensor

    start = time.perf_counter()
    n_sites, unit = model.lattice.n_sites, model.unit
    hamiltonian, jumps = qutip_operators(model.in_units_of(unit))
    rho = tensor([Qobj(state)] * n_sites).to("Dense")
    result = evolve(hamiltonian, jumps, rho, times * unit, e_ops=site_averaged_paulis(n_sites))
    check_state("exact evolution", result.final_state)
    columns = {name: np.real(result.e_data[name]) for name in PAULI_AVERAGES}
    info = {"kind": "dynamics", **info, "solver": "mesolve adams"}
    return _reference(times, columns, hamiltonian, jumps, result.final_state, info, start)


def _steady(model: LindbladModel, info: dict[str, Any]) -> Reference:
    start = time.perf_counter()
    n_sites = model.lattice.n_sites
    solver, rho = limits.steady_state(model)
    hamiltonian, jumps = qutip_operators(model.in_units_of(model.unit))
    columns = {name: np.array([(op * rho).tr().real]) for name, op in site_averaged_paulis(n_sites).items()}
    info = {"kind": "steady state", **info, "solver": solver}
    return _reference(np.array([math.inf]), columns, hamiltonian, jumps, rho, info, start)


def _reference(
    times: np.ndarray,
    columns: dict[str, np.ndarray],
    hamiltonian: qutip.Qobj,
    jumps: list[qutip.Qobj],
    rho: qutip.Qobj,
    info: dict[str, Any],
    start: float,
) -> Reference:
    import pandas as pd

    table = pd.DataFrame({"t": times, **columns}).melt(id_vars="t", var_name="observable", value_name="mean")
    matrix = rho.full()
    return Reference(
        table,
        {
            **info,
            "residual": float(lindblad_rhs(hamiltonian, jumps, rho).norm("fro")),
            "trace": float(matrix.trace().real),
            "smallest_eigenvalue": float(np.linalg.eigvalsh((matrix + matrix.conj().T) / 2)[0]),
            **made_in(time.perf_counter() - start),
        },
    )
