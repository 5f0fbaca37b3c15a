"""Problems of a user's own: closed forms, QuTiP, resumption, tables, plots, and the command."""

from __future__ import annotations

import json
import math
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import qutip
import torch

import repro
from repro import custom_exact, solver
from repro.cli import main
from repro.custom_point import CustomPoint
from repro.lindblad import SIGMA_MINUS, SIGMA_PLUS, SIGMA_X, SIGMA_Z
from repro.liouvillian import LocalLiouvillian
from repro.pauli_strings import column
from repro.projection_training import ProjectionModule
from repro.runner import CHECKPOINT, point_folder
from repro.solve_command import load
from repro.solve_points import EVOLUTION, STEADY, Request, points
from tests.custom_models import MODELS
from tests.custom_povm import TILTED
from tests.points import Interrupted, history, run, stop_in_iteration
from tests.systems import RANDOM_LATTICES, random_model
from tests.test_liouvillian import dense_generator, qutip_generator

TINY: dict[str, Any] = {"layers": 1, "width": 8, "heads": 1, "feedforward": 8, "quiet": True}
GIB = 2**30


def one_spin(operator: np.ndarray, rate: float, initial: Any, **more: Any) -> repro.Problem:
    model = repro.LindbladModel(repro.chain(1), jumps=[(0, operator, rate)])
    return repro.Problem(model, initial, observables=["X0", "Y0", "Z0"], **more)


def pair(**more: Any) -> repro.Problem:
    """Two coupled spins that decay."""
    model = repro.LindbladModel(
        repro.chain(2),
        one_site=[(1, 0.4 * SIGMA_X)],
        two_site=[((0, 1), 0.5 * np.kron(SIGMA_Z, SIGMA_Z))],
        jumps=[(site, SIGMA_MINUS, 1.0) for site in range(2)],
    )
    return repro.Problem(model, ["up", "plus"], **more)


def solved(problem: repro.Problem, runs: Path, t_end: float | None = 1.0, **settings: Any) -> repro.Solution:
    return repro.solve(problem, t_end, runs=runs, **{**TINY, "iterations": 200, **settings})


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
    problem = one_spin(SIGMA_MINUS, 0.02, "up")
    solution = solved(problem, tmp_path, None, steady=True, iterations=20, exact=False)
    assert "still moved by" in solution.notes[0] and "at t = 40" in solution.notes[0]
    assert started == list(range(16))  # steps of 2.5 to t = 40, none of them twice
    point = points(problem, Request(steady=True, iterations=20), GIB, "cpu")[STEADY][0]
    assert point.t_end == 10


@pytest.mark.parametrize("seed", range(4))
def test_a_problem_read_back_has_qutips_generator(seed: int) -> None:
    model = random_model(seed, RANDOM_LATTICES[(1, 2, 6, 7)[seed]])
    n_sites = model.lattice.n_sites
    problem = repro.Problem(model, [(0.1 * k, -0.2, 0.3) for k in range(n_sites)], TILTED, ["X", "purity"], [])
    point = CustomPoint(problem=problem.text)
    found = dense_generator(LocalLiouvillian(point.build_model(), point.build_povm()))
    np.testing.assert_allclose(found, qutip_generator(model, problem.frame).real, atol=1e-10)
    assert point.solved.bloch_vectors == problem.bloch_vectors
    assert point.observables() == problem.asked
    assert point.solved.text == problem.text


def test_operators_may_be_qutips() -> None:
    lattice = repro.chain(2)
    given = repro.LindbladModel(
        lattice,
        one_site=[(0, qutip.sigmax())],
        two_site=[((0, 1), qutip.tensor(qutip.sigmaz(), qutip.sigmay()))],
        jumps=[(1, qutip.sigmap(), 0.3), ((0, 1), qutip.tensor(qutip.sigmam(), qutip.sigmap()), 0.2)],
    )
    SIGMA_Y = 1j * SIGMA_X @ SIGMA_Z
    plain = repro.LindbladModel(
        lattice,
        one_site=[(0, SIGMA_X)],
        two_site=[((0, 1), np.kron(SIGMA_Z, SIGMA_Y))],
        jumps=[(1, SIGMA_PLUS, 0.3), ((0, 1), np.kron(SIGMA_MINUS, SIGMA_PLUS), 0.2)],
    )
    assert repro.Problem(given).text == repro.Problem(plain).text


