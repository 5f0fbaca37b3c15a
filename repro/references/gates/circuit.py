"""One step of a Lindblad equation as a circuit, and a trajectory: state vectors of up to 26 spins, by qsim.

A step of length h is a product of gates and one-site channels, right to second order in h,

    exp(h L) = U_n' ... U_1'  D  U_1 ... U_n + O(h^3),   U_k = exp(-i h H_k / 2),   D = prod_i exp(h D_i),

with the dissipator D_i of site i; a trajectory draws one Kraus operator of every channel. Twenty-five spins take a
gigabyte and some seconds a step.
"""

from __future__ import annotations

import importlib.util
import math
from typing import TYPE_CHECKING

import numpy as np

from repro.physics.kraus import kraus_operators
from repro.physics.lindblad import LindbladModel
from repro.physics.state_vector import product_state, site_averages
from repro.references.control_variates import fastest
from repro.references.trajectory_steady_state import decay_unit
from repro.utils.errors import InputError

if TYPE_CHECKING:
    import cirq

MAX_GATE_SITES = 26
"""A state vector in single precision is half a gigabyte, and four of them are needed."""
TIME_STEP, ON_A_SITE = 0.1, 16.0
"""h (1/gamma), shorter where all terms on a site, of strength F in sum, exceed so many gamma: as F^(-3/2), since an
error of second order in h F adds up over the time."""
PACKAGE = "qsimcirq"


def installed() -> bool:
    """Whether the simulator is there."""
    return importlib.util.find_spec(PACKAGE) is not None


def time_step(model: LindbladModel) -> float:
    """h of a model in units of its largest decay rate (1/gamma)."""
    return TIME_STEP * min(1.0, ON_A_SITE / fastest(model)) ** 1.5


class Circuit:
    """A step of a model as a circuit, and what is measured along a trajectory.

    Args:
        model: any unit.
        initial_state: the Bloch direction of every spin, such as "up".
        t_end: time of a trajectory (1/gamma).

    Raises:
        InputError: more than 26 sites, a jump operator on two of them, none at all, or an unknown state.
    """

    def __init__(self, model: LindbladModel, initial_state: str, t_end: float) -> None:
        if (n_sites := model.lattice.n_sites) > MAX_GATE_SITES:
            raise InputError(f"trajectories of gates on {n_sites} sites: expected at most {MAX_GATE_SITES}")
        if any(len(jump.sites) > 1 and jump.acts for jump in model.jumps):
            raise InputError("trajectories of gates: a jump operator on two sites, expected one site each")
        self.n_sites = n_sites
        self.rate, self.model = decay_unit(model)
        self.h = time_step(self.model)
        self.times = self.h * np.arange(math.ceil(t_end / self.h - 1e-9) + 1)
        self.start = product_state(initial_state, n_sites)

    def step(self) -> cirq.Circuit:
        """One step; qubit k is site k."""
        import cirq
        from scipy.linalg import expm

        q = cirq.LineQubit.range(self.n_sites)
        gates = [
            cirq.MatrixGate(expm(-0.5j * self.h * term.operator)).on(*(q[k] for k in term.sites))
            for term in self.model.hamiltonian_terms
        ]
        channels = []
        for site in self.model.lattice.sites:
            jumps = [jump for jump in self.model.jumps if jump.sites == (site,) and jump.acts]
            if jumps:
                channels.append(cirq.KrausChannel(kraus_operators(jumps, self.h)).on(q[site]))
        return cirq.Circuit(gates, channels, reversed(gates))

    def trajectory(self, seed: int) -> np.ndarray:
        """Site-averaged Paulis at all times, shape (times, 3)."""
        import cirq
        import qsimcirq

        options = qsimcirq.QSimOptions(max_fused_gate_size=3, cpu_threads=1)
        simulator, circuit = qsimcirq.QSimSimulator(options, seed=seed), self.step()
        qubits, psi = cirq.LineQubit.range(self.n_sites), self.start
        measured = [site_averages(psi)]
        for _ in self.times[1:]:
            psi = simulator.simulate(circuit, initial_state=psi, qubit_order=qubits).final_state_vector
            measured.append(site_averages(psi))
        return np.array(measured)
