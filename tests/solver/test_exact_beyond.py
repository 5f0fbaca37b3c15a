"""Exact values beyond ten sites: which reference serves, its errors, what is said, that it is found again."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import repro
from repro.physics import lindblad
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_PLUS, SIGMA_X
from repro.references import chain_strings
from repro.solver import exact, exact_source, kept
from repro.solver.table import Exact
from repro.solver.trajectories import by_qutip
from repro.solver.trajectories import times as trajectory_times
from repro.solver.trajectories import values as trajectory_values
from repro.utils.errors import InputError
from tests.helpers.solving import solved

TIMES = [0.0, 0.37, 1.0, 1.5]
Z = 2 * np.exp(-np.array(TIMES)) - 1


def independent(lattice: repro.Lattice, **asked: object) -> repro.Problem:
    """Spins that decay alone: <Z> = 2 exp(-t) - 1 on every site."""
    return repro.Problem(repro.LindbladModel(lattice, jumps=[(k, SIGMA_MINUS, 1.0) for k in lattice.sites]), **asked)


def found(
    problem: repro.Problem, folder: Path, notes: list[str] | None = None, times: list[float] = TIMES
) -> Exact | None:
    return exact_source.evolution(problem, times, folder, [] if notes is None else notes, lambda line: None)


@pytest.mark.parametrize("lattice", [repro.chain(12), repro.ring(13)], ids=str)
def test_lines_have_matrix_products(lattice: repro.Lattice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repro.references.line_observables.Evolution.ring", 4)
    monkeypatch.setattr("repro.references.line_observables.RING", 4)
    problem, notes = independent(lattice, observables=["Z", "Z1 Z4"]), []
    values = found(problem, tmp_path, notes)
    assert values is not None and not notes
    for name, expected in (("Z", Z), ("Z1 Z4", Z**2)):
        off = np.abs(values.means[name] - expected)
        assert off.max() < 2e-5 and (off <= values.errors[name] + 1e-7).all() and values.errors[name].max() < 1e-4
    assert "exact evolution: matrix products, bond dimension 32, error" in values.told
    for module in (chain_strings, trajectory_values):
        monkeypatch.setattr(module, "made_in", lambda *_: pytest.fail("computed again"))
    again = found(problem, tmp_path, times=[0.0, 0.8])
    assert again is not None and again.means["Z"][1] == pytest.approx(2 * math.exp(-0.8) - 1, abs=2e-5)


def test_other_lattices_have_trajectories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trajectory_values, "MOST", 20)
    problem, notes = independent(repro.rectangle(2, 6), observables=["Z", "purity"]), []
    values = found(problem, tmp_path, notes)
    assert values is not None and np.isnan(values.means["purity"]).all()
    assert values.means["Z"][0] == 1 and values.errors["Z"][0] == 0
    off = np.abs(values.means["Z"] - Z)[1:]
    assert (off < 4 * values.errors["Z"][1:]).all() and values.errors["Z"].max() < 0.2
    assert "20 trajectories" in notes[0] and "20 quantum trajectories" in values.told
    monkeypatch.setattr(by_qutip.QutipTrajectories, "one", lambda *_: pytest.fail("computed again"))
    again = found(problem, tmp_path, times=TIMES[:2])
    assert again is not None and (again.means["Z"] == values.means["Z"][:2]).all()


def test_a_chain_that_matrix_products_refuse_has_trajectories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trajectory_values, "MOST", 20)
    monkeypatch.setattr(chain_strings, "SECONDS", 0.0)
    values = found(independent(repro.chain(11), observables=["Z"]), tmp_path)
    assert values is not None and "20 quantum trajectories" in values.told


def test_none_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes: list[str] = []
    assert found(independent(repro.rectangle(3, 9), observables=["Z"]), tmp_path, notes) is None
    monkeypatch.setattr(trajectory_values, "SECONDS", 0.0)
    assert found(independent(repro.rectangle(2, 6), observables=["Z"]), tmp_path, notes) is None
    model = repro.LindbladModel(repro.chain(11), one_site=[(0, SIGMA_X)])
    cooled = repro.Problem(model, (0, 0, 0), observables=["Z"], imaginary_time=True)
    assert found(cooled, tmp_path, notes) is None
    assert "27 sites, expected an open chain, a uniform ring or at most 26" in notes[0]
    assert "expected at least 20" in notes[1] and "the same call adds to them" in notes[1]
    assert "thermal states have them up to 10 sites" in notes[2]


def test_unfinished_trajectories_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a call that ran out of time are part of the next one's."""
    problem = independent(repro.rectangle(2, 6), observables=["Z"])
    seeds: list[int] = []
    one = by_qutip.QutipTrajectories.one

    def counted(self: by_qutip.QutipTrajectories, seed: int) -> tuple[np.ndarray, ...]:
        seeds.append(seed)
        return one(self, seed)

    monkeypatch.setattr(by_qutip.QutipTrajectories, "one", counted)
    monkeypatch.setattr(trajectory_values, "SECONDS", 1e-3)
    assert found(problem, tmp_path) is None and 0 < len(seeds) < 20
    monkeypatch.setattr(trajectory_values, "SECONDS", 600.0)
    monkeypatch.setattr(trajectory_values, "MOST", 20)
    assert found(problem, tmp_path) is not None
    assert seeds == list(range(1, 21)) and not list(tmp_path.glob("*.npz"))


