"""A problem's observables by QuTiP's trajectories: `mcsolve`, one pure state at a time, up to sixteen sites.

Array suffixes: M times, S strings, K Paulis of single sites, G events.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from repro.physics.lindblad import LindbladModel
from repro.physics.observables import PauliString, named
from repro.references.control_variates import adjoint_generator, around
from repro.references.qutip_solvers import density_operators, qutip_operators
from repro.references.trajectory_steady_state import MAX_TRAJECTORY_SITES, OPTIONS
from repro.solver.problem import Problem
from repro.solver.trajectories.base import Trajectories
from repro.solver.trajectories.images import averaged
from repro.utils.errors import InputError

PURE_OPTIONS: dict[str, Any] = {"method": "tsit5", "atol": 1e-8, "rtol": 1e-6, "progress_bar": ""}


class QutipTrajectories(Trajectories):
    """Trajectories of a problem in its natural unit, with controls.

    Args:
        problem: at most sixteen sites.
        t_end: last time wanted; inf for the steady state.

    Raises:
        InputError: more than sixteen sites, or as `Trajectories`.
    """

    solver: ClassVar[str] = "mcsolve tsit5, control variates"

    def __init__(self, problem: Problem, t_end: float) -> None:
        import qutip

        if problem.n_sites > MAX_TRAJECTORY_SITES:
            raise InputError(f"trajectories of {problem.n_sites} sites: expected at most {MAX_TRAJECTORY_SITES}")
        super().__init__(problem, t_end, controlled=True)
        alike = self.alike
        every = sorted({image for of_one in alike.values() for image in of_one})
        operators = density_operators(every, problem.n_sites)
        means = [averaged([operators[named(image)] for image in alike[each]]) for each in (*self.strings, *self.paulis)]
        drifts = [
            averaged([_drift(problem.model, image, operators[named(image)]) for image in alike[pauli]])
            for pauli in self.paulis
        ]
        hamiltonian, jumps = qutip_operators(problem.model)
        rates = self.events.by_group([jump.dag() * jump for jump in jumps])
        self._measured = [*means, *drifts, *rates]
        self._qutip = (
            qutip.MCSolver(hamiltonian, jumps, options=OPTIONS)
            if problem.model.has_jumps
            else qutip.SESolver(hamiltonian, options=PURE_OPTIONS)
        )

    def one(self, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As `Trajectories.one`."""
        import qutip
        from scipy.integrate import cumulative_simpson

        jumping = self.problem.model.has_jumps
        more = {"ntraj": 1, "seeds": [np.random.SeedSequence(seed)]} if jumping else {}
        spins, rarer = self.start(seed)
        start = qutip.tensor([qutip.Qobj(spin[:, None]) for spin in spins])
        result = self._qutip.run(start, self.times, e_ops=self._measured, **more)
        values = np.real(np.array(result.expect)).T
        S, K = len(self.strings), len(self.paulis)
        strings_MS, paulis_MK, drifts_MK, rates_MG = np.split(values, [S, S + K, S + 2 * K], axis=1)
        drifted_MK = cumulative_simpson(drifts_MK, x=self.times, axis=0, initial=0) if K else drifts_MK
        awaited_MG = self.events.awaited(rates_MG, self.times, result.col_which[0] if jumping else (), rarer)
        return strings_MS, paulis_MK - paulis_MK[:1] - drifted_MK, awaited_MG


def _drift(model: LindbladModel, pauli: PauliString, operator: Any) -> Any:
    """L^+(O) of a single-site Pauli, from the terms that act on its site."""
    ((site, _),) = pauli
    return adjoint_generator(*qutip_operators(around(model, site)), operator)