def test_exact_values_are_mesolves(tmp_path: Path) -> None:
    problem, _ = MODELS["random_field_xxz"]()
    times = [0.0, 0.3, 1.1]
    found = custom_exact.evolution(problem, times, tmp_path)
    again = custom_exact.evolution(problem, times, tmp_path)
    assert all((found[name] == again[name]).all() for name in found)
    rho = qutip.tensor([qutip.Qobj((np.eye(2) + _sigma(v)) / 2) for v in problem.bloch_vectors])
    operators = _plain_operators(problem.model)
    states = qutip.mesolve(
        operators[0], rho, times, operators[1:], options={"store_states": True, "atol": 1e-10}
    ).states
    z = [qutip.tensor([qutip.sigmaz() if k == site else qutip.qeye(2) for k in range(5)]) for site in (1, 4)]
    for k, state in enumerate(states):
        z1, z4, both = (qutip.expect(operator, state) for operator in (*z, z[0] * z[1]))
        assert found["Z1"][k] == pytest.approx(z1, abs=1e-5)
        assert found["Z1 Z4 connected"][k] == pytest.approx(both - z1 * z4, abs=1e-5)
        assert found["purity"][k] == pytest.approx(state.purity(), abs=1e-5)


def _sigma(vector: tuple[float, float, float]) -> np.ndarray:
    return sum(c * s.full() for c, s in zip(vector, (qutip.sigmax(), qutip.sigmay(), qutip.sigmaz()), strict=True))


def _plain_operators(model: repro.LindbladModel) -> list[qutip.Qobj]:
    """H, then sqrt(rate) times every jump, with Kronecker products alone (bonds of a chain join neighbours)."""

    def full(operator: np.ndarray, site: int) -> qutip.Qobj:
        rest = 5 - site - operator.shape[0].bit_length() + 1
        return qutip.Qobj(np.kron(np.kron(np.eye(2**site), operator), np.eye(2**rest)), dims=[[2] * 5] * 2)

    hamiltonian = sum(full(term.operator, term.sites[0]) for term in model.hamiltonian_terms)
    return [hamiltonian, *(math.sqrt(jump.rate) * full(jump.operator, jump.sites[0]) for jump in model.jumps)]


def test_every_number_of_a_problem_is_in_the_points_id() -> None:
    base = pair()
    model = base.model
    faster = repro.LindbladModel(model.lattice, jumps=[(0, SIGMA_MINUS, 1.0 + 1e-9)])
    slower = repro.LindbladModel(model.lattice, jumps=[(0, SIGMA_MINUS, 1.0)])
    variants = [
        *(base, repro.Problem(faster), repro.Problem(slower)),
        *(repro.Problem(model, ["up", "minus"]), repro.Problem(model, ["up", "plus"], "pauli4")),
        *(pair(observables="Z"), pair(correlators="Z")),
    ]
    ids = {CustomPoint(problem=each.text).point_id for each in variants}
    assert len(ids) == len(variants)
    named = CustomPoint(figure="other", problem=pair(name="other").text)
    assert named.point_id == CustomPoint(problem=base.text).point_id


def test_a_point_survives_pickling_and_its_own_record(tmp_path: Path) -> None:
    (point,) = points(pair(), Request(t_end=0.2, iterations=3), GIB, "cpu")[EVOLUTION]
    assert pickle.loads(pickle.dumps(point)) == point
    folder = run(point, tmp_path)
    assert CustomPoint(**json.loads((folder / "done.json").read_text())["point"]).point_id == point.point_id


