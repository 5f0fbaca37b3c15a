"""The state of a solved problem: its means are the table's last rows, and further ones are traces with its rho."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import qutip

import repro
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X
from repro.utils.errors import InputError
from tests.helpers.oracles import state_of
from tests.helpers.solving import pair, solved


def last(solution: repro.Solution, observable: str, t: float) -> float:
    rows = solution.values(observable).set_index("t")
    return float(rows.loc[t, "mean"])


def test_the_end_of_an_evolution(tmp_path: Path) -> None:
    solution = solved(pair(observables=["Z", "X1"]), tmp_path, exact=False)
    state = solution.state
    assert state.t == solution.table["t"].max() == 1.0
    for observable in ("Z", "X1"):
        assert state.mean(observable) == pytest.approx(last(solution, observable, 1.0), abs=1e-6)
    rho = state_of(state.probabilities(), solution.problem.povm)
    zz = qutip.tensor(qutip.sigmaz(), qutip.sigmaz()).full()
    assert state.mean("Z0 Z1") == pytest.approx(np.trace(rho @ zz).real, abs=1e-9), "not asked for before"
    assert state.settings["method"] == "projection"


def test_an_evolution_that_is_the_steady_states_own_counts_once(tmp_path: Path) -> None:
    """Two steps of one iteration leave nothing that moves, so that the steady state is the one at t = 10."""
    settings = {"method": "dynamics", "step": 5.0, "iterations": 1, "steady": True, "exact": False}
    solution = solved(pair(observables=["Z"]), tmp_path, 10.0, **settings)
    [folder] = solution.folders
    assert solution.seconds == json.loads((folder / "done.json").read_text())["seconds"]
    assert solution.state.t == 10.0


def test_where_both_were_asked_for_it_is_the_steady_state_of_the_first_seed(tmp_path: Path) -> None:
    solution = solved(pair(observables=["Z"]), tmp_path, 0.5, steady=True, seeds=2, seed=3, iterations=8, exact=False)
    state = solution.state
    assert (state.settings["seed"], state.settings["t_end"]) == (3, state.t)
    assert state.t > 0.5, "the evolution to rest is longer than the one that was asked for"
    assert solution.folders[0].name != state.point.point_id


def test_a_search_has_no_time(tmp_path: Path) -> None:
    solution = solved(pair(observables=["Z"]), tmp_path, None, steady=True, method="variational", exact=False)
    assert math.isinf(solution.state.t)
    assert solution.state.mean("Z") == pytest.approx(last(solution, "Z", math.inf), abs=1e-6)


def test_times_are_in_the_problems_own_unit(tmp_path: Path) -> None:
    model = repro.LindbladModel(repro.chain(1), one_site=[(0, 300 * SIGMA_X)], jumps=[(0, SIGMA_MINUS, 200.0)])
    solution = solved(repro.Problem(model, observables=["Z"]), tmp_path, 0.004, iterations=20, exact=False)
    assert solution.state.t == solution.table["t"].max() == 0.004


def test_a_run_that_is_gone_is_one_line(tmp_path: Path) -> None:
    solution = solved(pair(observables=["Z"]), tmp_path, 0.5, iterations=5, exact=False)
    shutil.rmtree(solution.folders[0])
    with pytest.raises(InputError, match=r"the run '.*' is gone and its state with it") as refused:
        _ = solution.state
    assert str(solution.folders[0]) in str(refused.value)
    with pytest.raises(InputError, match=r"was not made by repro\.solve"):
        _ = repro.Solution(solution.problem, solution.table, (), 0.0).state
