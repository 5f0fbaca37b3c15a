"""Exact values of a user's observables, by QuTiP, cached on disk like every reference (`repro.references.cache`)."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from repro.physics.observable_parser import PURITY
from repro.physics.observables import Observable, named, strings_of
from repro.physics.povm import product_state_density
from repro.references import limits
from repro.references.cache import Reference, describe, find_or_compute
from repro.references.qutip_solvers import check_state, density_operators, evolve, qutip_operators
from repro.solver.problem import Problem

if TYPE_CHECKING:
    import qutip


STEADY = "steady state of observables"
EVOLUTION = "evolution of observables"
NUMBERS = {STEADY: 2, EVOLUTION: 2}
"""Versions of the numbers, part of a key, 1 of other kinds: raise one when the same problem's values become others."""


def evolution(problem: Problem, times: Sequence[float], folder: Path) -> dict[str, np.ndarray]:
    """Every observable at some times (ascending, from 0; units of time 1/gamma), by `mesolve`.

    In imaginary time the times are inverse temperatures, and the states e^(-beta H) / Z, by diagonalising H.

    Raises:
        InputError: a folder that cannot be written.
    """
    times = [float(t) for t in times]
    cooled = problem.imaginary_time
    kind, compute = ("Gibbs states", _gibbs_states) if cooled else (EVOLUTION, _evolution)
    description = _describe(problem, kind, initial=problem.bloch_vectors, times=times)
    reference = find_or_compute(description, times[-1], [folder], lambda: compute(problem, times))
    return _by_observable(problem, reference)


def steady_state(problem: Problem, folder: Path) -> dict[str, np.ndarray]:
    """Every observable in the steady state, shape (1,): where it depends on the start, the limit from the problem's.

    Raises:
        InputError: no solver reached it, or the evolution does not come to rest, or a folder that cannot be written.
    """
    start = {} if limits.has_unique_steady_state(problem.model) else {"initial": problem.bloch_vectors}
    description = _describe(problem, STEADY, **start)
    reference = find_or_compute(description, math.inf, [folder], lambda: _steady_state(problem))
    return _by_observable(problem, reference)


def _describe(problem: Problem, kind: str, **settings: Any) -> dict[str, Any]:
    observables = [[each.name, each.terms, each.factors, each.purity] for each in problem.asked]
    return describe(problem.model, kind, observables=observables, numbers=NUMBERS.get(kind, 1), **settings)


def _evolution(problem: Problem, times: Sequence[float]) -> Reference:
    start = time.perf_counter()
    unit = problem.model.unit
    hamiltonian, jumps = qutip_operators(problem.model.in_units_of(unit))
    rho = _initial_state(problem)
    e_ops: dict[str, Any] = dict(density_operators(strings_of(problem.asked), problem.n_sites))
    if any(each.purity for each in problem.asked):
        e_ops[PURITY] = _purity
    result = evolve(hamiltonian, jumps, rho, unit * np.asarray(times), e_ops=e_ops)
    check_state("exact evolution", result.final_state)
    means = {name: np.real(values) for name, values in result.e_data.items()}
    return _reference(problem.asked, times, means, "mesolve adams", start)


def _gibbs_states(problem: Problem, betas: Sequence[float]) -> Reference:
    start = time.perf_counter()
    energy, V = np.linalg.eigh(qutip_operators(problem.model)[0].full())
    weight = np.exp(-np.outer(betas, energy - energy[0]))  # e^(-beta E), one row for each beta
    weight /= weight.sum(1, keepdims=True)
    operators = density_operators(strings_of(problem.asked), problem.n_sites)
    means = {name: weight @ (V.conj() * (op.full() @ V)).sum(0).real for name, op in operators.items()}
    means[PURITY] = (weight**2).sum(1)
    return _reference(problem.asked, betas, means, "eigenvalues of H", start)


def _steady_state(problem: Problem) -> Reference:
    start = time.perf_counter()
    solver, rho = limits.steady_state(problem.model, _initial_state(problem))
    observables = density_operators(strings_of(problem.asked), problem.n_sites)
    means = {name: np.array([(operator * rho).tr().real]) for name, operator in observables.items()}
    means[PURITY] = np.array([_purity(math.inf, rho)])
    return _reference(problem.asked, [math.inf], means, solver, start)


def _initial_state(problem: Problem) -> qutip.Qobj:
    from qutip import Qobj, tensor

    return tensor([Qobj(product_state_density(vector)) for vector in problem.bloch_vectors]).to("Dense")


def _purity(t: float, rho: qutip.Qobj) -> float:
    return float((rho * rho).tr().real)


def _value(each: Observable, means: Mapping[str, np.ndarray], k: int) -> float:
    if each.purity:
        return float(means[PURITY][k])
    return each.value({string: float(means[named(string)][k]) for string in each.strings})


def _reference(
    observables: Sequence[Observable],
    times: Sequence[float],
    means: Mapping[str, np.ndarray],
    solver: str,
    start: float,
) -> Reference:
    import pandas as pd

    rows = [
        {"t": t, "observable": each.name, "mean": _value(each, means, k)}
        for each in observables
        for k, t in enumerate(times)
    ]
    return Reference(pd.DataFrame(rows), {"solver": solver, "seconds": round(time.perf_counter() - start, 2)})


def _by_observable(problem: Problem, reference: Reference) -> dict[str, np.ndarray]:
    means = reference.table["mean"].to_numpy(dtype=float).reshape(len(problem.asked), -1)
    return {each.name: values for each, values in zip(problem.asked, means, strict=True)}
