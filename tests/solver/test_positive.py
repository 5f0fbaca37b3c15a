"""A solution says how far the network's distribution is from being one of a state."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.helpers.points import without_checksum
from tests.helpers.solving import pair, solved


def history(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "history.csv")


def test_the_smallest_eigenvalue_of_any_state_is_told(tmp_path: Path) -> None:
    letters = ["I", "X", "Y", "Z"]
    strings = [f"{a}0 {b}1" for a in letters for b in letters]
    asked = [" ".join(part for part in each.split() if part[0] != "I") or "I" for each in strings]
    solution = solved(pair(observables=asked), tmp_path, 0.5, seeds=2, method="dynamics", iterations=3)
    # rho from its sixteen Pauli strings, with NumPy alone
    paulis = {
        "I": np.eye(2),
        "X": np.array([[0, 1], [1, 0]]),
        "Y": np.array([[0, -1j], [1j, 0]]),
        "Z": np.diag([1, -1]),
    }
    products = [np.kron(paulis[each[0]], paulis[each[3]]) / 4 for each in strings]
    smallest = []
    for folder in solution.folders[:2]:
        means = history(folder)[[f"<{name}>" for name in asked]].to_numpy()
        smallest += [np.linalg.eigvalsh(np.tensordot(row, np.array(products), 1))[0] for row in means]
    assert solution.smallest_eigenvalue == pytest.approx(min(smallest), abs=1e-6)
    control = history(solution.folders[2])["smallest_eigenvalue"]
    assert len(solution.folders) == 3 and control.min() != solution.smallest_eigenvalue < -1e-3
    assert f"smallest eigenvalue of rho: {solution.smallest_eigenvalue:.4f}" in solution.summary()


def test_draws_do_not_know_it(tmp_path: Path) -> None:
    solution = solved(pair(), tmp_path, 0.2, iterations=2, estimator="sampled", n_samples=20)
    assert math.isnan(solution.smallest_eigenvalue) and "eigenvalue" not in solution.summary()


def test_runs_of_before_do_not_know_it(tmp_path: Path) -> None:
    folder = solved(pair(), tmp_path, 0.2, iterations=2).folders[0]
    history(folder).drop(columns="smallest_eigenvalue").to_csv(folder / "history.csv", index=False)
    without_checksum(folder)
    assert math.isnan(solved(pair(), tmp_path, 0.2, iterations=2).smallest_eigenvalue)
