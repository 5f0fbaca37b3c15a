"""The supplement's losses and the unmasked sampler in a run of their own, and their tables."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
import torch

from repro.config.listed import Listed
from repro.config.objective import InterpolatedLoss
from repro.methods import losses
from repro.methods.variational import VariationalModule
from repro.reporting import assemble
from repro.running.folders import point_folder
from repro.utils.result_table import read_table
from tests.helpers.points import COUPLED, STEPS, run

EVOLVED = COUPLED.change(method="dynamics", **STEPS)


@pytest.mark.parametrize(("t", "expected"), [(0.0, 0.2), (0.1, 0.4), (0.4, 1.0), (0.9, 1.0)])
def test_interpolation_grows_linearly_to_the_dynamics(t: float, expected: float) -> None:
    assert InterpolatedLoss(mixing=0.2, mixing_time=0.4).mixing_at(t) == pytest.approx(expected)


def test_the_interpolated_run_optimises_the_interpolated_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []
    original = losses.interpolated

    def spy(evaluation: object, tau: float, mixing: float) -> losses.LossAndStats:
        seen.append(mixing)
        return original(evaluation, tau, mixing)  # type: ignore[arg-type]

    monkeypatch.setattr(losses, "interpolated", spy)
    run(EVOLVED.change(objective="interpolated", mixing=0.0, mixing_time=0.2), tmp_path)
    assert seen == pytest.approx([mixing for mixing in (0.0, 0.5, 1.0, 1.0) for _ in range(5)])


def test_at_mixing_one_the_sign_augmented_search_is_the_plain_one(tmp_path: Path) -> None:
    plain = VariationalModule(COUPLED.point)
    for mixing, same in ((1.0, True), (0.5, False)):
        sign = VariationalModule(COUPLED.change(objective="sign", mixing=mixing).point)
        expected, _ = plain.loss(torch.Generator().manual_seed(1))
        found, stats = sign.loss(torch.Generator().manual_seed(1))
        assert (abs(found.item() - expected.item()) < 1e-9) == same
        assert stats["residual"].item() == pytest.approx(expected.item())


def test_an_unmasked_run_reports_samples_and_scores(tmp_path: Path) -> None:
    point = COUPLED.change(layers=2, n_samples=200, iterations=20, sampling="unmasked")
    run(point, tmp_path)
    history = pd.read_csv(point_folder(tmp_path, point) / "history.csv")
    last = history.iloc[-1]
    assert last["sigma_z_error"] > 0 and last["scored_sigma_z_error"] == 0
    table = assemble.write_figure("ledger", [point], [point.point], tmp_path, tmp_path / "out")
    assert {"sigma_z", "scored_sigma_z"} <= set(table["observable"])
    exact = table.set_index("observable")["exact"]
    assert exact["sigma_z"] == exact["scored_sigma_z"]


def test_short_evolutions_have_no_steady_row_and_losses_go_with_the_table(tmp_path: Path) -> None:
    search = COUPLED.change(panel="a", iterations=40)
    points: list[Listed] = [search, EVOLVED.change(panel="b")]
    for point in points:
        run(point, tmp_path)
    assemble.write_figure("figS2", points, [], tmp_path, tmp_path / "out", losses=True)
    table = read_table(tmp_path / "out" / "table.csv")
    assert not (table[table["panel"] == "b"]["t"] == math.inf).any()
    assert (table[table["panel"] == "a"]["t"] == math.inf).all()
    kept = pd.read_csv(tmp_path / "out" / "losses.csv")
    assert list(kept["iteration"]) == list(range(1, 41))
    assert set(kept["point"]) == {search.label}


def test_a_figure_of_no_points_has_empty_tables(tmp_path: Path) -> None:
    table = assemble.write_figure("fig1", [], [], tmp_path, tmp_path / "out")
    assert table.empty and read_table(tmp_path / "out" / "table.csv").empty
