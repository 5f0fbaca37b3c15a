"""A problem's observables by trajectories of gates (`repro.references.gates`): up to 26 sites, with qsim.

The step is the longest of a few whose error, as it was measured on a cluster of sites, is a part of the target; that
error counts. Which jumps happened is not told: of what is expected more than five times in all trajectories it is
taken that one has met it, of all else that none has. There are no controls.

Array suffixes: R trajectories, M times, S strings, G events.
"""

from __future__ import annotations

from itertools import islice
from typing import ClassVar

import numpy as np

from repro.physics.lindblad import Jump
from repro.physics.observables import PauliString
from repro.physics.pauli_maps import in_paulis
from repro.physics.state_vector import product_of, site_paulis, string_means
from repro.references.gates.accuracy import StepErrors
from repro.references.gates.circuit import check_installed, check_size
from repro.references.gates.step import Step, trajectory
from repro.solver.problem import Problem
from repro.solver.trajectories.base import TARGET, Trajectories

LONGEST, SHORTEST = 3, -4
"""Steps tried, as powers of two of the spacing of the times of other trajectories."""
PART = 0.25
"""Of the target, that a step may leave."""
CHECKED = 20.0
"""Over so long a time (natural unit) at most a step's error is measured."""
LEAST_ROWS = 12
"""An evolution has so many times at least: values between them are interpolated."""
SURE = 5.0
"""Expected jumps of which one has happened."""

Terms = list[tuple[float, PauliString]]


class GateTrajectories(Trajectories):
    """Trajectories of a problem in its natural unit, as circuits.

    Args:
        problem: at most 26 sites.
        t_end: last time wanted; inf for the steady state.

    Attributes:
        step_error: of a Pauli string on one site or two.

    Raises:
        InputError: more sites, no qsim, no step that is good enough, or as `Trajectories`.
    """

    solver: ClassVar[str] = "trajectories of gates, qsim"
    many: ClassVar[int] = 10

    def __init__(self, problem: Problem, t_end: float) -> None:
        check_size(problem.n_sites)
        check_installed()
        super().__init__(problem, t_end, controlled=False)
        h, self.step_error = self._step()
        spacing = self.times[1]
        self._every = max(1, round(spacing / h))
        spacing = self._every * h
        self.times = spacing * np.arange(max(5, int(np.ceil(self.times[-1] / spacing - 1e-9)) + 1))
        self._one_step = Step(problem.model, h)
        self._rates: list[Terms] = self.events.by_group([_rate(jump) for jump in problem.model.jumps])
        asked = (image for string in self.strings for image in self.alike[string])
        met = (string for terms in self._rates for _, string in terms)
        self._several = [string for string in dict.fromkeys((*asked, *met)) if len(string) > 1]

    def _step(self) -> tuple[float, float]:
        """The longest step that is good enough, and what it leaves."""
        spacing, end = float(self.times[1]), float(self.times[-1])
        longest = next(k for k in range(LONGEST, -1, -1) if k == 0 or end / (spacing * 2**k) >= LEAST_ROWS)
        apart = spacing * 2**longest
        times = apart * np.arange(int(min(end, CHECKED) / apart - 1e-9) + 2)
        errors = StepErrors(self.problem.model, self.problem.bloch_vectors, times)
        halved, off = errors.good_step(apart, longest - SHORTEST, PART * TARGET)
        return apart / 2**halved, off

    def one(self, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As `Trajectories.one`."""
        spins, rarer = self.start(seed)
        psi = product_of(spins)
        states = islice(trajectory(self._one_step, psi, seed), self._every - 1, None, self._every)
        rows = [self._measure(psi), *(self._measure(after) for after in islice(states, len(self.times) - 1))]
        strings_MS, rates_MG = (np.array(column) for column in zip(*rows, strict=True))
        awaited_MG = self.events.awaited(rates_MG, self.times, (), rarer)
        return strings_MS, np.zeros((len(rows), 0)), awaited_MG

    def estimate(
        self, strings_RMS: np.ndarray, controls_RMK: np.ndarray, awaited_RMG: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """As `Trajectories.estimate`, with what the step leaves."""
        met_MG = awaited_RMG.sum(0) > SURE
        met_MG[:, self.events.n_groups :] = False  # draws of the start are known
        mean_MP, error_MP = super().estimate(strings_RMS, controls_RMK, np.where(met_MG, np.nan, awaited_RMG))
        left_MP = np.broadcast_to(self.step_error * self._spread_P, error_MP.shape).copy()
        left_MP[: 0 if self.steady else 1] = 0.0
        return mean_MP, np.hypot(error_MP, left_MP)

    def _measure(self, psi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Strings averaged over their images, (S,), and rates of events, (G,)."""
        mean: dict[PauliString, float] = {(): 1.0}
        for site, paulis_3 in enumerate(site_paulis(psi)):
            mean |= {((site, axis),): float(value) for axis, value in zip("XYZ", paulis_3, strict=True)}
        if self._several:
            mean |= zip(self._several, string_means(psi, self._several), strict=True)
        strings = [np.mean([mean[image] for image in self.alike[string]]) for string in self.strings]
        rates = [sum(weight * mean[string] for weight, string in terms) for terms in self._rates]
        return np.array(strings), np.array(rates)


def _rate(jump: Jump) -> Terms:
    """gamma <c^+ c> as Pauli strings."""
    coefficients = jump.rate * in_paulis(jump.operator.conj().T @ jump.operator)
    shape = (4,) * len(jump.sites)
    found: Terms = []
    for a in np.flatnonzero(np.abs(coefficients) > 1e-15 * np.abs(coefficients).max()):
        letters = zip(jump.sites, ("IXYZ"[k] for k in np.unravel_index(a, shape)), strict=True)
        found.append((float(coefficients[a]), tuple(sorted(pair for pair in letters if pair[1] != "I"))))
    return found
