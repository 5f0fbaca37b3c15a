"""A time step of a Lindblad equation as gates and channels, right to second order in its length h,

    exp(h L) = U_n' ... U_1'  D  U_1 ... U_n + O(h^3),   U_k = exp(-i h H_k / 2),

with D the dissipator's part: channels of single sites, which commute, or where jump operators act on two sites half a
step of each group of sites and the same backwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from repro.physics.kraus import kraus_operators
from repro.physics.lindblad import Jump, LindbladModel

if TYPE_CHECKING:
    import cirq

Sites = tuple[int, ...]


class Step:
    """One step.

    Args:
        model: any unit.
        h: its length, in the inverse of that.

    Attributes:
        gates: sites and unitary of H's terms for half of the step, in their order; afterwards they act in the opposite
            one.
        channels: sites and Kraus operators of what dissipates, in their order.
    """

    def __init__(self, model: LindbladModel, h: float) -> None:
        from scipy.linalg import expm

        self.n_sites = model.lattice.n_sites
        self.gates = [(tuple(term.sites), expm(-0.5j * h * term.operator)) for term in model.hamiltonian_terms]
        groups: dict[Sites, list[Jump]] = {}
        for jump in sorted((jump for jump in model.jumps if jump.acts), key=lambda jump: jump.sites):
            groups.setdefault(tuple(jump.sites), []).append(jump)
        if all(len(sites) == 1 for sites in groups):
            self.channels = [(sites, kraus_operators(jumps, h)) for sites, jumps in groups.items()]
        else:
            there = [(sites, kraus_operators(jumps, h / 2)) for sites, jumps in groups.items()]
            self.channels = [*there, *reversed(there)]

    def circuit(self) -> cirq.Circuit:
        """For a simulator; qubit k is site k."""
        import cirq

        q = cirq.LineQubit.range(self.n_sites)
        gates = [cirq.MatrixGate(U).on(*(q[k] for k in sites)) for sites, U in self.gates]
        channels = [cirq.KrausChannel(operators).on(*(q[k] for k in sites)) for sites, operators in self.channels]
        return cirq.Circuit(gates, channels, reversed(gates))

    def density_matrix(self, rho: np.ndarray) -> np.ndarray:
        """A density matrix after the step, shape (2^N, 2^N)."""
        for sites, U in self.gates:
            rho = _channel(rho, sites, [U], self.n_sites)
        for sites, operators in self.channels:
            rho = _channel(rho, sites, operators, self.n_sites)
        for sites, U in reversed(self.gates):
            rho = _channel(rho, sites, [U], self.n_sites)
        return rho


def trajectory(step: Step, psi: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """State vectors after one step, two, and so on, by qsim: of every channel one Kraus operator is drawn."""
    import cirq
    import qsimcirq

    options = qsimcirq.QSimOptions(max_fused_gate_size=3, cpu_threads=1)
    simulator, circuit = qsimcirq.QSimSimulator(options, seed=seed, circuit_memoization_size=1), step.circuit()
    qubits = cirq.LineQubit.range(step.n_sites)
    while True:
        psi = simulator.simulate(circuit, initial_state=psi, qubit_order=qubits).final_state_vector
        yield psi


def _channel(rho: np.ndarray, sites: Sites, operators: list[np.ndarray], n_sites: int) -> np.ndarray:
    """sum_k K_k rho K_k^+ of operators on one or two sites."""
    parts = (_left(_left(rho, sites, K, n_sites).conj().T, sites, K, n_sites).conj().T for K in operators)
    return reduce(np.add, parts)


def _left(rho: np.ndarray, sites: Sites, operator: np.ndarray, n_sites: int) -> np.ndarray:
    """K rho."""
    n = len(sites)
    tensor = np.moveaxis(rho.reshape((2,) * n_sites + (-1,)), sites, range(n))
    moved = (operator @ tensor.reshape(2**n, -1)).reshape(tensor.shape)
    return np.moveaxis(moved, range(n), sites).reshape(rho.shape)
