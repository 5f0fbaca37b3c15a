"""Pauli strings, their combinations and the purity on long chains and rings, by matrix products, with errors.

An open chain may be any, and start from any product state. A ring that is the same everywhere, and so is its start, is
taken for the infinite chain (`repro.references.line_observables`). The error is the largest of

    cut    what half the bond dimension changes,
    step   half of what twice the time step changes,
    ring   how far the strings, their gaps shortened to fit, are on the infinite chain from a ring of ten (eight for
           steady states), which QuTiP solves,
    rest   of a steady state, what moved in the last quarter of the evolution, and what such a decay has yet to go.

A value whose error is above the target is left out (NaN), and all after it; `info["missing"]` says why.

Array suffixes: M times, S strings, P observables.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from repro.physics.lindblad import LindbladModel
from repro.physics.observables import Observable
from repro.references.cache import Folders, Reference, Say, describe, find, find_or_compute
from repro.references.chain import AROUND, BOND_DIMENSIONS, largest_around
from repro.references.line_observables import Bloch, Evolution, LineObservables, Source, Steady, TooLongError
from repro.references.record import curve_table, made_in

KIND, STEADY = "observables by matrix products", "steady observables by matrix products"
TARGET = 0.01
"""Largest error, in units of how far an observable can go (`Observable.spread`)."""
SPACING, LEAST_ROWS = 0.1, 5
"""Of the table's times, in the model's natural unit, and how many there are at least."""
ROUNDING = 1e-9
SECONDS, GROWTH = 600.0, 5.0
"""After so long no larger bond dimension is tried; twice the bond dimension takes so many times longer, about."""
STEPS = (0.05, 0.1)
"""Time step, and the one that is compared with it, in the model's natural unit."""
NUMBERS = {KIND: 2, STEADY: 3}
"""Version of the numbers, part of a key."""


def evolution(
    model: LindbladModel,
    vectors: Bloch,
    observables: Sequence[Observable],
    t_end: float,
    folders: Folders,
    *,
    target: float = TARGET,
    say: Say = lambda text: None,
) -> Reference:
    """Observables from a product state at times to t_end, by matrix products.

    Args:
        model: on an open chain, or on a ring of more than ten sites that is the same everywhere.
        vectors: Bloch vector of every site at the start; on a ring all alike.
        observables: Pauli strings and their combinations, on a ring within half of it; the purity of an open chain.
        t_end: last time wanted (inverse unit of the rates). A stored curve that reaches further is returned whole.
        folders: as in `repro.references.cache.find_or_compute`.
        target: largest error, in units of `Observable.spread`.
        say: called with a line of progress for every bond dimension.

    Returns:
        A reference whose table has a column `error`; mean and error are NaN where an observable cannot be had.

    Raises:
        InputError: another lattice, terms beyond neighbours, or sites of a ring that differ.
    """
    line = LineObservables(model.in_units_of(model.unit), vectors, observables)
    described = _describe(model, vectors, observables, KIND, target)
    # what cannot be had to this time may be had to an earlier one
    here = {**described, "t_end": float(t_end)}
    for description in (described, here):
        if (reference := find(description, t_end, folders)) is not None:
            return reference
    times = SPACING * np.arange(max(LEAST_ROWS, math.ceil(t_end * model.unit / SPACING - 1e-9) + 1))
    reference = _reference(KIND, line, Evolution(line, times), target, say, model.unit)
    return find_or_compute(here if reference.info["missing"] else described, t_end, folders, lambda: reference)


def steady_state(
    model: LindbladModel,
    vectors: Bloch,
    observables: Sequence[Observable],
    folders: Folders,
    *,
    target: float = TARGET,
    say: Say = lambda text: None,
) -> Reference:
    """Observables where the evolution from a product state comes to rest; arguments and errors as in `evolution`."""
    line = LineObservables(model.in_units_of(model.unit), vectors, observables)
    description = _describe(model, vectors, observables, STEADY, target)
    source = Steady(line, target)
    return find_or_compute(
        description, math.inf, folders, lambda: _reference(STEADY, line, source, target, say, model.unit)
    )


