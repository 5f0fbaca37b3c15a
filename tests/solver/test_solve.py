"""Problems of a user's own, solved: closed forms, QuTiP, error estimates, tables and plots."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import repro
from repro.methods.projection_training import ProjectionModule
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_PLUS, SIGMA_Z
from repro.physics.observables import column
from repro.solver import machine
from repro.solver.plan import STEADY, Request, points
from tests.helpers.custom_povm import TILTED
from tests.helpers.solving import GIB, pair, solved


def one_spin(operator: np.ndarray, rate: float, initial: Any, **more: Any) -> repro.Problem:
    model = repro.LindbladModel(repro.chain(1), jumps=[(0, operator, rate)])
    return repro.Problem(model, initial, observables=["X0", "Y0", "Z0"], **more)


def mean(solution: repro.Solution, observable: str) -> tuple[np.ndarray, np.ndarray]:
    rows = solution.values(observable)
    return rows["t"].to_numpy(), rows["mean"].to_numpy()


def test_one_spin_decays(tmp_path: Path) -> None:
    t, z = mean(solved(one_spin(SIGMA_MINUS, 0.7, "up"), tmp_path), "Z0")
    np.testing.assert_allclose(z, 2 * np.exp(-0.7 * t) - 1, atol=0.005)


@pytest.mark.parametrize("povm", ["tetrahedral", "pauli4", TILTED], ids=["tetrahedral", "pauli4", "own"])
def test_one_spin_loses_its_phase(povm: Any, tmp_path: Path) -> None:
    solution = solved(one_spin(SIGMA_Z, 0.3, (0.6, -0.5, 0.4), povm=povm), tmp_path, exact=False)
    t, x = mean(solution, "X0")
    np.testing.assert_allclose(x, 0.6 * np.exp(-0.6 * t), atol=0.005)
    np.testing.assert_allclose(mean(solution, "Y0")[1], -0.5 * np.exp(-0.6 * t), atol=0.005)
    np.testing.assert_allclose(mean(solution, "Z0")[1], 0.4, atol=0.005)
    assert solution.table["exact"].isna().all()


def test_one_spin_pumped_and_decaying_is_steady_where_rates_balance(tmp_path: Path) -> None:
    model = repro.LindbladModel(repro.chain(1), jumps=[(0, SIGMA_PLUS, 1.5), (0, SIGMA_MINUS, 0.5)])
    solution = solved(repro.Problem(model, "down", observables="Z"), tmp_path, None, steady=True, iterations=100)
    (row,) = solution.table.to_dict("records")
    assert row["t"] == math.inf
    assert row["mean"] == pytest.approx((1.5 - 0.5) / 2.0, abs=0.005)
    assert row["exact"] == pytest.approx(0.5, abs=1e-6)


def test_a_pair_that_jumps_together(tmp_path: Path) -> None:
    model = repro.LindbladModel(repro.chain(2), jumps=[((1, 0), np.kron(SIGMA_PLUS, SIGMA_MINUS), 0.8)])
    solution = solved(repro.Problem(model, ["up", "down"], observables=["Z*", "Z0 Z1", "purity"]), tmp_path)
    t, z0 = mean(solution, "Z0")
    left = np.exp(-0.8 * t)
    np.testing.assert_allclose(z0, 2 * left - 1, atol=0.01)
    np.testing.assert_allclose(mean(solution, "Z1")[1], 1 - 2 * left, atol=0.01)
    np.testing.assert_allclose(mean(solution, "Z0 Z1")[1], -1, atol=0.01)
    np.testing.assert_allclose(mean(solution, "purity")[1], left**2 + (1 - left) ** 2, atol=0.02)


def test_two_coupled_spins_both_ways_and_saved(tmp_path: Path) -> None:
    solution = solved(pair(correlators=[("Z0", "X1")], name="a pair"), tmp_path / "runs", steady=True)
    assert solution.largest_deviation < 0.01
    assert set(np.isinf(solution.table["t"])) == {True, False}
    assert np.allclose(solution.table["mean"] - solution.table["exact"], solution.table["deviation"])
    files = solution.save(tmp_path / "out")
    assert [path.name for path in files] == ["table.csv", "solution.png", "solution.pdf"]
    assert len(pd.read_csv(files[0])) == len(solution.table)
    assert f"largest deviation from exact: {solution.largest_deviation:.4f}" in solution.summary()


def test_sites_without_bonds_and_without_jumps(tmp_path: Path) -> None:
    model = repro.LindbladModel(repro.graph([], 2), one_site=[(1, 0.5 * SIGMA_Z)])
    solution = solved(repro.Problem(model, ["down", "plus"], observables=["Z0", "X1"]), tmp_path)
    t, x1 = mean(solution, "X1")
    np.testing.assert_allclose(x1, np.cos(t), atol=0.01)
    np.testing.assert_allclose(mean(solution, "Z0")[1], -1, atol=0.01)


def test_samples_follow_within_their_errors(tmp_path: Path) -> None:
    problem = pair(observables=["Z", "X1"], correlators=[("Z0", "Z1")])
    draws = {"estimator": "sampled", "n_samples": 300, "iterations": 40, "step": 0.1}
    solution = solved(problem, tmp_path, 0.3, **draws)
    assert (solution.table["error"] > 0).all()
    assert solution.largest_deviation < 0.1


@pytest.mark.parametrize(
    "settings", [{"method": "dynamics", "step": 0.1}, {"method": "variational", "iterations": 400}], ids=str
)
def test_the_papers_own_methods(settings: dict[str, Any], tmp_path: Path) -> None:
    steady = settings["method"] == "variational"
    solution = solved(pair(observables="Z"), tmp_path, None if steady else 0.2, steady=steady, **settings)
    assert solution.largest_deviation < 0.05


def test_seeds_and_a_control_estimate_the_error(tmp_path: Path) -> None:
    solution = solved(pair(observables="Z"), tmp_path, steady=True, seeds=2, iterations=5)
    assert len(solution.folders) == 2 * (2 + 1)
    first_step = solution.table["t"] < 1  # exact sums propagate the start without the network
    assert (solution.table.loc[~first_step, "error"] > 0).all()
    means = []
    for folder in solution.folders[:2]:
        means.append(pd.read_csv(folder / "history.csv")[column("Z")].to_numpy())
    evolution = solution.table[np.isfinite(solution.table["t"])]
    np.testing.assert_allclose(evolution["mean"], np.mean(means, axis=0), atol=1e-12)


def test_what_still_moves_goes_on_and_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []
    start = ProjectionModule.on_train_epoch_start

    def counted(self: ProjectionModule) -> None:
        started.append(self.current_epoch)
        start(self)

    monkeypatch.setattr(ProjectionModule, "on_train_epoch_start", counted)
    # a field of 1, the natural unit, and a decay that takes fifty times as long
    jumps = [(0, SIGMA_MINUS, 0.02)]
    problem = repro.Problem(repro.LindbladModel(repro.chain(1), one_site=[(0, SIGMA_Z)], jumps=jumps), observables="Z0")
    solution = solved(problem, tmp_path, None, steady=True, iterations=20, exact=False)
    assert "still moves by" in solution.notes[0] and "at t = 40" in solution.notes[0]
    assert started == list(range(16))  # steps of 2.5 to t = 40, none of them twice
    point = points(problem, Request(steady=True, iterations=20), GIB, "cpu")[STEADY][0]
    assert point.settings["t_end"] == 10


def test_a_repeated_call_computes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = solved(pair(), tmp_path, 0.2, iterations=3)
    monkeypatch.setattr(machine, "run_point", lambda *_: pytest.fail("computed again"))
    assert solved(pair(), tmp_path, 0.2, iterations=3).table.equals(first.table)
