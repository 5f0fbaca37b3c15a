"""Trajectories of a problem: what is measured along each, and what many of them say, with standard errors.

A mixed start is drawn anew for each. The mean over trajectories is the value, their spread over sqrt(R) its standard
error. Over any stretch of time O(b) - O(a) - int_a^b L^+(O) dt has mean zero: such stretches of the Paulis on an
observable's own sites are taken as controls where they are measured (`repro.references.control_variates`), each
trajectory's weights fitted on the others, where that helps. Where model and start have lattice symmetries every string
is averaged over its images (`repro.solver.trajectories.images`).

The error is the standard error and, in quadrature, what one more trajectory of an evolution would change that is as far
off as the farthest, and what jumps may change that none has had yet (`repro.solver.trajectories.unseen`).

Array suffixes: R trajectories, M times, S strings, K Paulis of single sites, P observables, C controls, G events.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import ClassVar

import numpy as np

from repro.physics.lindblad import PAULIS
from repro.physics.observables import Observable, PauliString, product_mean, strings_of
from repro.physics.povm import product_state_density
from repro.references.control_variates import estimate_each
from repro.solver.problem import Problem
from repro.solver.trajectories.images import images, representatives, symmetries_of
from repro.solver.trajectories.times import still_to_move, times_of
from repro.solver.trajectories.unseen import Events, missed
from repro.utils.errors import InputError

TARGET = 0.01
"""Standard error that is enough, in units of `Observable.spread`."""
STRETCHES, PER_STRETCH = 4, 40
"""Most stretches of controls, and the trajectories that each takes: with fewer the fitted weights make the standard
error too small."""
PURE_ERROR = 1e-4
"""Given to what has no jumps and starts pure, in units of `Observable.spread`."""
RECENT = 4
"""What happens within such a part of a steady state's window is not yet forgotten at its end."""
HALVES = np.array([-0.5, -0.5, 0.5, 0.5])
"""Of a window's quarters: the change from its first half to its second."""
STILL = 5.0
"""Of a steady state: the two halves may differ by so many standard errors, or the target."""


class Trajectories(ABC):
    """Trajectories of a problem in its natural unit.

    Args:
        problem: what is asked, of which lattice.
        t_end: last time wanted; inf for the steady state.
        controlled: whether Paulis of single sites and their drifts are measured too.

    Attributes:
        solver: what computes them, for people.
        many: how many there may be at most, in units of those that are controlled.
        times: of the rows.

    Raises:
        InputError: a steady state that trajectories cannot tell from slowness.
    """

    solver: ClassVar[str]
    many: ClassVar[int] = 1

    def __init__(self, problem: Problem, t_end: float, controlled: bool) -> None:
        self.problem, self.steady = problem, math.isinf(t_end)
        self.times, self.burn_in = times_of(problem, t_end)
        self.asked = [each for each in problem.asked if not each.purity]
        wanted = strings_of(self.asked)
        jumping = problem.model.has_jumps
        mixed = any(np.linalg.norm(vector) < 1 - 1e-9 for vector in problem.bloch_vectors)
        self.single = not jumping and not mixed
        # of a mixed start the few trajectories that begin far off would be fitted too well
        fitted = controlled and jumping and not mixed
        sites = sorted({site for string in wanted for site, _ in string}) if fitted else []
        alone: list[PauliString] = [((site, axis.upper()),) for site in sites for axis in PAULIS]
        permutations = symmetries_of(problem)
        self.alike = {string: images(string, permutations) for string in (*wanted, *alone)}
        self.strings, self.column = representatives(wanted, self.alike)
        self.paulis, its_pauli = representatives(alone, self.alike)
        self.weights = _weights(self.asked, its_pauli)
        self.events = Events(problem, permutations)

    @abstractmethod
    def one(self, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Along a trajectory: strings, (M, S); O(t) - O(0) - int_0^t L^+(O) of Paulis, (M, K); events, (M, G)."""

    def start(self, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
        """A pure product state, of every site an eigenvector of its density matrix drawn by its eigenvalue.

        Also which sites are in the rarer one.
        """
        rng, spins, rarer = np.random.default_rng([seed, 1]), [], []
        for vector in self.problem.bloch_vectors:
            weights, vectors = np.linalg.eigh(product_state_density(vector))
            larger = int(rng.random() < weights[1])
            spins.append(vectors[:, larger])
            rarer.append(larger == 0)
        return spins, np.array(rarer)

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
