"""No unit makes a difference: energies times s and times over s give the same table, ids and exact values included."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import repro
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, SIGMA_Z
from repro.solver.table import still_moving
from repro.utils.errors import InputError
from tests.helpers.solving import TINY

UNITS = [1e-9, 7.0, 1e9]
ZZ = np.kron(SIGMA_Z, SIGMA_Z)


def driven_pair(s: float) -> repro.Problem:
    model = repro.LindbladModel(
        repro.chain(2),
        one_site=[(0, 0.3 * s * SIGMA_X), (1, 0.1 * s * SIGMA_X)],
        two_site=[((0, 1), 0.7 * s * ZZ)],
        jumps=[(site, SIGMA_MINUS, (0.9 + 0.2 * site) * s) for site in range(2)],
    )
    return repro.Problem(model, ["up", "plus"], observables=["Z", "X0"])


def evolved(s: float, runs: Path) -> repro.Solution:
    settings = {**TINY, "iterations": 8, "seeds": 2}
    return repro.solve(driven_pair(s), 0.5 / s, step=0.25 / s, runs=runs, **settings)


def searched(s: float, runs: Path) -> repro.Solution:
    return repro.solve(driven_pair(s), steady=True, runs=runs, **{**TINY, "iterations": 60})


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, repro.Solution]:
    runs = tmp_path_factory.mktemp("plain")
    return {"evolved": evolved(1.0, runs), "searched": searched(1.0, runs)}


@pytest.mark.parametrize("s", UNITS)
@pytest.mark.parametrize("kind", ["evolved", "searched"])
def test_means_errors_and_exact_values_are_the_same_in_any_unit(
    kind: str, s: float, plain: dict[str, repro.Solution], tmp_path: Path
) -> None:
    table, expected = {"evolved": evolved, "searched": searched}[kind](s, tmp_path).table, plain[kind].table
    np.testing.assert_allclose(table["t"] * s, expected["t"], rtol=1e-11)
    for name in ("mean", "error", "exact", "deviation"):
        np.testing.assert_allclose(table[name], expected[name], atol=1e-6)
    assert len(set(table["t"])) == len(set(expected["t"]))


def test_what_was_computed_in_one_unit_is_found_in_another(tmp_path: Path) -> None:
    first, second = evolved(1.0, tmp_path), evolved(1e6, tmp_path)
    assert first.folders == second.folders
    assert len(list((tmp_path / "reference").glob("*.csv"))) == 1


def test_rates_that_differ_do_not_share_an_exact_curve(tmp_path: Path) -> None:
    """A jump of 1e6 sigma^- at rates of 2e-13 and 4e-13: decays with rates of 0.2 and 0.4."""
    for rate in (2e-13, 4e-13):
        model = repro.LindbladModel(repro.chain(1), jumps=[(0, 1e6 * SIGMA_MINUS, rate)])
        problem = repro.Problem(model, observables=["Z0"])
        solution = repro.solve(problem, 1.0, runs=tmp_path, **{**TINY, "iterations": 4})
        last = solution.table.iloc[-1]
        assert last["exact"] == pytest.approx(2 * math.exp(-rate * 1e12) - 1, abs=1e-7)


def test_a_gigahertz_decay_has_a_row_for_every_time(tmp_path: Path) -> None:
    model = repro.LindbladModel(repro.chain(1), jumps=[(0, SIGMA_MINUS, 1e9)])
    table = repro.solve(repro.Problem(model, observables=["Z0"]), 5e-9, runs=tmp_path, **TINY, iterations=300).table
    assert len(set(table["t"])) == len(table) > 50
    np.testing.assert_allclose(table["exact"], 2 * np.exp(-1e9 * table["t"]) - 1, atol=1e-7)
    assert table["deviation"].abs().max() < 0.02


def test_a_slow_decay_alone_is_followed_to_its_end(tmp_path: Path) -> None:
    """At a rate of 3e-4 nothing moves within ten units of time; the steady state is down all the same."""
    model = repro.LindbladModel(repro.chain(1), jumps=[(0, SIGMA_MINUS, 3e-4)])
    problem = repro.Problem(model, observables=["Z0"])
    row = repro.solve(problem, steady=True, runs=tmp_path, **TINY, iterations=300).table.iloc[0]
    assert row["mean"] == pytest.approx(-1, abs=0.02) and row["exact"] == pytest.approx(-1, abs=1e-6)


def test_a_slow_decay_beside_a_fast_field_is_said_to_move(tmp_path: Path) -> None:
    model = repro.LindbladModel(repro.chain(1), one_site=[(0, SIGMA_Z)], jumps=[(0, SIGMA_MINUS, 3e-4)])
    problem = repro.Problem(model, observables=["Z0"])
    solution = repro.solve(problem, steady=True, runs=tmp_path, **TINY, iterations=100)
    row = solution.table.iloc[0]
    assert row["exact"] == pytest.approx(-1, abs=1e-6)
    assert abs(row["mean"] + 1) <= 1.5 * row["error"] and "still moves" in solution.notes[0]


def test_a_turn_whose_period_is_the_step_is_no_steady_state(tmp_path: Path) -> None:
    """H = (pi / 2.5) X turns the spin once in every step of 2.5; what damps it is slow."""
    field = math.pi / 2.5
    model = repro.LindbladModel(repro.chain(1), one_site=[(0, field * SIGMA_X)], jumps=[(0, SIGMA_X, 1e-3)])
    problem = repro.Problem(model, observables=["Z0", "Y0"])
    solution = repro.solve(problem, steady=True, step=2.5, runs=tmp_path, **TINY, iterations=100)
    assert "still moves" in solution.notes[0]
    for row in solution.table.to_dict("records"):
        assert row["exact"] == pytest.approx(0, abs=1e-6) and abs(row["mean"]) <= row["error"]


@pytest.mark.parametrize("size", [1e-11, 1.0, 1e3, 1e9])
def test_hermiticity_is_relative(size: float) -> None:
    H = size * np.array([[1, 1j], [-1j, 0.5]])
    repro.LindbladModel(repro.chain(1), one_site=[(0, H)])
    with pytest.raises(InputError, match="not Hermitian"):
        repro.LindbladModel(repro.chain(1), one_site=[(0, H + size * np.array([[4e-6j, 0], [0, 0]]))])


@pytest.mark.parametrize("fluctuates", [False, True])
def test_whether_a_state_has_settled_does_not_depend_on_the_scale_of_an_observable(fluctuates: bool) -> None:
    times = np.arange(0.0, 12.01, 0.05)
    noise = 1e-4 * np.random.default_rng(0).normal(size=len(times))
    moved = []
    for c in (1.0, 1e-3, -40.0):
        problem = repro.Problem(driven_pair(1.0).model, observables={"m": [(c, "Z0")], "n": [(1e-6, "X1")]})
        curves = {"m": c * (np.exp(-0.1 * times) + noise), "n": 1e-6 * noise}
        runs = pd.concat(
            pd.DataFrame({"t": times, "observable": name, "mean": mean, "error": 0.0, "seed": 0, "control": False})
            for name, mean in curves.items()
        )
        moved.append(still_moving(problem, runs, fluctuates))
    assert moved == pytest.approx([moved[0]] * 3, rel=1e-6) and moved[0] > 0.03
