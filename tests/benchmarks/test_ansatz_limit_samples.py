"""POVM samples of known states: of state vectors, of distributions, of trajectories on their way."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qutip
import torch

from benchmarks.ansatz_limit import samples as samples_module
from benchmarks.ansatz_limit import trajectories
from benchmarks.ansatz_limit.outcomes import distribution, drawn, measured
from benchmarks.ansatz_limit.problems import Problem
from benchmarks.ansatz_limit.samples import samples_of
from repro.physics.lindblad import PAULIS
from repro.physics.povm import POVMS
from repro.utils.errors import InputError
from tests.helpers.networks import p_value
from tests.helpers.oracles import probabilities, qutip_model
from tests.helpers.systems import paper_heisenberg

BOTH = ("tetrahedral", "tetrahedral-cubic")


def silent(text: str) -> None:
    pass


@pytest.fixture
def psi() -> qutip.Qobj:
    """Three spins without any symmetry."""
    return qutip.rand_ket([2, 2, 2], seed=5)


@pytest.mark.parametrize("name", POVMS)
def test_a_state_vectors_samples_have_its_probabilities(name: str, psi: qutip.Qobj) -> None:
    povm = POVMS[name]()
    found = measured(psi.full().ravel(), povm, 60_000, np.random.default_rng(1))
    assert found.shape == (60_000, 3)
    assert p_value(torch.from_numpy(found).long(), probabilities(psi.proj(), povm)) > 1e-3


@pytest.mark.parametrize("name", POVMS)
def test_their_means_are_qutips(name: str, psi: qutip.Qobj) -> None:
    povm, n = POVMS[name](), 60_000
    found = measured(psi.full().ravel(), povm, n, np.random.default_rng(2))
    one = {axis: qutip.Qobj(pauli) for axis, pauli in PAULIS.items()}
    for first, second in itertools.product(PAULIS, repeat=2):
        product_B = povm.observable(PAULIS[first])[found[:, 0]] * povm.observable(PAULIS[second])[found[:, 2]]
        exact = qutip.expect(qutip.tensor(one[first], qutip.qeye(2), one[second]), psi)
        assert abs(product_B.mean() - exact) < 4.5 * product_B.std() / math.sqrt(n)


@pytest.mark.parametrize("name", POVMS)
def test_a_density_matrixs_distribution(name: str) -> None:
    rho, povm = qutip.rand_dm([2, 2, 2], seed=3), POVMS[name]()
    p = distribution(rho.full(), povm)
    torch.testing.assert_close(p, probabilities(rho, povm), atol=1e-12, rtol=0)
    assert p_value(torch.from_numpy(drawn(p.numpy(), 60_000, np.random.default_rng(4))).long(), p) > 1e-3


def test_what_is_no_state_is_refused() -> None:
    rng, povm = np.random.default_rng(0), POVMS["tetrahedral"]()
    for psi in (np.ones(3), np.ones((2, 2)), np.ones(4)):
        with pytest.raises(InputError, match=r"^state vector of (shape|norm) .*expected"):
            measured(psi, povm, 5, rng)
    with pytest.raises(InputError, match=r"^distribution from .*sum 2"):
        drawn(np.full((4, 4), 0.125), 5, rng)


def master_equation(Jy: float, t: float) -> qutip.Qobj:
    """2x2 from all spins up by QuTiP's `mesolve`."""
    hamiltonian, jumps = qutip_model(paper_heisenberg(2, Jy))
    start = qutip.tensor([qutip.fock_dm(2, 0)] * 4)
    return qutip.mesolve(hamiltonian, start, [0, t], jumps).final_state


def test_the_exact_distribution_is_the_master_equations() -> None:
    for t in (0.4, math.inf):
        p = samples_module.exact(Problem("2x2", 1.8, t), "tetrahedral-cubic")
        expected = probabilities(master_equation(1.8, min(t, 40.0)), POVMS["tetrahedral-cubic"]())
        torch.testing.assert_close(p, expected, atol=2e-6, rtol=0)


