"""A problem's observables by quantum trajectories, with standard errors: any lattice of up to sixteen sites.

QuTiP's `mcsolve` gives one pure state at a time; a mixed start is drawn anew for each. The mean over trajectories is
the value, their spread over sqrt(R) its standard error. Over any stretch of time O(b) - O(a) - int_a^b L^+(O) dt has
mean zero: such stretches of the Paulis on an observable's own sites are taken as controls
(`repro.references.control_variates`), each trajectory's weights fitted on the others, where that helps. Where model and
start have lattice symmetries every string is averaged over its images (`repro.solver.images`).

The error is the standard error and, in quadrature, what one more trajectory of an evolution would change that is as far
off as the farthest, and what jumps may change that none has had yet (`repro.solver.unseen`).

Array suffixes: R trajectories, M times, S strings, K Paulis of single sites, P observables, C controls, G events.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from repro.physics.lindblad import PAULIS, LindbladModel
from repro.physics.observables import Observable, PauliString, named, product_mean, strings_of
from repro.physics.povm import product_state_density
from repro.references.control_variates import adjoint_generator, around, estimate_each
from repro.references.qutip_solvers import density_operators, qutip_operators
from repro.references.trajectory_steady_state import MAX_TRAJECTORY_SITES, OPTIONS
from repro.solver.images import averaged, images, representatives, symmetries_of
from repro.solver.problem import Problem
from repro.solver.trajectory_times import still_to_move, times_of
from repro.solver.unseen import Events, missed
from repro.utils.errors import InputError

TARGET = 0.01
"""Standard error that is enough, in units of `Observable.spread`."""
STRETCHES, PER_STRETCH = 4, 40
"""Most stretches of controls, and the trajectories that each takes: with fewer the fitted weights make the standard
error too small."""
PURE_OPTIONS: dict[str, Any] = {"method": "tsit5", "atol": 1e-8, "rtol": 1e-6, "progress_bar": ""}
PURE_ERROR = 1e-4
"""Given to what has no jumps and starts pure, in units of `Observable.spread`."""
RECENT = 4
"""What happens within such a part of a steady state's window is not yet forgotten at its end."""
HALVES = np.array([-0.5, -0.5, 0.5, 0.5])
"""Of a window's quarters: the change from its first half to its second."""
STILL = 5.0
"""Of a steady state: the two halves may differ by so many standard errors, or the target."""


