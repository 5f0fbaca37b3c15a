"""The competitor: settings, settledness, its table; and, where NetKet is installed, its operators and a small run."""

from __future__ import annotations

import json
import math
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from repro.cli import main
from repro.cli.rbm import rbm_table
from repro.physics import lattice, lindblad
from repro.references import density_matrix
from repro.references.qutip_solvers import lindblad_rhs, qutip_operators, site_averaged_paulis
from repro.references.rbm import _begin, _resume, conclude, run_rbm
from repro.references.rbm_netket import build_operators
from repro.references.rbm_point import EVERY, RbmPoint, point_folder
from repro.utils.errors import InputError
from repro.utils.result_table import tidy

needs_netket = pytest.mark.skipif(util.find_spec("netket") is None, reason="the extra `rbm` is not installed")


def history(slope: float = 0.0, drift: float = 0.0, n: int = 90) -> list[dict[str, float]]:
    rng = np.random.default_rng(0)
    part = np.linspace(0, 3, n)
    return [
        {
            "ldagl": 0.1 * math.exp(slope * p + 0.01 * rng.normal()),
            **{name: 0.3 + drift * p + 0.01 * rng.normal() for name in ("sigma_x", "sigma_y", "sigma_z")},
        }
        for p in part
    ]


def test_a_flat_history_has_settled_with_an_honest_error() -> None:
    found = conclude(history())
    assert found["settled"]
    assert found["ldagl"] == pytest.approx(0.1, rel=0.01)
    assert found["sigma_y"] == pytest.approx(0.3, abs=4 * found["sigma_y_error"])
    assert 0.01 / math.sqrt(30) / 3 < found["sigma_y_error"] < 3 * 0.01 / math.sqrt(30)


def test_only_the_last_third_counts() -> None:
    rows = history()
    for row in rows[:60]:
        row["sigma_x"], row["ldagl"] = 5.0, 9.0
    assert conclude(rows)["ldagl"] == pytest.approx(0.1, rel=0.01)
    assert conclude(rows)["sigma_x"] == pytest.approx(0.3, abs=0.01)
    assert conclude(rows)["settled"]


@pytest.mark.parametrize("changes", [{"slope": -0.4}, {"drift": 0.1}])
def test_a_falling_cost_or_a_drifting_mean_has_not(changes: dict[str, float]) -> None:
    assert not conclude(history(**changes))["settled"]


def test_a_collapsed_state_is_flat_and_has_not_settled() -> None:
    rows = history()
    for row in rows[40:]:
        row["ldagl"], row["sigma_x"] = 24.75, 0.0
    found = conclude(rows)
    assert abs(found["ldagl_slope"]) < 1e-9 and not found["settled"]


@pytest.mark.parametrize(
    "changes", [{"n_sites": 1}, {"learning_rate": 0.0}, {"diag_shift": -1.0}, {"iterations": 5}, {"g": math.nan}]
)
def test_bad_settings_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="expected"):
        RbmPoint(**{"g": 1.0, **changes})


def finish(runs: Path, point: RbmPoint, ldagl: float | None = None) -> None:
    done = {"point": point.__dict__, **conclude(history()), "seconds": 9.0, "n_hidden": 3, "commit": "c", "device": "d"}
    done |= {} if ldagl is None else {"ldagl": ldagl}
    folder = point_folder(runs, point)
    folder.mkdir(parents=True)
    (folder / "done.json").write_text(json.dumps(done))


def test_the_table_is_tidy_and_sorted(tmp_path: Path) -> None:
    for g in (2.0, 0.5):
        finish(tmp_path, RbmPoint(g=g, n_sites=3))
    table, settled = rbm_table(tmp_path, RbmPoint(g=1.0, n_sites=3))
    frame = tidy(table)
    assert list(frame["g"]) == [0.5] * 3 + [2.0] * 3 and list(settled["g"]) == [0.5, 2.0]
    truth = density_matrix.steady_state(lindblad.tfim(lattice.ring(3), V=2.0, g=2.0), (tmp_path / "reference",))
    row = frame[(frame["g"] == 2.0) & (frame["observable"] == "sigma_y")].iloc[0]
    assert row["exact"] == pytest.approx(float(truth.at(math.inf, "sigma_y")), abs=1e-8)
    assert row["method"] == "rbm" and row["t"] == math.inf


@pytest.mark.parametrize("changes", [{"n_sites": 2}, {"alpha": 2.0}, {"V": 1.0}])
def test_another_ansatz_or_model_is_not_in_the_table(tmp_path: Path, changes: dict[str, Any]) -> None:
    base = {"g": 2.0, "n_sites": 3}
    finish(tmp_path, RbmPoint(**base, seed=1))  # type: ignore[arg-type]
    finish(tmp_path, RbmPoint(**{**base, **changes}))  # type: ignore[arg-type]
    table, settled = rbm_table(tmp_path, RbmPoint(**base))  # type: ignore[arg-type]
    assert list(table["seed"]) == [1] * 3 and list(settled["seed"]) == [1]


