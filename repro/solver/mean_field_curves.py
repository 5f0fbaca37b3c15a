"""Mean field of a user's observables: every Pauli string is the product of its sites' Bloch components.

Array suffixes: T times, N sites, A axes x, y, z.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from repro.physics.observables import Observable, product_mean
from repro.references.mean_field import vectors
from repro.solver.problem import Problem
from repro.utils.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

COLUMN = "mean_field"


def with_mean_field(table: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    """A solution's table with a column `mean_field`: of evolutions, NaN at t = inf.

    Raises:
        InputError: a problem in imaginary time.
    """
    if problem.imaginary_time:
        raise InputError("mean field of a problem in imaginary time: expected an evolution in real time")
    known = {each.name: each for each in problem.asked}
    table = table.assign(**{COLUMN: math.nan})
    times = np.unique([0.0, *table.loc[np.isfinite(table["t"]), "t"]])
    if len(times) < 2:
        return table
    r_TNA = vectors(problem.model, problem.bloch_vectors, times)
    for name in dict.fromkeys(table["observable"]):
        rows = (table["observable"] == name) & np.isfinite(table["t"])
        values_T = np.array([_value(known[name], r_NA) for r_NA in r_TNA])
        table.loc[rows, COLUMN] = values_T[np.searchsorted(times, table.loc[rows, "t"])]
    return table


def _value(observable: Observable, r_NA: np.ndarray) -> float:
    """In a product state; its purity is that of all its spins, prod (1 + |r|^2) / 2."""
    if observable.purity:
        return float(np.prod((1 + (r_NA**2).sum(1)) / 2))
    return observable.value({string: product_mean(string, r_NA) for string in observable.strings})