def lattice_of_six(initial: object) -> repro.Problem:
    asked = ["Z", "X*", "Z0 Z3", "Y1 Z2 X5", {"current": [(2.0, "X0 Y1"), (-1.0, "Z4 Z5")]}]
    model = lindblad.tfim(repro.rectangle(2, 3), 2.0, 1.0)
    return repro.Problem(model, initial, observables=asked, correlators=[("Z0", "X3")])  # type: ignore[arg-type]


@pytest.mark.parametrize("pure", [True, False])
def test_trajectories_are_qutips_within_their_errors(
    pure: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trajectory_values, "MOST", 100)
    monkeypatch.setattr(trajectory_values, "TARGET", 0.001)
    vectors = [(0.6, 0.0, 0.8), (0.0, 0.6, -0.8), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)]
    problem = lattice_of_six(vectors if pure else [tuple(0.7 * x for x in vector) for vector in vectors])
    reference = trajectory_values.values(problem, 1.5, tmp_path)
    expected = exact.evolution(problem, list(reference.table["t"].unique()), tmp_path)
    rows = np.split(reference.table[["mean", "error"]].to_numpy(), len(problem.asked))
    for each, part in zip(problem.asked, rows, strict=True):
        off = np.abs(part[:, 0] - expected[each.name])
        assert off[0] < 1e-12 and (off[1:] < 4 * part[1:, 1]).all(), each.name
        assert part[:, 1].max() < 0.1 * max(1.0, each.bound)


def test_a_steady_state_by_trajectories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trajectory_values, "MOST", 20)
    monkeypatch.setattr(trajectory_values, "TARGET", 0.001)
    problem = lattice_of_six("up")
    reference = trajectory_values.values(problem, math.inf, tmp_path)
    expected = exact.steady_state(problem, tmp_path)
    for each, (mean, error) in zip(problem.asked, reference.table[["mean", "error"]].to_numpy(), strict=True):
        assert abs(mean - expected[each.name][0]) < 4 * error, each.name


def test_trajectories_that_still_move_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rates, and a window far shorter than the time of the slow one."""
    monkeypatch.setattr(trajectory_times, "BURN_IN", 0.001)
    monkeypatch.setattr(trajectory_times, "LENGTH", 0.02)
    monkeypatch.setattr(trajectory_values, "LEAST_STEADY", 100)
    model = repro.LindbladModel(repro.graph([], 2), jumps=[(0, SIGMA_MINUS, 1.0), (1, SIGMA_PLUS, 0.01)])
    with pytest.raises(InputError, match="not at rest"):
        trajectory_values.values(repro.Problem(model, observables=["Z0"]), math.inf, tmp_path)


def test_no_jumps_is_one_trajectory(tmp_path: Path) -> None:
    """A spin in a field of 1/2 sigma_x: <Z> = cos t."""
    model = repro.LindbladModel(repro.graph([], 2), one_site=[(0, 0.5 * SIGMA_X)])
    reference = trajectory_values.values(repro.Problem(model, observables=["Z0"]), 2.0, tmp_path)
    off = np.abs(reference.table["mean"] - np.cos(reference.table["t"]))
    assert reference.info["trajectories"] == 1 and (off <= reference.table["error"]).all()


def test_the_solution_says_and_keeps_how_well_it_is_known(tmp_path: Path) -> None:
    problem = independent(repro.chain(11), observables=["Z", "Z3"])
    tiny = {"iterations": 1, "n_samples": 10, "step": 0.5, "estimator": "sampled"}
    solution = solved(problem, tmp_path / "runs", 0.5, **tiny)
    table = solution.table
    np.testing.assert_allclose(table["exact"], 2 * np.exp(-table["t"]) - 1, atol=2e-5)
    assert table["exact_error"].between(0, 1e-4).all()
    assert "exact evolution: matrix products, bond dimension 32, error" in solution.summary()
    solution.save(tmp_path / "out")
    old = table.drop(columns="exact_error")
    old.to_csv(tmp_path / "out" / "table.csv", index=False)
    steady = table.tail(1).assign(t=np.inf)
    both = kept.with_kept(steady, problem, tmp_path / "out")
    assert (both["exact_error"].head(len(old)) == 0).all() and len(both) == len(old) + 1


def test_errors_are_drawn() -> None:
    import pandas as pd
    from matplotlib.collections import PolyCollection

    from repro.solver.drawing import draw

    rows = {"t": [0.0, 1.0, np.inf], "observable": "Z0", "mean": 0.1, "error": 0.0, "exact": 0.2, "deviation": -0.1}
    for error, bands in ((0.05, 1), (0.0, 0)):
        evolution, steady = draw(pd.DataFrame({**rows, "exact_error": error}), "a problem").axes
        assert sum(isinstance(each, PolyCollection) for each in evolution.collections) == bands
        (bars,) = steady.containers[0].lines[2]
        assert sum(len(segment) > 0 for segment in bars.get_segments()) == bands
