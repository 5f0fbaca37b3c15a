"""Problems as points: nothing is lost on the way, ids cover every number, exact values and kills are checked."""

from __future__ import annotations

import dataclasses
import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest
import qutip
import torch

import repro
from repro.config.ansatz import Ansatz
from repro.config.settings import from_leaves
from repro.methods.collocation_training import CollocationModule
from repro.physics.lattice import Lattice
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_PLUS, SIGMA_X, SIGMA_Z
from repro.physics.liouvillian import LocalLiouvillian
from repro.running.folders import CHECKPOINT, point_folder
from repro.solver import exact
from repro.solver.plan import EVOLUTION, Request, points
from repro.solver.problem_point import ProblemPoint, ProblemSystem
from repro.utils.errors import InputError
from tests.helpers.custom_models import MODELS
from tests.helpers.custom_povm import TILTED
from tests.helpers.oracles import dense_generator, qutip_generator
from tests.helpers.points import Interrupted, history, run, stop_in_iteration
from tests.helpers.solving import GIB, TINY, pair
from tests.helpers.systems import RANDOM_LATTICES, random_model


@pytest.mark.parametrize("seed", range(4))
def test_a_problem_read_back_has_qutips_generator(seed: int) -> None:
    model = random_model(seed, RANDOM_LATTICES[(1, 2, 6, 7)[seed]])
    n_sites = model.lattice.n_sites
    problem = repro.Problem(model, [(0.1 * k, -0.2, 0.3) for k in range(n_sites)], TILTED, ["X", "purity"], [])
    point = ProblemPoint(ProblemSystem(problem.text))
    found = dense_generator(LocalLiouvillian(point.lindblad_model, point.povm))
    np.testing.assert_allclose(found, qutip_generator(model, problem.povm).real, atol=1e-10)
    assert point.system.solved.bloch_vectors == problem.bloch_vectors
    assert point.system.observables() == problem.asked
    assert point.system.solved.text == problem.text


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
    found = exact.evolution(problem, times, tmp_path)
    again = exact.evolution(problem, times, tmp_path)
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
    ids = {ProblemPoint(ProblemSystem(each.text)).point_id for each in variants}
    assert len(ids) == len(variants)
    named = ProblemPoint(ProblemSystem(pair(name="other").text))
    assert named.point_id == ProblemPoint(ProblemSystem(base.text)).point_id


def test_a_point_survives_pickling_and_its_own_record(tmp_path: Path) -> None:
    (point,) = points(pair(), Request(t_end=0.2, iterations=3), GIB, "cpu")[EVOLUTION]
    assert pickle.loads(pickle.dumps(point)) == point
    folder = run(point, tmp_path)
    assert from_leaves(ProblemPoint, json.loads((folder / "done.json").read_text())["point"]).point_id == point.point_id


def test_a_killed_point_goes_on_to_the_same_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {name: value for name, value in TINY.items() if name != "quiet"}
    (point,) = points(pair(), Request(t_end=0.6, step=0.2, iterations=6, changes=changes), GIB, "cpu")[EVOLUTION]
    unbroken = run(point, tmp_path / "unbroken")
    for epoch, iteration in ((0, 2), (2, 1)):
        with monkeypatch.context() as patch, pytest.raises(Interrupted):
            stop_in_iteration(patch, epoch, iteration)
            run(point, tmp_path / "broken")
    kept = torch.load(point_folder(tmp_path / "broken", point) / CHECKPOINT, weights_only=True)
    assert len(kept["history"]) == 1 + 2 * point.settings["dense_output"]
    assert history(run(point, tmp_path / "broken")).equals(history(unbroken))


def test_a_sampled_state_is_measured_on_160000_samples() -> None:
    problem = dataclasses.replace(MODELS["dephased_hopping"]()[0], povm="tetrahedral-cubic")
    request = Request(t_end=0.1, estimator="sampled", changes={"n_samples": 50})
    (point,) = points(problem, request, 4 * GIB, "cpu")[EVOLUTION]
    row = CollocationModule(point.point).measure()
    value_K = torch.from_numpy(problem.povm.observable(np.diag([1.0, -1.0])))
    up_K = torch.from_numpy(problem.povm.product_state("up"))
    deviation = float(torch.sqrt(up_K @ value_K**2 - (up_K @ value_K) ** 2))
    assert deviation > 0.1
    assert row["<Z0>_error"] == pytest.approx(deviation / np.sqrt(160_000), rel=0.03)


def decaying_text(lattice: Lattice, rates: list[float]) -> str:
    """Text of a problem of one field and coupling everywhere, whose rates of decay are given."""
    one = [(site, 0.5 * SIGMA_X) for site in lattice.sites]
    two = [(bond, 0.5 * np.kron(SIGMA_Z, SIGMA_Z)) for bond in lattice.bonds]
    decay = [(site, SIGMA_MINUS, rate) for site, rate in zip(lattice.sites, rates, strict=True)]
    return repro.Problem(repro.LindbladModel(lattice, one, two, decay), initial="up").text


@pytest.mark.parametrize("strings", ["2s", "8s", "translations", "symmetries", "2t"])
def test_a_mixture_that_is_symmetric_where_the_model_is_not_is_refused(strings: str) -> None:
    lattice = repro.rectangle(2, 2)
    even = ProblemSystem(decaying_text(lattice, [1.0] * 4))
    assert len(ProblemPoint(even, Ansatz(strings=strings)).orders) > 1
    odd = ProblemSystem(decaying_text(lattice, [1.0, 0.3, 0.1, 0.05]))
    with pytest.raises(InputError, match=f"strings '{strings}': .* site [0-3]\\), expected '0s'"):
        ProblemPoint(odd, Ansatz(strings=strings))
    assert len(ProblemPoint(odd, Ansatz(strings="1s")).orders) == 1


def test_a_mixture_is_refused_for_its_own_symmetries_alone() -> None:
    # strings 1 and 2 of a square start in one corner: exchanging rows and columns takes them to each other
    system = ProblemSystem(decaying_text(repro.rectangle(2, 2), [1.0, 0.3, 0.3, 0.05]))
    assert len(ProblemPoint(system, Ansatz(strings="2s")).orders) == 2
    with pytest.raises(InputError, match="strings '8s'"):
        ProblemPoint(system, Ansatz(strings="8s"))