def _describe(
    model: LindbladModel, vectors: Bloch, observables: Sequence[Observable], kind: str, target: float
) -> dict[str, Any]:
    asked = [[each.name, each.terms, each.factors, each.purity] for each in observables]
    initial = [list(map(float, vector)) for vector in vectors]
    return describe(model, kind, initial=initial, asked=asked, target=target, numbers=NUMBERS[kind])


def _reference(kind: str, line: LineObservables, source: Source, target: float, say: Say, unit: float) -> Reference:
    began = time.perf_counter()
    limit_P = np.array([target * each.spread + ROUNDING * each.bound for each in line.observables])
    means, errors, info = _compared(line, source, limit_P, say, began + SECONDS)
    over = np.maximum.accumulate(~(errors <= limit_P), axis=0)
    info["missing"] = _missing(line, errors, over, info, target)
    means[over] = errors[over] = math.nan
    table = curve_table(source.times / unit, means, errors, [each.name for each in line.observables])
    info |= {"kind": kind, "solver": "matrix products", "target": target, "time_steps": STEPS}
    return Reference(table, {**info, **made_in(time.perf_counter() - began)})


def _missing(
    line: LineObservables, errors: np.ndarray, over: np.ndarray, info: dict[str, Any], target: float
) -> list[str]:
    """Why values are left out, a line for each reason."""
    said, missed = [], over & line.served
    if not all(line.served):
        said.append(
            f"matrix products: {line.served.count(False)} of {len(line.served)} observables left out, expected strings "
            "within half of the ring, no purity"
        )
    if missed.any() and not info["errors"]:
        said.append(f"matrix products: not within {SECONDS:g} s")
    elif missed.any():
        where = "" if missed[0].any() else " at late times"
        told = ", ".join(f"{name} {value:.2g}" for name, value in info["errors"].items())
        largest, count = _largest(np.where(missed, errors, 0.0)), int(missed.any(0).sum())
        said.append(
            f"matrix products: {count} of {len(line.served)} observables left out{where}, error up to {largest:.2g} at "
            f"bond dimension {info['bond_dimension']} ({told}), expected at most {target:g} of their range"
        )
    return said


def _compared(
    line: LineObservables, source: Source, limit_P: np.ndarray, say: Say, deadline: float
) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Means and errors, (M, P), of the first bond dimension that meets the target or the last there is time for."""
    exact, span = None, source.ring // 2
    unknown = np.full((len(source.times), len(line.observables)), math.nan)
    info: dict[str, Any] = {"bond_dimension": 0, "errors": {}}
    if line.infinite:
        line.measure_too(span)
        say(f"exact values: QuTiP's ring of {source.ring}, which the infinite chain is compared with")
        exact = source.exact()
    best = unknown, unknown
    try:
        small = BOND_DIMENSIONS[0] // 2
        lower, (coarse, _) = source.means(small, STEPS[0], deadline)[0], source.means(small, STEPS[1], deadline)
        parts = {"step": np.abs(line.values(coarse) - line.values(lower)) / 2}
        for bond_dimension in BOND_DIMENSIONS:
            began = time.perf_counter()
            means, parts["rest"] = source.means(bond_dimension, STEPS[0], deadline)
            parts["cut"] = np.abs(line.values(means) - line.values(lower))
            if exact is not None:
                parts["ring"] = line.off_the_ring(means, exact, span)
            errors = largest_around(np.maximum.reduce(list(parts.values())), round(AROUND / SPACING))
            best = line.values(means), errors
            info = {"bond_dimension": bond_dimension, "errors": {k: _largest(part) for k, part in parts.items()}}
            say(f"exact values: bond dimension {bond_dimension}, error {_largest(errors):.4f}")
            if (
                not (parts["cut"] > limit_P).any()
                or time.perf_counter() + GROWTH * (time.perf_counter() - began) > deadline
            ):
                break
            lower = means
    except TooLongError:
        say(f"exact values: no time for a larger bond dimension than {info['bond_dimension']}")
    return *best, info


def _largest(values_MP: np.ndarray) -> float:
    return float(np.nanmax(values_MP, initial=0.0))