def test_of_several_searches_the_lowest_cost_counts(tmp_path: Path) -> None:
    base = {"g": 1.0, "n_sites": 3}
    finish(tmp_path, RbmPoint(**base), ldagl=0.4)  # type: ignore[arg-type]
    finish(tmp_path, RbmPoint(**base, iterations=1200), ldagl=0.5)  # type: ignore[arg-type]
    finish(tmp_path, RbmPoint(**base, start_g=1.4), ldagl=0.1)  # type: ignore[arg-type]
    table, settled = rbm_table(tmp_path, RbmPoint(g=2.0, n_sites=3))
    assert len(table) == 3 and settled["start_g"].tolist() == [1.4]


def test_a_longer_search_continues_the_shorter_and_another_field_lends_its_ansatz(tmp_path: Path) -> None:
    for g, iterations, ldagl in ((1.0, 800, 0.4), (1.0, 1000, 0.6), (1.4, 800, 0.2), (1.4, 1000, 0.3)):
        point = RbmPoint(g=g, n_sites=3, iterations=iterations)
        finish(tmp_path, point, ldagl)
        (point_folder(tmp_path, point) / "parameters.msgpack").write_bytes(f"{g} {iterations}".encode())
        (point_folder(tmp_path, point) / "history.csv").write_text(f"iteration,ldagl\n{iterations},{ldagl}\n")
    search: Any = Ansatz()
    assert _begin(search, RbmPoint(g=1.0, n_sites=3, iterations=1200), tmp_path)[0]["iteration"] == 1000
    assert search.loaded == b"1.0 1000"
    assert _begin(search, RbmPoint(g=1.0, n_sites=3, start_g=1.4), tmp_path) == [] and search.loaded == b"1.4 800"
    fresh: Any = Ansatz()
    assert _begin(fresh, RbmPoint(g=0.5, n_sites=3), tmp_path) == [] and fresh.loaded == b""
    with pytest.raises(InputError, match=r"start_g = 3\.0: no search"):
        _begin(fresh, RbmPoint(g=0.5, n_sites=3, start_g=3.0), tmp_path)


class Ansatz:
    """What resuming needs of a search: whether it has taken up parameters."""

    loaded = b""

    def load(self, data: bytes) -> None:
        self.loaded = data


@pytest.mark.parametrize("rows", [None, "", "iteration,ldagl\n10.0,0.5\n"])
def test_parameters_are_taken_up_with_their_history_or_not_at_all(tmp_path: Path, rows: str | None) -> None:
    (tmp_path / "parameters.msgpack").write_bytes(b"new")
    if rows is not None:
        (tmp_path / "history.csv").write_text(rows)
    search: Any = Ansatz()
    found = _resume(search, tmp_path)
    assert found == ([{"iteration": 10.0, "ldagl": 0.5}] if rows else [])
    assert search.loaded == (b"new" if rows else b"")


def test_without_netket_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setitem(__import__("sys").modules, "netket", None)
    assert main.main(["rbm", "--g", "1.0", "--n-sites", "3", "--runs", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "repro-povm[rbm]" in line


@needs_netket
@pytest.mark.parametrize("n_sites", [2, 3])
def test_operators_are_those_of_the_model(n_sites: int) -> None:
    import qutip

    liouvillian, averages = build_operators(n_sites, V=2.0, g=1.3)
    model, size = lindblad.tfim(lattice.ring(n_sites), V=2.0, g=1.3), 2**n_sites
    rng = np.random.default_rng(1)
    rho = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    expected = lindblad_rhs(*qutip_operators(model), qutip.Qobj(rho, dims=[[2] * n_sites] * 2)).full()
    np.testing.assert_allclose((liouvillian.to_dense() @ rho.reshape(-1)).reshape(size, size), expected, atol=1e-10)
    for name, operator in site_averaged_paulis(n_sites).items():
        np.testing.assert_allclose(averages[name].to_dense(), operator.full(), atol=1e-12)


@needs_netket
@pytest.mark.slow
def test_a_small_search_reaches_the_exact_steady_state_and_resumes(tmp_path: Path) -> None:
    point = RbmPoint(g=1.0, n_sites=2, iterations=30 * EVERY, alpha=2.0, beta=2.0)
    done = run_rbm(point, tmp_path)
    truth = density_matrix.steady_state(lindblad.tfim(lattice.ring(2), V=2.0, g=1.0), (tmp_path / "reference",))
    for name in ("sigma_x", "sigma_y", "sigma_z"):
        assert done[name] == pytest.approx(float(truth.at(math.inf, name)), abs=0.1)
    folder = point_folder(tmp_path, point)
    (folder / "done.json").unlink()
    lines = (folder / "history.csv").read_text().splitlines()
    (folder / "history.csv").write_text("\n".join(lines[:-1]) + "\n")
    said: list[str] = []
    run_rbm(point, tmp_path, said.append)
    assert len(said) == 1
