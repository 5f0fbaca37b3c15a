"""Trajectories of gates: channels and steps beside dense superoperators, one file for curve and steady state."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import qutip

from repro.config.point import Point, point_of
from repro.physics import lattice
from repro.physics.kraus import kraus_operators
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, SIGMA_Z, Jump, LindbladModel, heisenberg, tfim
from repro.physics.state_vector import product_state, site_averages
from repro.references import beyond, of_point
from repro.references.beyond import prepare_beyond
from repro.references.gates import circuit, curves
from repro.references.gates.circuit import Circuit
from repro.references.gates.step import Step
from repro.references.of_point import exact_of
from repro.utils.errors import InputError
from tests.helpers.exact_values import Known
from tests.helpers.oracles import qutip_model

PAULIS = (qutip.sigmax(), qutip.sigmay(), qutip.sigmaz())
MODELS = {
    "ring in a field": (heisenberg(lattice.ring(4), (1.0, 0.4, 0.7), B=0.6), "right"),
    "lattice": (heisenberg(lattice.rectangle(2, 3), (0.9, 1.8, 1.0)), "up"),
    "Ising ring": (tfim(lattice.ring(4), V=2.0, g=1.6), "down"),
    "strong couplings": (heisenberg(lattice.ring(3), (9.0, 18.0, 10.0), B=3.0), "right"),
}


def averages(rho: qutip.Qobj) -> list[float]:
    """Paulis averaged over the sites, by QuTiP."""
    n = len(rho.dims[0])
    return [float(np.mean([qutip.expect(qutip.expand_operator(P, [2] * n, k), rho) for k in range(n)])) for P in PAULIS]


def test_kraus_operators_of_decay_and_of_several_jumps() -> None:
    h, p = 0.3, 1 - math.exp(-0.3)
    found = kraus_operators([Jump((0,), SIGMA_MINUS, 1.0)], h)
    rho = np.array([[0.7, 0.2 - 0.1j], [0.2 + 0.1j, 0.3]])
    after = sum(K @ rho @ K.conj().T for K in found)
    kept = math.sqrt(1 - p)
    assert after == pytest.approx(np.array([[0.7 * (1 - p), rho[0, 1] * kept], [rho[1, 0] * kept, 0.3 + 0.7 * p]]))
    jumps = [Jump((2,), SIGMA_MINUS + 0.4j * SIGMA_X, 0.8), Jump((2,), SIGMA_Z, 1.7)]
    L = qutip.liouvillian(0 * qutip.sigmaz(), [math.sqrt(j.rate) * qutip.Qobj(j.operator) for j in jumps])
    expected = qutip.vector_to_operator((h * L).expm() * qutip.operator_to_vector(qutip.Qobj(rho))).full()
    assert sum(K @ rho @ K.conj().T for K in kraus_operators(jumps, h)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n_sites", [1, 2, 5, 6])
def test_averages_of_a_vector_of_any_norm(n_sites: int) -> None:
    psi = qutip.rand_ket([2] * n_sites, seed=n_sites)
    found = site_averages(3.0 * psi.full().ravel().astype(np.complex64))
    assert found == pytest.approx(averages(psi), abs=1e-6)


@pytest.mark.parametrize("state", ["up", "down", "left", "right"])
def test_product_states(state: str) -> None:
    expected = {"up": [0, 0, 1], "down": [0, 0, -1], "left": [0, -1, 0], "right": [0, 1, 0]}[state]
    assert site_averages(product_state(state, 5)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_a_step_leaves_less_than_the_least_error(name: str) -> None:
    """The circuit as a map of density matrices, by Cirq, beside exp(L t) by QuTiP, up to t = 2."""
    cirq = pytest.importorskip("cirq")
    model, start = MODELS[name]
    steps, n_sites = Circuit(model, start, 2.0), model.lattice.n_sites
    L = qutip.liouvillian(*qutip_model(model))
    psi = qutip.Qobj(product_state(start, n_sites).astype(complex), dims=[[2] * n_sites, [1] * n_sites]).unit()
    truth, simulator = psi.proj(), cirq.DensityMatrixSimulator(dtype=np.complex128)
    step = Step(steps.model, steps.h).circuit()
    propagator = (steps.h * L).expm() if n_sites < 5 else None
    rho, off, qubits = truth.full(), 0.0, cirq.LineQubit.range(n_sites)
    for _ in steps.times[1:]:
        rho = simulator.simulate(step, initial_state=rho, qubit_order=qubits).final_density_matrix
        rho = rho / np.trace(rho)
        if propagator is not None:
            truth = qutip.vector_to_operator(propagator * qutip.operator_to_vector(truth))
        else:
            truth = qutip.mesolve(L, truth, [0, steps.h], options={"atol": 1e-10, "rtol": 1e-8}).final_state
        mine = averages(qutip.Qobj(rho, dims=truth.dims))
        off = max(off, *np.abs(np.subtract(mine, averages(truth))))
    assert 0 < off < curves.FLOOR


def test_trajectories_agree_with_the_density_matrix(tmp_path: Path) -> None:
    pytest.importorskip(circuit.PACKAGE)
    model = heisenberg(lattice.ring(3), (1.0, 0.4, 0.7), B=0.6)
    found = curves.evolution(model, "right", (tmp_path,), target=0.08)
    times = found.table["t"].unique()
    hamiltonian, jumps = qutip_model(model)
    psi = qutip.Qobj(product_state("right", 3), dims=[[2] * 3, [1] * 3]).unit()
    exact = qutip.mesolve(hamiltonian, psi, times, jumps).states
    for k, name in enumerate(("sigma_x", "sigma_y", "sigma_z")):
        rows = found.table[found.table["observable"] == name]
        off = rows["mean"] - [averages(rho)[k] for rho in exact]
        assert (rows["error"] <= 0.08).all() and (np.abs(off) <= 4 * rows["error"]).all()
    steady = curves.steady_state(model, "right", (tmp_path,), target=0.08)
    truth = averages(qutip.steadystate(hamiltonian, jumps))
    assert np.abs(steady.table["mean"] - truth).max() <= 4 * steady.table["error"].max()
    assert found.info["trajectories"] >= curves.LEAST


def test_curve_and_steady_state_share_trajectories_which_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = Known(monkeypatch)
    model = heisenberg(lattice.ring(4), (1.0, 0.4, 0.7), gamma=2.0)
    rough = curves.steady_state(model, "up", (tmp_path,), target=0.05)
    count = len(drawn.seeds)
    assert drawn.seeds == list(range(1, count + 1)) and count >= curves.LEAST
    noise = np.array([0.1 * np.random.default_rng(seed).normal(size=3) for seed in drawn.seeds])
    assert rough.table["mean"].to_numpy() == pytest.approx(0.42 + noise.mean(0))  # t = 6 to 10, in the middle 8
    farthest = np.abs(noise - noise.mean(0)).max(0) / count
    expected = np.hypot(noise.std(0, ddof=1) / math.sqrt(count), farthest)
    assert rough.table["error"].to_numpy() == pytest.approx(expected)
    curve = curves.evolution(model, "up", (tmp_path,), target=0.02)
    assert drawn.seeds == list(range(1, len(drawn.seeds) + 1)), "those that were kept are not computed again"
    assert curve.table["t"].max() == pytest.approx(5.0), "10 / gamma"
    assert curve.table["error"].max() <= 0.02 and curve.info["trajectories"] == len(drawn.seeds) > count
    assert len(json.loads(next(tmp_path.glob("*.gates.json")).read_text())) == len(drawn.seeds)


def test_what_is_stored_needs_no_simulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Known(monkeypatch)
    model = heisenberg(lattice.ring(4), (1.0, 0.4, 0.7))
    assert curves.stored(model, "up", 10.0, (tmp_path,)) is None
    first = curves.evolution(model, "up", (tmp_path,), target=0.05)
    rest = curves.steady_state(model, "up", (tmp_path,), target=0.05)
    monkeypatch.setattr(circuit, "installed", lambda: False)
    assert curves.evolution(model, "up", (tmp_path,)).table.equals(first.table)
    found, at_rest = curves.stored(model, "up", 10.0, (tmp_path,)), curves.stored_steady_state(model, (tmp_path,))
    assert found is not None and found.table.equals(first.table)
    assert at_rest is not None and at_rest.table.equals(rest.table)
    assert curves.stored(model, "down", 5.0, (tmp_path,)) is None
    assert curves.stored(model, "up", 11.0, (tmp_path,)) is None


@pytest.mark.parametrize(
    ("model", "target", "message"),
    [
        (heisenberg(lattice.rectangle(3, 9), (1.0, 1.0, 1.0)), 0.01, "on 27 sites: expected at most 26"),
        (
            heisenberg(lattice.ring(4), (1.0, 1.0, 1.0)),
            0.001,
            "wanted = 0.001: expected .* at least 0.003",
        ),
        (heisenberg(lattice.ring(4), (1.0, 1.0, 1.0)), math.nan, "standard error wanted = nan"),
        (LindbladModel(lattice.ring(2), jumps=[((0, 1), np.eye(4), 1.0)]), 0.01, "a jump operator on two sites"),
        (LindbladModel(lattice.ring(2)), 0.01, "without jump operators"),
    ],
)
def test_what_it_cannot_do_is_told(model: LindbladModel, target: float, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        curves.evolution(model, "up", (tmp_path,), target=target)


@pytest.mark.parametrize(
    ("jumps", "message"),
    [
        ([(0, SIGMA_MINUS, 1.0)], "not shown to be unique"),
        ([(0, SIGMA_MINUS, 1.0), (1, SIGMA_MINUS, 0.1)], "rates from 0.1 to 1, expected a factor of two at most"),
        ([(k, 0.1 * SIGMA_MINUS, 1.0) for k in range(2)], "rates from 0.01 to 1, expected a factor of two at most"),
    ],
)
def test_a_steady_state_that_may_not_be_reached_is_refused(
    jumps: list[tuple[int, np.ndarray, float]], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        curves.steady_state(LindbladModel(lattice.chain(2), jumps=jumps), "up", (tmp_path,))


def square(rows: int, cols: int, t_end: float = 1.0) -> Point:
    settings = {"Jy": 1.0, "estimator": "sampled", "n_samples": 9, "method": "tdvp", "tau": 0.5, "t_end": t_end}
    return point_of(rows=rows, cols=cols, **settings)


def test_a_lattice_of_twenty_is_compared_with_them_once_they_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point, said = square(4, 5, t_end=5.0), []
    monkeypatch.setattr(circuit, "installed", lambda: False)
    prepare_beyond([point, square(6, 6)], tmp_path, said.append)
    assert exact_of(point, tmp_path) is None and exact_of(square(6, 6), tmp_path) is None
    assert all("4x5" in line and "no package qsimcirq" in line for line in said) and len(said) == 2
    Known(monkeypatch)
    prepare_beyond([point], tmp_path, said.append)
    exact = exact_of(point, tmp_path)
    assert exact is not None and exact(1.0, "sigma_z") == pytest.approx(0.49, abs=0.1)
    assert 0.003 <= exact.error(1.0, "sigma_z") <= curves.TARGET
    assert exact(math.inf, "sigma_z") == pytest.approx(0.42, abs=0.1)
    assert exact.error(math.inf, "sigma_z") <= curves.TARGET


def test_an_evolution_of_sixteen_goes_by_gates_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With half the error; QuTiP's own trajectories, which are more exact, come first where they are stored."""
    Known(monkeypatch)
    monkeypatch.setattr(beyond, "installed", lambda: True)
    point = point_of(rows=4, cols=4, Jy=1.3, estimator="sampled", n_samples=9, method="tdvp", tau=0.5, t_end=2.0)
    prepare_beyond([point], tmp_path, lambda text: None)
    exact = exact_of(point, tmp_path)
    assert exact is not None and exact.steady is None and exact.curve is not None
    assert exact.curve.info["kind"] == curves.CURVE and exact.curve.info["settings"]["target"] == 0.005
    qutips = replace(exact.curve, info={"kind": "QuTiP's"})
    monkeypatch.setattr(of_point.trajectory_evolution, "stored", lambda *_: qutips)
    exact = exact_of(point, tmp_path)
    assert exact is not None and exact.curve == qutips


def test_an_evolution_that_is_too_long_for_gates_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, said = Known(monkeypatch), []
    prepare_beyond([square(4, 5, t_end=12.0)], tmp_path, said.append)
    assert said[-1].endswith("no exact values: trajectories of gates end at t = 10")
    assert len(drawn.seeds) >= curves.LEAST, "of its steady state"