def test_trajectories_are_samples_of_the_mixed_state(tmp_path: Path) -> None:
    """Site-averaged Paulis and neighbours' correlations, 2x2 at two times in two POVMs, against `mesolve`."""
    problems, count = (Problem("2x2", 1.8, 0.6), Problem("2x2", 1.8, 1.0)), 300
    kept = trajectories.collect(problems, BOTH, count, 20, tmp_path, silent)
    for problem, povm in itertools.product(problems, BOTH):
        rho = master_equation(1.8, problem.t)
        samples_RBN = np.stack([each[trajectories.key(povm, problem.t)] for each in kept])
        for axis, pauli in PAULIS.items():
            value_RBN = POVMS[povm]().observable(pauli)[samples_RBN]
            single, pair = qutip.Qobj(pauli), [qutip.Qobj(pauli)] * 2
            exact = qutip.expect(qutip.tensor(single, *[qutip.qeye(2)] * 3), rho)
            correlated = qutip.expect(qutip.tensor(*pair, *[qutip.qeye(2)] * 2), rho)
            for found_R, expected in (
                (value_RBN.mean((1, 2)), exact),
                ((value_RBN[..., 0] * value_RBN[..., 1]).mean(1), correlated),
            ):
                assert abs(found_R.mean() - expected) < 4 * found_R.std() / math.sqrt(count), (axis, problem.t, povm)


def test_whole_trajectories_are_held_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Problem, "is_exact", property(lambda self: False))
    problem = Problem("2x2", 1.8, 0.4)
    few, more = (samples_of([problem], BOTH, count, 8, tmp_path, silent) for count in (10, 15))
    kept = trajectories.collect([problem], BOTH, 15, 8, tmp_path, silent)
    name = trajectories.key(BOTH[0], 0.4)
    held = more[problem, BOTH[0]].held_GBN
    assert np.array_equal(held, np.stack([kept[number - 1][name] for number in (5, 10, 15)]))
    assert np.array_equal(held[:2], few[problem, BOTH[0]].held_GBN)  # none changes sides as more are added
    assert more[problem, BOTH[0]].train_GBN.shape == (12, 8, 4)
    with pytest.raises(InputError, match=r"^trajectories = 9: expected at least 10"):
        samples_of([problem], BOTH, 9, 8, tmp_path, silent)


def test_trajectories_go_on_where_they_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    trajectory = trajectories._System.trajectory

    def counting(self: Any, number: int, *rest: Any) -> dict[str, Any]:
        if number == 4 and 4 not in made:
            made.append(4)
            raise KeyboardInterrupt
        made.append(number)
        return trajectory(self, number, *rest)

    monkeypatch.setattr(trajectories._System, "trajectory", counting)
    problem = Problem("2x2", 1.8, 0.4)
    with pytest.raises(KeyboardInterrupt):
        trajectories.collect([problem], BOTH, 5, 3, tmp_path, silent)
    first = trajectories.collect([problem], BOTH, 5, 3, tmp_path, silent)
    assert made == [1, 2, 3, 4, 4, 5]
    file = trajectories.folder_of(problem, BOTH, 3, tmp_path) / "00002.npz"
    file.write_bytes(file.read_bytes()[:40])  # damaged: made again, the same
    again = trajectories.collect([problem], BOTH, 5, 3, tmp_path, silent)
    assert made[6:] == [2]
    assert all(np.array_equal(first[1][name], again[1][name]) for name in first[1])
    trajectories.collect([Problem("2x2", 1.8, 0.6)], BOTH, 1, 3, tmp_path, silent)  # a later time is not there yet
    assert made[7:] == [1]


def test_samples_of_a_known_p_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem("2-ring", 1.8, 0.4)
    monkeypatch.setattr(samples_module, "EXACT_TRAINING", 50)
    first = samples_of([problem], BOTH[:1], 0, 0, tmp_path, silent)[problem, BOTH[0]]
    monkeypatch.setattr(samples_module, "exact", None)
    again = samples_of([problem], BOTH[:1], 0, 0, tmp_path, silent)[problem, BOTH[0]]
    assert np.array_equal(first.held_GBN, again.held_GBN) and torch.equal(first.p, again.p)  # type: ignore[arg-type]
    every_BN = torch.from_numpy(first.train_GBN.reshape(-1, 2)).long()
    assert p_value(every_BN, first.p) > 1e-3  # type: ignore[arg-type]
