"""Which reference gives a problem's exact values, and what it is called in a summary.

Up to ten sites QuTiP's density matrix (`repro.solver.exact`). Beyond, with errors: matrix products where the lattice is
an open chain or a uniform ring (`repro.references.chain_strings`), and where it is another, or matrix products leave
something out, quantum trajectories (`repro.solver.trajectories`), by QuTiP to sixteen sites, as circuits of gates to
twenty-six.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from repro.references import chain_strings, limits
from repro.references.cache import Reference, Say
from repro.references.density_matrix import MAX_DENSITY_MATRIX_SITES
from repro.references.gates.circuit import MAX_GATE_SITES, installed
from repro.references.pauli_generators import is_line
from repro.references.trajectory_steady_state import MAX_TRAJECTORY_SITES
from repro.solver import exact
from repro.solver.problem import Problem
from repro.solver.table import Exact
from repro.solver.trajectories import values as trajectory_values
from repro.solver.trajectories.by_gates import GateTrajectories
from repro.utils.errors import InputError
from repro.utils.formatting import duration

Way = Callable[[Problem, float, Path, Say], Reference]
FASTER = 13
"""Sites from which on circuits of gates have more trajectories in ten minutes than QuTiP with its controls needs."""
LEAST_ROWS = 8
"""From so many rows on the error of interpolating between them is estimated."""


def evolution(problem: Problem, times: Sequence[float], folder: Path, notes: list[str], say: Say) -> Exact | None:
    """Exact values at some times (ascending, from 0; natural unit); None, and a note of why, where there are none."""
    if problem.n_sites <= MAX_DENSITY_MATRIX_SITES:
        return _noted(lambda: Exact.without_errors(exact.evolution(problem, times, folder)), notes)
    reference = _beyond(problem, float(times[-1]), folder, notes, say)
    return None if reference is None else _at(problem, reference, np.asarray(times, dtype=float))


def steady_state(problem: Problem, folder: Path, notes: list[str], say: Say) -> Exact | None:
    """Exact values of the steady state; None, and a note of why, where there are none."""
    if problem.n_sites <= MAX_DENSITY_MATRIX_SITES:
        return _noted(lambda: Exact.without_errors(exact.steady_state(problem, folder)), notes)
    reference = _beyond(problem, math.inf, folder, notes, say)
    return None if reference is None else _at(problem, reference, np.array([math.inf]))


def _beyond(problem: Problem, t_end: float, folder: Path, notes: list[str], say: Say) -> Reference | None:
    """The reference that leaves nothing out but what no other could give, else the one that has most values."""
    if problem.imaginary_time:
        notes.append(f"no exact values: thermal states have them up to {MAX_DENSITY_MATRIX_SITES} sites")
        return None
    ways: list[Way] = [_by_matrix_products] * is_line(problem.model.lattice)
    ways += _trajectories(problem.n_sites)
    refused: list[str] = []
    found: list[Reference] = []
    for way in ways:
        try:
            found.append(way(problem, t_end, folder, say))
        except InputError as error:
            refused.append(str(error))
            continue
        if found[-1].table["mean"].notna().all():
            break
    if not ways:
        refused.append(f"{problem.n_sites} sites, expected an open chain, a uniform ring or at most {MAX_GATE_SITES}")
    best = max(found, key=lambda each: each.table["mean"].notna().mean(), default=None)
    if best is None or not best.table["mean"].notna().any():
        missing = [line for each in found for line in each.info["missing"]]
        notes.append(f"no exact values: {'; '.join([*missing, *refused])}")
        return None
    notes += [f"exact values, {line}" for line in best.info["missing"]]
    return best


def _trajectories(n_sites: int) -> list[Way]:
    """By gates where they are faster and can be had, by QuTiP where it can hold them."""
    ways: list[Way] = []
    if MAX_TRAJECTORY_SITES < n_sites <= MAX_GATE_SITES or (FASTER <= n_sites <= MAX_GATE_SITES and installed()):
        ways.append(partial(trajectory_values.values, by=GateTrajectories))
    if n_sites <= MAX_TRAJECTORY_SITES:
        ways.append(trajectory_values.values)
    return ways


def _by_matrix_products(problem: Problem, t_end: float, folder: Path, say: Say) -> Reference:
    start = problem.model, problem.bloch_vectors, problem.asked
    if math.isinf(t_end):
        return chain_strings.steady_state(*start, [folder], say=say)
    return chain_strings.evolution(*start, t_end, [folder], say=say)


def _at(problem: Problem, reference: Reference, times: np.ndarray) -> Exact:
    """Values at some times, cubic between the table's, and the larger error of the two beside."""
    rows_P = np.split(reference.table[["t", "mean", "error"]].to_numpy(dtype=float), len(problem.asked))
    means, errors = {}, {}
    for each, rows in zip(problem.asked, rows_P, strict=True):
        means[each.name], errors[each.name] = _between(rows[~np.isnan(rows[:, 1])], times)
    shown = [value for values in errors.values() for value in values[~np.isnan(values)]]
    what = "steady state" if math.isinf(times[-1]) else "evolution"
    told = f"exact {what}: {_called(problem, reference)}, error {max(shown, default=math.nan):.2g}"
    return Exact(means, errors, f"{told}, {duration(float(reference.info['seconds']))}")


def _between(rows: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and error at some times; NaN beyond the last row."""
    from scipy.interpolate import CubicSpline

    t, mean, error = rows.T
    if len(rows) < 2 or math.isinf(t[-1]):
        there = math.isinf(times[-1]) and len(rows) == 1
        return np.full(len(times), mean[0] if there else math.nan), np.full(len(times), error[0] if there else math.nan)
    inside = times <= t[-1] * (1 + 1e-9)
    at = np.minimum(times, t[-1])
    after = np.searchsorted(t, at).clip(max=len(t) - 1)
    larger = np.maximum(error[after], error[(after - 1).clip(min=0)])
    larger = np.where(np.isclose(t[after], at, rtol=1e-9, atol=0), error[after], larger)
    found = CubicSpline(t, mean)(at)
    if len(t) >= LEAST_ROWS:  # cubic curves through half of the rows are sixteen times further off
        half = CubicSpline(t[::2], mean[::2])
        larger = np.maximum(larger, np.where(at <= t[::2][-1], np.abs(half(at) - found) / 8, 0.0))
    return np.where(inside, found, math.nan), np.where(inside, larger, math.nan)


def _called(problem: Problem, reference: Reference) -> str:
    info = reference.info
    if "trajectories" in info:
        how = " of gates" if info["solver"] == GateTrajectories.solver else ""
        return f"{info['trajectories']} quantum trajectories{how}"
    of = (
        ""
        if limits.has_unique_steady_state(problem.model) or not math.isinf(reference.t_end)
        else "limit from the start, "
    )
    return f"{of}matrix products, bond dimension {info['bond_dimension']}"


def _noted(compute: Callable[[], Exact], notes: list[str]) -> Exact | None:
    """Exact values, or a note of why there are none: what QuTiP cannot do is no reason to lose what was computed."""
    try:
        return compute()
    except InputError as error:
        notes.append(f"no exact values: {error}")
        return None