def test_a_killed_point_goes_on_to_the_same_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {name: value for name, value in TINY.items() if name != "quiet"}
    (point,) = points(pair(), Request(t_end=0.6, step=0.2, iterations=6, changes=changes), GIB, "cpu")[EVOLUTION]
    unbroken = run(point, tmp_path / "unbroken")
    for epoch, iteration in ((0, 2), (2, 1)):
        with monkeypatch.context() as patch, pytest.raises(Interrupted):
            stop_in_iteration(patch, epoch, iteration)
            run(point, tmp_path / "broken")
    kept = torch.load(point_folder(tmp_path / "broken", point) / CHECKPOINT, weights_only=True)
    assert len(kept["history"]) == 1 + 2 * point.dense_output
    assert history(run(point, tmp_path / "broken")).equals(history(unbroken))


def test_a_repeated_call_computes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = solved(pair(), tmp_path, 0.2, iterations=3)
    monkeypatch.setattr(solver, "run_point", lambda *_: pytest.fail("computed again"))
    assert solved(pair(), tmp_path, 0.2, iterations=3).table.equals(first.table)


@pytest.mark.parametrize(("n_sites", "expected"), [(8, "enumeration"), (9, "sampled")])
def test_the_estimator_is_chosen_by_size(n_sites: int, expected: str) -> None:
    model = repro.LindbladModel(repro.chain(n_sites), jumps=[(0, SIGMA_MINUS, 1.0)])
    (point,) = points(repro.Problem(model), Request(t_end=1.0), GIB, "cpu")[EVOLUTION]
    assert point.estimator == expected
    assert (point.method == "projection") == (expected == "enumeration")


def test_the_estimator_is_chosen_by_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    model = repro.LindbladModel(repro.chain(8), jumps=[(0, SIGMA_MINUS, 1.0)])
    monkeypatch.setattr("repro.memory_estimate.free_memory", lambda device: 650 * 2**20)
    (point,) = points(repro.Problem(model), Request(t_end=1.0), GIB, "cpu")[EVOLUTION]
    assert point.estimator == "sampled"


FILE = """
import repro
from repro.lindblad import SIGMA_MINUS

def problem():
    model = repro.LindbladModel(repro.chain(2), jumps=[(0, SIGMA_MINUS, 1.0)])
    return repro.Problem(model, observables=["Z*"])
"""


def test_the_command_writes_table_and_plot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "two.py"
    file.write_text(FILE)
    options = ["--t-end", "0.4", "--iterations", "60", "--layers", "1", "--runs", str(tmp_path / "runs")]
    assert main(["solve", str(file), *options]) == 0
    said = capsys.readouterr().out
    assert "largest deviation from exact: 0.00" in said
    folder = tmp_path / "runs" / "solve" / "two"
    assert sorted(path.name for path in folder.iterdir()) == ["solution.pdf", "solution.png", "table.csv"]
    table = pd.read_csv(folder / "table.csv")
    assert set(table["observable"]) == {"Z0", "Z1"}
    assert table["t"].max() == pytest.approx(0.4)


def test_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('qutip', 'wandb', 'tyro')));"
        "import repro; assert 'torch' not in sys.modules;"
        "from repro import solve, Problem; import repro.training, repro.runner, repro.solver"
    )
    root = Path(__file__).resolve().parents[1]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, timeout=100)


def test_the_readmes_example_is_a_problem(tmp_path: Path) -> None:
    readme = (Path(__file__).resolve().parents[1] / "README.md").read_text()
    (example,) = re.findall(r"## Solve your own model.*?```python\n(.*?)```", readme, re.DOTALL)
    file = tmp_path / "ring.py"
    file.write_text(example)
    problem = load(file)
    assert [each.name for each in problem.asked] == ["Z", "Z0", "Z1", "Z2", "Z3", "Z0 Z2", "Z0 Z2 connected"]
    assert solved(problem, tmp_path, 0.1, iterations=1).table["exact"].notna().all()