class Trajectories:
    """Trajectories of a problem in its natural unit.

    Args:
        problem: at most sixteen sites.
        t_end: last time wanted; inf for the steady state.

    Attributes:
        times: of the rows.

    Raises:
        InputError: more than sixteen sites.
    """

    def __init__(self, problem: Problem, t_end: float) -> None:
        import qutip

        if problem.n_sites > MAX_TRAJECTORY_SITES:
            raise InputError(f"trajectories of {problem.n_sites} sites: expected at most {MAX_TRAJECTORY_SITES}")
        self.problem, self.steady = problem, math.isinf(t_end)
        self.times, self.burn_in = times_of(problem, t_end)
        self.asked = [each for each in problem.asked if not each.purity]
        wanted = strings_of(self.asked)
        jumping = problem.model.has_jumps
        mixed = any(np.linalg.norm(vector) < 1 - 1e-9 for vector in problem.bloch_vectors)
        self.single = not jumping and not mixed
        # of a mixed start the few trajectories that begin far off would be fitted too well
        sites = sorted({site for string in wanted for site, _ in string}) if jumping and not mixed else []
        alone: list[PauliString] = [((site, axis.upper()),) for site in sites for axis in PAULIS]
        permutations = symmetries_of(problem)
        alike = {string: images(string, permutations) for string in (*wanted, *alone)}
        self.strings, self.column = representatives(wanted, alike)
        self.paulis, its_pauli = representatives(alone, alike)
        self.weights = _weights(self.asked, its_pauli)
        every = sorted({image for of_one in alike.values() for image in of_one})
        operators = density_operators(every, problem.n_sites)
        means = [averaged([operators[named(image)] for image in alike[each]]) for each in (*self.strings, *self.paulis)]
        drifts = [
            averaged([_drift(problem.model, image, operators[named(image)]) for image in alike[pauli]])
            for pauli in self.paulis
        ]
        hamiltonian, jumps = qutip_operators(problem.model)
        self.events = Events(problem, jumps, permutations)
        self.measured = [*means, *drifts, *self.events.rates]
        self.solver = (
            qutip.MCSolver(hamiltonian, jumps, options=OPTIONS)
            if jumping
            else qutip.SESolver(hamiltonian, options=PURE_OPTIONS)
        )

    def one(self, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Along a trajectory: strings, (M, S); O(t) - O(0) - int_0^t L^+(O) of Paulis, (M, K); events, (M, G)."""
        from scipy.integrate import cumulative_simpson

        jumping = self.problem.model.has_jumps
        more = {"ntraj": 1, "seeds": [np.random.SeedSequence(seed)]} if jumping else {}
        start, rarer = self._start(seed)
        result = self.solver.run(start, self.times, e_ops=self.measured, **more)
        values = np.real(np.array(result.expect)).T
        S, K = len(self.strings), len(self.paulis)
        strings_MS, paulis_MK, drifts_MK, rates_MG = np.split(values, [S, S + K, S + 2 * K], axis=1)
        drifted_MK = cumulative_simpson(drifts_MK, x=self.times, axis=0, initial=0) if K else drifts_MK
        awaited_MG = self.events.awaited(rates_MG, self.times, result.col_which[0] if jumping else (), rarer)
        return strings_MS, paulis_MK - paulis_MK[:1] - drifted_MK, awaited_MG

    def _start(self, seed: int) -> tuple[Any, np.ndarray]:
        """A pure product state, of every site an eigenvector of its density matrix drawn by its eigenvalue.

        Also which sites are in the rarer one.
        """
        import qutip

        rng, spins, rarer = np.random.default_rng([seed, 1]), [], []
        for vector in self.problem.bloch_vectors:
            weights, vectors = np.linalg.eigh(product_state_density(vector))
            larger = int(rng.random() < weights[1])
            spins.append(qutip.Qobj(vectors[:, larger][:, None]))
            rarer.append(larger == 0)
        return qutip.tensor(spins), np.array(rarer)

    def estimate(
        self, strings_RMS: np.ndarray, controls_RMK: np.ndarray, awaited_RMG: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Means and errors of the observables that are asked for, (M, P); one row for the steady state.

        Raises:
            InputError: a steady state that still moves.
        """
        if self.steady:
            return self._at_rest(strings_RMS, controls_RMK, awaited_RMG)
        R, M = strings_RMS.shape[:2]
        values_RMP, constant_MP = self._values(strings_RMS)
        mean_MP, error_MP = constant_MP.copy(), np.zeros_like(constant_MP)
        for m in range(M):
            parts_RPC = self._controls(controls_RMK, [round(x) for x in np.linspace(0, m, 1 + _stretches(R, m))])
            mean_P, error_MP[m] = self._one_row(values_RMP[:, m], parts_RPC)
            mean_MP[m] += mean_P
        mean_MP[0], error_MP[0] = self._at_start(), 0.0
        if R > 1:
            farthest_P = np.abs(values_RMP - values_RMP.mean(0)).max((0, 1))
            one_more_MP = np.maximum(farthest_P / R, missed(farthest_P, self._spread_P, awaited_RMG))
            error_MP[1:] = np.hypot(error_MP, one_more_MP)[1:]
        return mean_MP, error_MP

    def _at_start(self) -> list[float]:
        """The observables in the product state at t = 0."""
        means = {string: product_mean(string, self.problem.bloch_vectors) for string in self.column}
        return [each.value(means) for each in self.asked]

    def largest(self, error_MP: np.ndarray) -> float:
        """The largest error in units of `Observable.spread`."""
        return float((error_MP / self._spread_P.clip(min=1e-300)).max(initial=0.0))

    @property
    def _spread_P(self) -> np.ndarray:
        return np.array([each.spread for each in self.asked])

    def _at_rest(
        self, strings_RMS: np.ndarray, controls_RMK: np.ndarray, awaited_RMG: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Averages over the time after the burn-in, whose halves agree."""
        R, first, last = len(strings_RMS), int(np.searchsorted(self.times, self.burn_in)), len(self.times)
        edges = [round(x) for x in np.linspace(0, last - 1, 1 + _stretches(R, last))]
        parts_RPC = self._controls(controls_RMK, edges)
        first += (last - first) % 4  # quarters of one length: changes between them are compared
        quarters = pairwise(range(first, last + 1, (last - first) // 4))
        each_4RS = np.array([strings_RMS[:, begin:end].mean(1) for begin, end in quarters])
        values_R4P, constant_4P = self._values(each_4RS.transpose(1, 0, 2))
        change_P, its_error_P = self._one_row(values_R4P.transpose(0, 2, 1) @ HALVES, parts_RPC)
        change_P = change_P + HALVES @ constant_4P
        moving = np.abs(change_P) > np.hypot(STILL * its_error_P, TARGET * self._spread_P)
        if moving.any():
            raise InputError(
                f"trajectories: not at rest, some observable moved by {np.abs(change_P[moving]).max():.2g}"
            )
        values_RMP, constant_MP = self._values(strings_RMS[:, first:].mean(1, keepdims=True))
        mean_P, error_P = self._one_row(values_RMP[:, 0], parts_RPC)
        still_P = still_to_move(values_R4P.mean(0) + constant_4P, change_P, its_error_P, self._spread_P)
        if R > 1:
            farthest_P = np.abs(values_RMP - values_RMP.mean(0)).max((0, 1))
            recent_RMG = awaited_RMG[:, -1:] - awaited_RMG[:, [-1 - (last - first) // RECENT]]
            error_P = np.hypot(error_P, missed(farthest_P, self._spread_P, recent_RMG)[0])
        return constant_MP + mean_P, np.hypot(error_P, still_P)[None]

    def _one_row(self, values_RP: np.ndarray, controls_RPC: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if len(values_RP) == 1:
            return values_RP[0], PURE_ERROR * self._spread_P if self.single else np.full(len(self.asked), math.inf)
        return estimate_each(values_RP, controls_RPC)

    def _values(self, strings_RMS: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """To first order around the means, every trajectory's part of an observable, (R, M, P), and a constant, (M, P).

        <AB> - <A><B> is the mean of ab - a <B> - b <A>, plus <A><B>.
        """
        column = self.column
        mean_MS, (R, M, _) = strings_RMS.mean(0), strings_RMS.shape
        values_RMP, constant_MP = np.zeros((R, M, len(self.asked))), np.zeros((M, len(self.asked)))
        for p, each in enumerate(self.asked):
            for c, string in each.terms:
                values_RMP[..., p] += c * strings_RMS[..., column[string]]
            factors = [column[string] for string in each.factors]
            for j, factor in enumerate(factors):
                rest_M = mean_MS[:, factors[:j] + factors[j + 1 :]].prod(1)
                values_RMP[..., p] -= rest_M * strings_RMS[..., factor]
            if factors:
                constant_MP[:, p] = (len(factors) - 1) * mean_MS[:, factors].prod(1)
        return values_RMP, constant_MP

    def _controls(self, controls_RMK: np.ndarray, edges: list[int]) -> np.ndarray:
        """(R, P, C): over each stretch of time the three Paulis of an observable's sites, with its coefficients."""
        stretches = [controls_RMK[:, after] - controls_RMK[:, before] for before, after in pairwise(edges)]
        parts = [stretch_RK @ weight_KP for stretch_RK in stretches for weight_KP in self.weights]
        return np.stack(parts, axis=2) if parts else np.zeros((len(controls_RMK), len(self.asked), 0))


def _stretches(n_trajectories: int, m: int) -> int:
    return min(STRETCHES, n_trajectories // PER_STRETCH, m)


def _weights(asked: Sequence[Observable], its_pauli: Mapping[PauliString, int]) -> list[np.ndarray]:
    """For x, y and z the weight of every single-site Pauli that is measured in an observable's controls, (K, P)."""
    n_paulis = max(its_pauli.values(), default=-1) + 1
    found = [np.zeros((n_paulis, len(asked))) for _ in PAULIS] if n_paulis else []
    for ((site, letter),), k in its_pauli.items():
        for p, each in enumerate(asked):
            terms = [*each.terms, *((1.0, factor) for factor in each.factors)]
            found["XYZ".index(letter)][k, p] += sum(c for c, string in terms if site in dict(string))
    return found


def _drift(model: LindbladModel, pauli: PauliString, operator: Any) -> Any:
    """L^+(O) of a single-site Pauli, from the terms that act on its site."""
    ((site, _),) = pauli
    return adjoint_generator(*qutip_operators(around(model, site)), operator)
