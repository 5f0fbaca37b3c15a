"""Problems in imaginary time: their exact values, their ids, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qutip
from scipy.linalg import expm

import repro
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, SIGMA_Y, SIGMA_Z
from repro.solver import exact
from repro.solver.plan import EVOLUTION, Request, points
from repro.solver.problem import Problem
from repro.utils.errors import InputError

MODEL = repro.LindbladModel(
    repro.chain(2), [(0, 0.7 * SIGMA_X), (1, 0.2 * SIGMA_Y)], [((0, 1), np.kron(SIGMA_Z, SIGMA_X))]
)
COOLED: dict[str, Any] = {"initial": (0, 0, 0), "imaginary_time": True}


def problem(**changes: Any) -> Problem:
    return Problem(MODEL, **{**COOLED, "observables": ["X", "Z0 X1", "purity"], **changes})


def test_exact_values_are_those_of_gibbs_states(tmp_path: Path) -> None:
    betas = [0.0, 0.4, 1.5]
    found = exact.evolution(problem(), betas, tmp_path)
    X, Y, Z, one = qutip.sigmax(), qutip.sigmay(), qutip.sigmaz(), qutip.qeye(2)
    H = 0.7 * qutip.tensor(X, one) + 0.2 * qutip.tensor(one, Y) + qutip.tensor(Z, X)
    wanted = {"X": (qutip.tensor(X, one) + qutip.tensor(one, X)) / 2, "Z0 X1": qutip.tensor(Z, X)}
    for k, beta in enumerate(betas):
        rho = expm(-beta * H.full())
        rho /= rho.trace()
        for name, operator in wanted.items():
            assert found[name][k] == pytest.approx((rho @ operator.full()).trace().real, abs=1e-9)
        assert found["purity"][k] == pytest.approx((rho @ rho).trace().real, abs=1e-9)


def test_it_survives_as_text_and_is_another_computation() -> None:
    cooled, evolved = problem(), problem(imaginary_time=False)
    assert Problem.from_text(cooled.text).imaginary_time
    assert not Problem.from_text(evolved.text).imaginary_time
    ids = {points(each, Request(t_end=1.0), 2**30, "cpu")[EVOLUTION][0].point_id for each in (cooled, evolved)}
    assert len(ids) == 2


DISSIPATIVE = repro.LindbladModel(repro.chain(1), jumps=[(0, SIGMA_MINUS, 1.0)])


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        (lambda: Problem(DISSIPATIVE, **COOLED), "with jump operators: expected a Hamiltonian alone"),
        (lambda: problem(initial="up"), r"imaginary time: expected initial = \(0, 0, 0\)"),
        (lambda: repro.solve(problem(), steady=True), "steady state of a model without jump operators"),
        (lambda: repro.solve(problem(), t_end=1.0, method="dynamics"), "imaginary time: expected method projection"),
        (lambda: repro.solve(problem(), t_end=1.0, n_samples=10), "imaginary time: expected method projection"),
        (lambda: repro.solve(problem(observables=["X"]), t_end=1.0, estimator="sampled"), "imaginary time: expected"),
    ],
)
def test_what_is_refused(refused: Any, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=said):
        refused()
    assert not list(tmp_path.iterdir())
