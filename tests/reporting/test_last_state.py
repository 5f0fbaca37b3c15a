"""Smallest eigenvalues on their way from a run to its table, of every kind of run, old ones included."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from repro.config.listed import Listed
from repro.methods.build import build_ansatz
from repro.physics.density import SMALLEST_EIGENVALUE
from repro.reporting.assemble import figure_table
from repro.running import checkpoints
from repro.running.folders import CHECKPOINT, LAST_STATE, point_folder
from tests.helpers.oracles import state_of
from tests.helpers.points import COUPLED, STEPS, run, without_checksum

EVOLVED = COUPLED.change(method="dynamics", **STEPS)
DRAWN: dict[str, Any] = {"estimator": "sampled", "n_samples": 50}
KINDS = {
    "search": COUPLED.change(iterations=30),
    "evolution": EVOLVED,
    "unmasked": COUPLED.change(iterations=20, layers=2, n_samples=50, sampling="unmasked"),
    "projection": COUPLED.change(method="projection", **STEPS, dense_output=2),
    "sampled": EVOLVED.change(**DRAWN),
    "pauli4": EVOLVED.change(povm="pauli4"),
}


def final_state(point: Listed, runs: Path) -> float:
    """The smallest eigenvalue of the state in the checkpoint, with NumPy and the frame alone."""
    model = build_ansatz(point.point)
    weights = checkpoints.load(point_folder(runs, point) / CHECKPOINT, point.point)["state_dict"]
    model.load_state_dict({k.removeprefix("model."): v for k, v in weights.items() if k.startswith("model.")})
    with torch.no_grad():
        return float(np.linalg.eigvalsh(state_of(model.all_probs(), point.point.povm))[0])


def without_eigenvalues(folder: Path) -> None:
    """A history as earlier versions wrote it."""
    history = pd.read_csv(folder / "history.csv")
    history.drop(columns=SMALLEST_EIGENVALUE).to_csv(folder / "history.csv", index=False)
    without_checksum(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_row_has_that_of_the_last_state(kind: str, tmp_path: Path) -> None:
    point = KINDS[kind]
    run(point, tmp_path)
    table = figure_table([point], tmp_path)
    last = table[table["t"] == table["t"].max()]
    assert len(last) >= 3 and set(last["physical"]) == {"yes"}
    assert last[SMALLEST_EIGENVALUE].tolist() == pytest.approx([final_state(point, tmp_path)] * len(last), abs=1e-6)
    earlier = table.loc[table["t"] < table["t"].max(), SMALLEST_EIGENVALUE]
    assert earlier.isna().all() if kind == "sampled" else earlier.notna().all()


def test_the_start_is_the_product_state(tmp_path: Path) -> None:
    run(EVOLVED, tmp_path)
    table = figure_table([EVOLVED], tmp_path)
    start = table.loc[table["t"] == 0, SMALLEST_EIGENVALUE]
    assert start.tolist() == pytest.approx([0.0] * 3, abs=1e-5), "all up is a pure state"
    assert table.groupby("t")[SMALLEST_EIGENVALUE].nunique().eq(1).all(), "one state at a time"


def test_a_steady_row_has_that_of_the_last_state(tmp_path: Path) -> None:
    point = EVOLVED.change(t_end=3.0, tau=0.5)
    run(point, tmp_path)
    table = figure_table([point], tmp_path).set_index("t")[SMALLEST_EIGENVALUE]
    assert table[math.inf].tolist() == table[3.0].tolist() != table[2.0].tolist()


@pytest.mark.parametrize("kind", ["search", "evolution"])
def test_runs_of_before_get_it_from_their_checkpoint_once(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = KINDS[kind]
    folder = run(point, tmp_path)
    expected = figure_table([point], tmp_path)[SMALLEST_EIGENVALUE].iloc[-1]
    without_eigenvalues(folder)
    found = figure_table([point], tmp_path)
    assert found[SMALLEST_EIGENVALUE].iloc[-1] == pytest.approx(expected, abs=1e-6)
    assert found[SMALLEST_EIGENVALUE].notna().sum() == 3
    (folder / CHECKPOINT).unlink()
    pd.testing.assert_frame_equal(figure_table([point], tmp_path), found)
    (folder / LAST_STATE).unlink()
    assert figure_table([point], tmp_path)[SMALLEST_EIGENVALUE].isna().all()


def test_a_point_computed_anew_forgets_what_was_found(tmp_path: Path) -> None:
    point = KINDS["sampled"]
    folder = run(point, tmp_path)
    figure_table([point], tmp_path)
    assert (folder / LAST_STATE).exists()
    (folder / "done.json").unlink()
    run(point, tmp_path)
    assert not (folder / LAST_STATE).exists()


def test_large_systems_have_none(tmp_path: Path) -> None:
    point = COUPLED.change(lattice="ring", n_sites=11, iterations=1, **DRAWN)
    run(point, tmp_path)
    assert figure_table([point], tmp_path)[SMALLEST_EIGENVALUE].isna().all()
