"""QuTiP's two ways to a steady state: the density matrix, and trajectories with control variates."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.crossing.rows import TARGET, Measured, Say
from repro.physics.lindblad import LindbladModel
from repro.references import trajectory_steady_state
from repro.references.qutip_solvers import evolve, qutip_operators, site_averaged_paulis, solve_steady_state
from repro.utils.names import PAULI_AVERAGES

INTEGRATORS = ("tsit5", "vern7", "adams")
LONG = 30.0
"""What `mesolve` is given to come to rest (1/gamma)."""


def density_matrix(model: LindbladModel) -> Measured:
    """Seconds of the steady state, operators included, by the solver that QuTiP converges with."""
    began = time.process_time()
    solver, rho = solve_steady_state(*qutip_operators(model), model.lattice.n_sites)
    return _measured(rho, solver, began)


def by_evolution(model: LindbladModel) -> Measured:
    """The same by `mesolve` from the maximally mixed state until it is at rest."""
    import qutip

    began, N = time.process_time(), model.lattice.n_sites
    hamiltonian, jumps = qutip_operators(model)
    mixed = qutip.tensor([qutip.qeye(2)] * N).to("Dense") / 2**N
    return _measured(evolve(hamiltonian, jumps, mixed, [0.0, LONG]).final_state, f"mesolve to t = {LONG:g}", began)


def _measured(rho: Any, solver: str, began: float) -> Measured:
    import qutip

    paulis = site_averaged_paulis(len(rho.dims[0]))
    means = {name: float(np.real(qutip.expect(operator, rho))) for name, operator in paulis.items()}
    return Measured(time.process_time() - began, 0.0, f"QuTiP, {solver}", means)


def trajectories(model: LindbladModel, method: str, runs: Path, say: Say) -> Measured:
    """Seconds of as many trajectories as the target asks for, at least as many as the control variates need.

    Args:
        model: which.
        method: QuTiP's integrator.
        runs: folder of kept trajectories.
        say: called with lines of progress.
    """
    folder = runs / "crossing" / method
    began = time.process_time()
    found = trajectory_steady_state.steady_state(model, (folder,), target=TARGET, integrator=method, say=say)
    taken = time.process_time() - began
    error = max(found.error(name) for name in PAULI_AVERAGES)
    count = int(found.info["trajectories"])
    means = {name: float(found.at(0.0, name)) for name in PAULI_AVERAGES}
    seconds = max(taken, float(found.info["seconds"]))  # trajectories that were kept tell their own
    return Measured(seconds, error, f"QuTiP, {count} trajectories with control variates, {method}", means)
