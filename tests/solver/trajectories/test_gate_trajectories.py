"""Trajectories of gates for a user's problem: strings, rates, steps and errors beside QuTiP, and when they serve."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import qutip

import repro
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, SIGMA_Z, Jump, LindbladModel, heisenberg
from repro.physics.observables import PauliString, named
from repro.physics.state_vector import product_of, site_paulis, string_means
from repro.references.gates import circuit
from repro.references.gates.accuracy import StepErrors, cluster_of
from repro.references.gates.step import Step
from repro.references.qutip_solvers import density_operators
from repro.solver import exact, exact_source
from repro.solver.trajectories import by_gates
from repro.solver.trajectories import values as trajectory_values
from repro.solver.trajectories.by_gates import GateTrajectories
from repro.utils.errors import InputError
from tests.helpers.oracles import qutip_model

PAULIS = {"X": qutip.sigmax(), "Y": qutip.sigmay(), "Z": qutip.sigmaz()}
HOP = np.kron(SIGMA_MINUS, SIGMA_X)


def hopping() -> LindbladModel:
    """Three spins in a row with jumps on pairs, some with their sites in descending order."""
    row = repro.chain(3)
    jumps: list[tuple[int | tuple[int, int], np.ndarray, float]]
    jumps = [((0, 1), HOP, 0.8), ((2, 1), HOP + 0.3j * np.kron(SIGMA_Z, SIGMA_Z), 0.5), (2, SIGMA_MINUS, 1.0)]
    return LindbladModel(row, [(k, 0.4 * SIGMA_X) for k in row.sites], [((1, 0), np.kron(SIGMA_X, SIGMA_Z))], jumps)


MODELS = {"lattice": heisenberg(repro.rectangle(2, 2, periodic=False), (0.9, 1.8, 1.0), B=0.3), "hopping": hopping()}


def ket(n_sites: int, seed: int) -> qutip.Qobj:
    """Any state."""
    return qutip.rand_ket([2] * n_sites, seed=seed)


@pytest.mark.parametrize("text", ["", "Z0", "Y3", "X0 X4", "Z1 Z2", "Y0 Z2 X3", "Y0 Y1 Y4", "X0 Y1 Z2 Y3 X4"])
def test_pauli_strings_of_a_vector_of_any_norm(text: str) -> None:
    string: PauliString = tuple((int(word[1]), word[0]) for word in text.split())
    psi = ket(5, 1)
    operator = qutip.tensor([PAULIS[dict(string)[k]] if k in dict(string) else qutip.qeye(2) for k in range(5)])
    found = string_means(1.7 * psi.full().ravel().astype(np.complex64), [string])
    assert found == pytest.approx(qutip.expect(operator, psi), abs=1e-6)


def test_paulis_of_every_site_of_a_product() -> None:
    spins = [ket(1, seed).full().ravel() for seed in range(4)]
    expected = [[qutip.expect(P, qutip.Qobj(spin)) for P in PAULIS.values()] for spin in spins]
    assert site_paulis(product_of(spins)) == pytest.approx(np.array(expected), abs=1e-6)


@pytest.mark.parametrize("jump", hopping().jumps, ids=str)
def test_the_rate_of_a_jump_as_strings(jump: Jump) -> None:
    psi = ket(3, 2)
    c = math.sqrt(jump.rate) * qutip.expand_operator(
        qutip.Qobj(jump.operator, dims=[[2] * len(jump.sites)] * 2), [2] * 3, list(jump.sites)
    )
    terms = by_gates._rate(jump)
    operators = density_operators([string for _, string in terms], 3)
    found = sum(weight * qutip.expect(operators[named(string)], psi) for weight, string in terms)
    assert found == pytest.approx(qutip.expect(c.dag() * c, psi)) and found > 0.01


@pytest.mark.parametrize("name", MODELS)
def test_a_step_is_right_to_second_order(name: str) -> None:
    """Beside exp(h L): half of a step is eight times closer."""
    model = MODELS[name]
    rho, n_sites = ket(model.lattice.n_sites, 3).proj(), model.lattice.n_sites
    L, off = qutip.liouvillian(*qutip_model(model)), []
    for h in (0.02, 0.01):
        truth = qutip.vector_to_operator((h * L).expm() * qutip.operator_to_vector(rho)).full()
        found = Step(model, h).density_matrix(rho.full())
        assert np.trace(found) == pytest.approx(1)
        off.append(np.abs(found - truth).max())
    assert 6 < off[0] / off[1] < 10 and off[0] < 1e-4, n_sites


def test_the_cluster_of_the_strongest_site() -> None:
    graph = repro.graph([(0, 1), (1, 2), (2, 3), (3, 4), (3, 5)])
    bonds = [(bond, np.kron(SIGMA_Z, SIGMA_Z)) for bond in graph.bonds]
    model = LindbladModel(graph, [(3, 9.0 * SIGMA_X)], bonds, [((1, 0), HOP, 1.0)])
    assert cluster_of(model)[0] == 3 and set(cluster_of(model, 4)) == {3, 2, 4, 5}
    assert cluster_of(model, 6)[4:] == (1, 0)
    lonely = LindbladModel(repro.graph([], 3), [(1, SIGMA_X)])
    assert cluster_of(lonely) == (1,)


def test_the_error_of_a_step_on_a_cluster_is_that_of_the_whole() -> None:
    """A lattice that is its own cluster: the step's density matrices beside QuTiP's, <Z> of a site or a bond's XX."""
    model, h, times = MODELS["lattice"], 0.2, 0.4 * np.arange(6)
    errors = StepErrors(model, [(0.0, 0.0, 1.0)] * 4, times)
    hamiltonian, jumps = qutip_model(model)
    rho = qutip.tensor([qutip.basis(2, 0)] * 4).proj()
    states = qutip.mesolve(hamiltonian, rho, times, jumps, options={"atol": 1e-11, "rtol": 1e-9}).states
    mine, off = rho.full(), 0.0
    strings = density_operators([((0, "Z"),), ((0, "X"), (1, "X")), ((0, "Y"), (1, "Y")), ((0, "Z"), (1, "Z"))], 4)
    for state in states[1:]:
        for _ in range(2):
            mine = Step(model, h).density_matrix(mine)
        difference = qutip.Qobj(mine, dims=rho.dims) - state
        off = max(off, *(abs((operator * difference).tr()) for operator in strings.values()))
    assert errors.largest(h) == pytest.approx(off, rel=0.02) and off > 0.005
    assert 3 < errors.largest(h) / errors.largest(h / 2) < 5


