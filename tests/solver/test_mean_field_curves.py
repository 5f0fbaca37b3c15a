"""Mean field in the plot of a solved problem: exact for spins that do not meet, dotted on request, in no table."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import repro
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, SIGMA_Z
from repro.solver import exact
from repro.solver.mean_field_curves import with_mean_field
from repro.solver.solution import Solution
from repro.utils.errors import InputError
from tests.helpers import solving

TIMES = [0.0, 0.3, 0.7]
ASKED = ("X0", "Z1", "X0 Z1", "purity")


def alone() -> repro.Problem:
    """Two different spins without coupling."""
    model = repro.LindbladModel(
        repro.chain(2),
        [(0, 0.6 * SIGMA_X + 0.2 * SIGMA_Z), (1, 0.9 * SIGMA_X)],
        jumps=[(k, SIGMA_MINUS, 1.0) for k in (0, 1)],
    )
    return repro.Problem(model, [(0.3, -0.2, 0.8), "left"], observables=ASKED)


def solution(problem: repro.Problem) -> Solution:
    """Rows as a run makes them, values made up."""
    rows = [
        {
            "t": t,
            "observable": each.name,
            "mean": 0.1,
            "error": 0.0,
            "exact": 0.2,
            "deviation": -0.1,
            "exact_error": 0.0,
        }
        for each in problem.asked
        for t in (*TIMES, math.inf)
    ]
    return Solution(problem, pd.DataFrame(rows), (), 1.0)


def test_of_spins_that_do_not_meet_it_is_qutips(tmp_path: Path) -> None:
    problem = alone()
    found = with_mean_field(solution(problem).table, problem)
    known = exact.evolution(problem, TIMES, tmp_path)
    assert set(ASKED) <= set(known)
    for name, expected in known.items():
        rows = found[found["observable"] == name]
        np.testing.assert_allclose(rows["mean_field"].iloc[:3], expected, atol=1e-6)
        assert math.isnan(rows["mean_field"].iloc[3])


def test_it_is_dotted_on_request_and_in_no_table(tmp_path: Path) -> None:
    solved = solution(solving.pair())

    def dotted(figure) -> list[np.ndarray]:
        return [line.get_ydata() for axes in figure.axes for line in axes.lines if line.get_linestyle() == ":"]

    assert not dotted(solved.figure())
    evolving = solved.table["observable"].unique()
    assert len(dotted(solved.figure(mean_field=True))) == len(evolving)
    expected = with_mean_field(solved.table, solved.problem)["mean_field"].dropna().to_numpy()
    assert np.concatenate(dotted(solved.figure(mean_field=True))) == pytest.approx(expected)
    solved.save(tmp_path, mean_field=True)
    assert "mean_field" not in pd.read_csv(tmp_path / "table.csv")


def test_in_imaginary_time_it_is_refused() -> None:
    model = repro.LindbladModel(repro.chain(2), two_site=[((0, 1), np.kron(SIGMA_Z, SIGMA_Z))])
    cooled = repro.Problem(model, (0.0, 0.0, 0.0), imaginary_time=True)
    with pytest.raises(InputError, match="imaginary time"):
        solution(cooled).figure(mean_field=True)
