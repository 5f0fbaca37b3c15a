"""The relative entropy of the exact distribution, against QuTiP's density matrix and closed forms."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from repro.methods.build import build_ansatz
from repro.methods.exact_distance import relative_entropy
from repro.references.qutip_solvers import evolve, qutip_operators
from repro.reporting.assemble import figure_table
from repro.running import checkpoints
from repro.running.folders import CHECKPOINT
from tests.helpers import points

MEASURED = points.COUPLED.change(method="dynamics", relative_entropy=True, **points.STEPS)


def exact_p(t: float) -> np.ndarray:
    """Tr(M_a rho(t)) of two spins, rho by QuTiP."""
    from qutip import Qobj, basis, tensor

    point = MEASURED.point
    hamiltonian, jumps = qutip_operators(point.lindblad_model)
    up = basis(2, 0).proj()
    rho = evolve(hamiltonian, jumps, tensor(up, up).to("Dense"), [0.0, t], e_ops={}).final_state
    elements = [Qobj(element) for element in point.povm.frame]
    return np.array([[(tensor(a, b) * rho).tr().real for b in elements] for a in elements])


def test_distance_of_known_distributions() -> None:
    p, q = torch.tensor([0.5, 0.5, 0.0, 0.0]), torch.tensor([0.25, 0.25, 0.25, 0.25])
    assert relative_entropy(p, q) == pytest.approx(math.log(2))
    assert relative_entropy(q, q) == 0
    assert relative_entropy(q, p) == math.inf


def test_an_evolution_measures_its_distance_from_qutips(tmp_path: Path) -> None:
    folder = points.run(MEASURED, tmp_path)
    rows = points.history(folder)
    assert rows["relative_entropy"].iloc[0] == pytest.approx(0, abs=1e-6)
    model = build_ansatz(MEASURED.point)
    kept = checkpoints.load(folder / CHECKPOINT, MEASURED.point)["state_dict"]
    model.load_state_dict({name.removeprefix("model."): value for name, value in kept.items()})
    p, q = exact_p(0.4), model.all_probs().detach().double().numpy()
    expected = float((p * np.log(p / q)).sum())
    assert expected > 1e-3
    assert rows["relative_entropy"].iloc[-1] == pytest.approx(expected, abs=1e-5)


def test_measuring_it_changes_no_other_number_and_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = points.history(points.run(MEASURED.change(relative_entropy=False), tmp_path))
    whole = points.history(points.run(MEASURED, tmp_path))
    added = ["relative_entropy", "relative_entropy_error"]
    pd.testing.assert_frame_equal(whole.drop(columns=added), plain, check_exact=True)
    with monkeypatch.context() as patch, pytest.raises(points.Interrupted):
        points.stop_in_iteration(patch, 2, 3)
        points.run(MEASURED, tmp_path / "broken")
    resumed = points.history(points.run(MEASURED, tmp_path / "broken"))
    pd.testing.assert_frame_equal(resumed, whole, check_exact=True)


def test_tables_have_it_beside_an_exact_value_of_zero(tmp_path: Path) -> None:
    rows = points.history(points.run(MEASURED, tmp_path))
    table = figure_table([MEASURED], tmp_path)
    own = table[table["observable"] == "relative_entropy"]
    assert own["mean"].tolist() == pytest.approx(rows["relative_entropy"].tolist())
    assert set(own["exact"]) == {0.0} and set(own["error"]) == {0.0}
