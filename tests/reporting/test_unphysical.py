"""Means outside what any state has are told, in `repro.solve`, its command and `repro run`."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import repro
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, SIGMA_Z
from repro.reporting.unphysical import print_unphysical, worst
from tests.helpers import rows
from tests.helpers.solving import TINY


def table_of(mean: float, error: float, name: str = "sigma_z") -> pd.DataFrame:
    table = rows.table().copy()
    table.loc[table.index[0], ["observable", "mean", "error"]] = [name, mean, error]
    return table


@pytest.mark.parametrize("name", ["sigma_x", "sigma_y", "sigma_z"])
@pytest.mark.parametrize(
    ("mean", "error", "told"),
    [(1.034, 0.005, True), (-1.034, 0.0, True), (1.01, 0.005, False), (1.0000005, 0.0, False), (1.1, np.nan, True)],
)
def test_a_tables_averages_outside_one_are_told(name: str, mean: float, error: float, told: bool) -> None:
    stream = io.StringIO()
    print_unphysical(table_of(mean, error, name), stream)
    assert (f"unphysical: <{name}> = {mean:g}" in stream.getvalue()) == told
    assert stream.getvalue().count("\n") == told


def test_other_quantities_of_a_table_have_no_such_bound() -> None:
    stream = io.StringIO()
    print_unphysical(table_of(7.0, 0.0, "loss"), stream)
    assert stream.getvalue() == ""


def test_a_combination_is_bounded_by_its_coefficients() -> None:
    model = repro.LindbladModel(repro.chain(2), one_site=[(0, SIGMA_X)])
    energy = {"E": [(2.0, "Z0 Z1"), (-0.5, "X0")]}
    asked = repro.Problem(model, observables=["Z", "purity", energy], correlators=[("Z0", "Z1")]).asked
    bounds = {each.name: each.bound for each in asked}
    assert bounds == {"Z": 1, "purity": 1, "E": 2.5, "Z0 Z1": 1, "Z0 Z1 connected": 1}
    table = pd.DataFrame({"t": [1.0, 2.0, np.inf], "observable": "E", "mean": [2.4, 2.6, -2.7], "error": 0.01})
    (line,) = worst(table, bounds.__getitem__, lambda row: "")
    assert line.startswith("unphysical: <E> = -2.7 +- 0.01 at the steady state, 2 such values; expected at most 2.5")


def test_a_solution_and_its_summary_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from repro.solver import solve

    averaged = solve.evolution_rows
    monkeypatch.setattr(
        solve, "evolution_rows", lambda *given: [row | {"mean": 1.034, "error": 0.005} for row in averaged(*given)]
    )
    model = repro.LindbladModel(repro.chain(1), [(0, 0.5 * SIGMA_X)], jumps=[(0, SIGMA_Z, 1.0), (0, SIGMA_MINUS, 1.0)])
    problem = repro.Problem(model, observables=["Z0"])
    solution = repro.solve(problem, 0.1, runs=tmp_path, **TINY, iterations=1)
    assert solution.notes[0].startswith("unphysical: <Z0> = 1.034 +- 0.005 at t = 0")
    assert f"note: {solution.notes[0]}" in solution.summary()