def drawn(step: Step, psi: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """Trajectories without a simulator: dense gates, Kraus operators drawn by their weights."""
    rng, dims = np.random.default_rng(seed), [2] * step.n_sites

    def dense(operator: np.ndarray, sites: tuple[int, ...]) -> np.ndarray:
        return qutip.expand_operator(qutip.Qobj(operator, dims=[[2] * len(sites)] * 2), dims, list(sites)).full()

    gates = [dense(U, sites) for sites, U in step.gates]
    channels = [[dense(K, sites) for K in operators] for sites, operators in step.channels]
    while True:
        for U in gates:
            psi = U @ psi
        for operators in channels:
            after = [K @ psi for K in operators]
            weights = np.array([np.vdot(each, each).real for each in after])
            psi = after[rng.choice(len(after), p=weights / weights.sum())]
            psi = psi / np.linalg.norm(psi)
        for U in reversed(gates):
            psi = U @ psi
        yield psi


PROBLEMS = {
    "lattice": repro.Problem(MODELS["lattice"], "up", observables=["Z", "X0 X1"], correlators=[("Z0", "Z3")]),
    "hopping": repro.Problem(MODELS["hopping"], [(0, 0, 0.5), (0, -1, 0), (0, 0, 1)], observables=["Z", "Y0", "Z0 Z2"]),
}


def off_and_errors(problem: repro.Problem, t_end: float, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Of values by gates, what they are off QuTiP and what they say so, in units of nothing."""
    table = trajectory_values.values(problem, t_end, folder, by=GateTrajectories).table
    times = table["t"].unique()
    truth = exact.steady_state(problem, folder) if math.isinf(t_end) else exact.evolution(problem, list(times), folder)
    off = table["mean"].to_numpy().reshape(-1, len(times)) - np.array([truth[each.name] for each in problem.asked])
    return np.abs(off), table["error"].to_numpy().reshape(off.shape)


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("simulated", [False, True], ids=["dense", "qsim"])
def test_values_are_qutips_within_their_errors(
    name: str, simulated: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if simulated:
        pytest.importorskip(circuit.PACKAGE)
    else:
        monkeypatch.setattr(by_gates, "trajectory", drawn)
        monkeypatch.setattr(circuit, "installed", lambda: True)
    monkeypatch.setattr(trajectory_values, "MOST", 30)
    problem = PROBLEMS[name].in_natural_units()
    off, error = off_and_errors(problem, 1.5, tmp_path)
    assert (off[:, 0] == 0).all() or off[:, 0].max() < 1e-12
    assert (off <= 4 * error + 1e-12).all() and (off[:, 1:] <= 2 * error[:, 1:]).mean() > 0.8
    assert error[:, 1:].min() > 0 and error.max() < 0.1


def test_a_steady_state_is_qutips_within_its_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_gates, "trajectory", drawn)
    monkeypatch.setattr(circuit, "installed", lambda: True)
    monkeypatch.setattr(trajectory_values, "MOST", 2)
    off, error = off_and_errors(PROBLEMS["lattice"].in_natural_units(), math.inf, tmp_path)
    assert (off <= 3 * error).all() and 0 < error.max() < 0.1


def test_what_was_expected_often_has_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a jump expected 0.1 times in each of R trajectories nothing is hidden once they are more than fifty."""
    monkeypatch.setattr(circuit, "installed", lambda: True)
    model = LindbladModel(repro.chain(2), jumps=[(k, SIGMA_MINUS, 1.0) for k in range(2)])
    gates = GateTrajectories(repro.Problem(model, "up", observables=["Z0"]).in_natural_units(), 1.0)
    M, errors = len(gates.times), {}
    for R in (40, 60):
        strings = np.full((R, M, 1), 0.9)
        strings[:, 0] = 1.0
        awaited = np.broadcast_to(np.linspace(0, 0.1, M)[:, None], (R, M, 2 + 2)).copy()
        awaited[..., 2:] = 0.0
        errors[R] = gates.estimate(strings, np.zeros((R, M, 0)), awaited)[1]
    assert errors[40][-1, 0] == pytest.approx(2 * 1.5 / 40, rel=0.01)
    assert errors[60][-1, 0] == pytest.approx(gates.step_error) and errors[60][0, 0] == 0
    assert errors[60][1, 0] > 0.01, "early on it was not expected often enough"


def test_a_step_that_no_length_makes_good_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit, "installed", lambda: True)
    monkeypatch.setattr(by_gates, "PART", 1e-9)
    with pytest.raises(InputError, match=r"steps of [0-9.e-]+ are [0-9.e-]+ off on a cluster"):
        GateTrajectories(PROBLEMS["lattice"].in_natural_units(), 1.0)


@pytest.mark.parametrize(("n_sites", "there", "ways"), [
    (12, True, ["qutip"]), (13, True, ["gates", "qutip"]), (16, False, ["qutip"]), (17, False, ["gates"]),
    (26, True, ["gates"]), (27, True, []),
])  # fmt: skip
def test_which_trajectories_serve(n_sites: int, there: bool, ways: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact_source, "installed", lambda: there)
    found = ["gates" if way is not trajectory_values.values else "qutip" for way in exact_source._trajectories(n_sites)]
    assert found == ways


def test_what_is_missing_for_larger_lattices_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit, "installed", lambda: False)
    problem = repro.Problem(heisenberg(repro.rectangle(3, 6), (0.9, 1.8, 1.0)), "up")
    notes: list[str] = []
    assert exact_source.evolution(problem.in_natural_units(), [0.0, 1.0], tmp_path, notes, print) is None
    assert notes == ["no exact values: trajectories of gates: no package qsimcirq (pip install 'repro-povm[gates]')"]
