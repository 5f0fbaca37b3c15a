"""References on disk: found again, never mistaken, recomputed where damaged; and those that are shipped."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest

from repro.physics.lattice import chain, rectangle, ring
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, SIGMA_Z, LindbladModel, heisenberg, tfim
from repro.references import cache, density_matrix, trajectory_evolution, trajectory_steady_state
from repro.references.cache import Reference
from repro.references.chain import KIND as MATRIX_PRODUCTS
from repro.references.gates import curves
from repro.utils.errors import InputError
from tests.helpers.exact_values import SHIPPED, averages, forbid_computing
from tests.helpers.systems import paper_heisenberg

FIG4_JY = [round(1 + step / 10, 1) for step in range(9)]
MODEL = tfim(ring(2), V=2.0, g=1.0)


def curve(folder: Path, t_end: float = 1.0, **options) -> Reference:
    return density_matrix.dynamics(MODEL, "up", t_end, [folder], **options)


def test_a_second_call_reads_the_disk(monkeypatch: pytest.MonkeyPatch, reference_folder: Path) -> None:
    first = curve(reference_folder, label="two spins"), density_matrix.steady_state(MODEL, [reference_folder])
    forbid_computing(monkeypatch)
    second = curve(reference_folder), density_matrix.steady_state(MODEL, [reference_folder])
    for before, after in zip(first, second, strict=True):
        assert before.table.equals(after.table)
        assert before.info == after.info
    assert second[0].info["label"] == "two spins"
    assert {"kind", "settings", "solver", "residual", "trace", "smallest_eigenvalue", "seconds", "created"} <= set(
        second[0].info
    )


def test_a_longer_curve_serves_a_shorter_one_but_not_the_reverse(reference_folder: Path) -> None:
    short = curve(reference_folder, 0.5)
    assert curve(reference_folder, 1.5).t_end == pytest.approx(1.5)
    again = curve(reference_folder, 0.5)
    assert again.t_end == pytest.approx(1.5)
    np.testing.assert_allclose(again.at(0.33, "sigma_z"), short.at(0.33, "sigma_z"), atol=1e-6)


def test_folders_are_searched_in_order_and_the_last_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shipped, own = tmp_path / "shipped", tmp_path / "own"
    density_matrix.dynamics(MODEL, "up", 1.0, [shipped, own])
    assert not shipped.exists()
    assert len(list(own.glob("*.csv"))) == 1
    forbid_computing(monkeypatch)
    density_matrix.dynamics(MODEL, "up", 1.0, [own, tmp_path / "never"])
    assert not (tmp_path / "never").exists()


def _cut(csv: Path, sidecar: Path) -> None:
    csv.write_bytes(csv.read_bytes()[:-20])


def _edit(csv: Path, sidecar: Path) -> None:
    csv.write_text(csv.read_text().replace("sigma_z,1", "sigma_z,0.9", 1))


def _lose_table(csv: Path, sidecar: Path) -> None:
    csv.unlink()


def _lose_sidecar(csv: Path, sidecar: Path) -> None:
    sidecar.unlink()


def _break_sidecar(csv: Path, sidecar: Path) -> None:
    sidecar.write_text("{")


def _other_json(csv: Path, sidecar: Path) -> None:
    sidecar.write_text("[1, 2]")


def _foreign(csv: Path, sidecar: Path) -> None:
    info = json.loads(sidecar.read_text())
    sidecar.write_text(json.dumps({**info, "key": "0" * 16}))


@pytest.mark.parametrize(
    "damage", [_cut, _edit, _lose_table, _lose_sidecar, _break_sidecar, _other_json, _foreign], ids=lambda f: f.__name__
)
def test_damaged_files_are_reported_once_and_computed_again(
    damage, reference_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = curve(reference_folder)
    csv, sidecar = reference_folder / f"{before.info['key']}.csv", reference_folder / f"{before.info['key']}.json"
    damage(csv, sidecar)
    with caplog.at_level(logging.WARNING):
        after = curve(reference_folder)
    assert after.table.equals(before.table)
    (line,) = [record.getMessage() for record in caplog.records if record.name.startswith("repro")]
    assert before.info["key"] in line
    assert "\n" not in line
    caplog.clear()
    curve(reference_folder)
    assert not caplog.records


def test_a_folder_that_cannot_be_written_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be written") as error:
        curve(tmp_path / "file" / "reference")
    assert "\n" not in str(error.value)


def test_the_key_knows_everything_that_matters(reference_folder: Path) -> None:
    zy = np.kron(SIGMA_Z, SIGMA_X)

    def model(scale=1.0, pair=(0, 1), site=0, rate=1.0, jump=SIGMA_MINUS, n=3) -> LindbladModel:
        return LindbladModel(chain(n), two_site=[(pair, scale * zy)], jumps=[(site, jump, rate)])

    models = [
        model(), model(scale=1.1), model(pair=(1, 0)), model(pair=(0, 2)), model(site=1), model(rate=0.9),
        model(jump=SIGMA_X), model(jump=SIGMA_MINUS.T), model(n=4),
    ]  # fmt: skip
    keys = [curve_key(m, "up") for m in models] + [curve_key(models[0], "down"), curve_key(models[0], "up", dt=0.01)]
    keys += [cache.key_of(cache.describe(models[0], "steady state"))]
    assert len(set(keys)) == len(keys)


def curve_key(model: LindbladModel, state: str, dt: float = 0.02) -> str:
    state_numbers = cache.numbers(density_matrix.product_state_density(state))
    return cache.key_of(cache.describe(model, "dynamics", initial_state=state_numbers, dt=dt))


def test_the_key_forgets_rounding_and_terms_that_vanish() -> None:
    lattice = rectangle(2, 2)
    same = [
        heisenberg(lattice, (0.9, 0.1 + 0.2, 1.0)),
        heisenberg(lattice, (0.9, 0.3, 1.0)),
        LindbladModel(
            lattice,
            two_site=[
                (term.sites, term.operator) for term in heisenberg(lattice, (0.9, 0.3, 1.0)).hamiltonian_terms[4:]
            ],
            jumps=[(site, SIGMA_MINUS, 1) for site in lattice.sites],
        ),
    ]
    assert len({curve_key(model, "up") for model in same}) == 1


# --- what is shipped --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "Jy"), [(2, 1.0), (2, 1.8), *((3, Jy) for Jy in FIG4_JY)])
def test_fig4_references_are_shipped(size: int, Jy: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    forbid_computing(monkeypatch)
    model = paper_heisenberg(size, Jy)
    steady = density_matrix.steady_state(model, [SHIPPED, tmp_path])
    evolution = density_matrix.dynamics(model, "up", 8.0, [SHIPPED, tmp_path])
    np.testing.assert_allclose(averages(evolution, 0.0), [0, 0, 1], atol=1e-9)
    assert averages(evolution, 8.0)[2] == pytest.approx(averages(steady)[2], abs=5e-3)
    assert steady.info["residual"] <= 1e-6


def test_everything_shipped_is_sound() -> None:
    keys = [path.stem for path in SHIPPED.glob("*.json")]
    assert {path.stem for path in SHIPPED.glob("*.csv")} == set(keys)
    assert keys
    for key in keys:
        reference = cache.load(SHIPPED, key)
        assert reference is not None
        if reference.info["kind"] in (trajectory_steady_state.KIND, trajectory_evolution.KIND):
            assert 0 <= reference.table["error"].max() <= 0.005
            assert reference.info["trajectories"] >= trajectory_steady_state.LEAST
        elif reference.info["kind"] in (curves.CURVE, curves.STEADY):
            assert curves.FLOOR <= reference.table["error"].max() <= reference.info["settings"]["target"]
            assert reference.info["trajectories"] >= curves.LEAST
        elif reference.info["kind"] == MATRIX_PRODUCTS:
            assert 0 <= reference.table["error"].max() <= reference.info["settings"]["target"]
            if cache.KNOWN_TO not in reference.info:  # of a part the trace is that of the whole evolution's end
                assert reference.info["trace"] == pytest.approx(1, abs=1e-3)
        else:
            assert reference.info["trace"] == pytest.approx(1, abs=1e-6)
            assert reference.info["smallest_eigenvalue"] > -1e-6
        assert reference.table["mean"].abs().max() <= 1 + 1e-9
