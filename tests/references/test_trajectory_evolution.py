"""Evolutions by quantum trajectories: against QuTiP's density matrix, kept as they finish, found again."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import repro
from repro.config.point import point_of
from repro.physics import lattice, lindblad
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_Z
from repro.references import beyond, density_matrix, trajectory_evolution
from repro.references.beyond import prepare_beyond
from repro.references.of_point import exact_of
from repro.utils.errors import InputError
from repro.utils.names import PAULI_AVERAGES

MODEL = lindblad.heisenberg(lattice.ring(4), (1.0, 0.4, 0.7), B=0.6)
T_END = 1.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reference")


def test_agrees_with_the_exact_evolution(folder: Path) -> None:
    found = trajectory_evolution.evolution(MODEL, "right", T_END, (folder,), target=0.02)
    truth = density_matrix.dynamics(MODEL, "right", T_END, (folder,))
    assert found.info["trajectories"] >= trajectory_evolution.LEAST
    for name in PAULI_AVERAGES:
        rows = found.table[found.table["observable"] == name]
        off = rows["mean"].to_numpy() - truth.at(rows["t"].to_numpy(), name)
        assert (rows["error"] <= 0.02).all()
        assert off[0] == pytest.approx(0, abs=1e-9)
        assert (np.abs(off) <= 4 * rows["error"]).all()
    # tighter than what the trajectories' own spread would give
    assert found.table["error"].max() < 0.5 * raw_error(found.info["trajectories"])


def raw_error(count: int) -> float:
    times = np.array([0.0, T_END])
    system = trajectory_evolution._System(MODEL, "right", times)
    ends = [system.trajectory(seed)[-1, :3] for seed in range(1, count + 1)]
    return float(np.std(ends, axis=0, ddof=1).max() / math.sqrt(count))


def test_is_found_again_without_computing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = trajectory_evolution.evolution(MODEL, "right", T_END, (folder,), target=0.02)
    monkeypatch.setattr(trajectory_evolution._System, "trajectory", lambda *_: pytest.fail("computed again"))
    shorter = trajectory_evolution.evolution(MODEL, "right", T_END / 2, (folder,))
    assert shorter.table.equals(first.table)
    assert trajectory_evolution.stored(MODEL, "right", 2 * T_END, (folder,)) is None
    assert trajectory_evolution.stored(MODEL, "left", T_END, (folder,)) is None
    assert not list(folder.glob("*.trajectories.json"))


def test_a_last_step_beyond_the_curve_has_no_exact_values(tmp_path: Path) -> None:
    """Of the shipped 4x4 lattice, known to t = 5: steps of 0.08 end at 5.04."""
    square = {"rows": 4, "cols": 4, "Jy": 1.0, "estimator": "sampled", "n_samples": 9, "method": "tdvp"}
    exact = exact_of(point_of(**square, tau=0.04, t_end=5.0), tmp_path)
    assert exact is not None and exact.curve is not None
    assert exact.along(np.array([4.96, 5.04]), "sigma_z") == pytest.approx([-0.953, math.nan], abs=0.005, nan_ok=True)
    assert 0 < exact.error(4.96, "sigma_z") < 0.005 and math.isnan(exact.error(5.04, "sigma_z"))
    longer = exact_of(point_of(**square, tau=0.04, t_end=6.0), tmp_path)
    assert longer is not None and longer.curve is None


def test_a_last_step_beyond_the_curve_is_not_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What points are compared with is there: 4x4 at J_y = 1.0 to t = 5, its steady state too."""
    monkeypatch.setattr(trajectory_evolution._System, "trajectory", lambda *_: pytest.fail("computed again"))
    monkeypatch.setattr(beyond, "installed", lambda: False)
    square = {"rows": 4, "cols": 4, "Jy": 1.0, "estimator": "sampled", "n_samples": 9, "method": "tdvp"}
    points = [point_of(**square, tau=tau, t_end=5.0) for tau in (0.04, 0.02)]
    prepare_beyond(points, tmp_path, lambda text: None)
    assert not list(tmp_path.iterdir())
    with pytest.raises(pytest.fail.Exception, match="computed again"):
        prepare_beyond([point_of(**square, tau=0.04, t_end=6.0)], tmp_path, lambda text: None)


@pytest.mark.parametrize("rate", [1e9, 1e-9])
def test_is_the_same_in_any_unit_of_time(folder: Path, tmp_path: Path, rate: float) -> None:
    """All energies times s and all times over s: the same table, from the same seeds."""
    scaled = lindblad.heisenberg(lattice.ring(4), (rate, 0.4 * rate, 0.7 * rate), B=0.6 * rate, gamma=rate)
    truth = density_matrix.dynamics(MODEL, "right", T_END, (folder,))
    found = trajectory_evolution.evolution(scaled, "right", T_END / rate, (tmp_path,), target=0.02)
    assert found.t_end == pytest.approx(T_END / rate)
    for name in PAULI_AVERAGES:
        rows = found.table[found.table["observable"] == name]
        exact = truth.at(rows["t"].to_numpy() * rate, name)
        assert (np.abs(rows["mean"].to_numpy() - exact) <= 4 * rows["error"]).all()
        assert np.ptp(exact) > 0.1 or name == "sigma_x"


def test_resolves_couplings_much_faster_than_the_decay() -> None:
    """Of ten times the energy a table has ten times the rows: the spline between them would lie."""
    fast = lindblad.heisenberg(lattice.ring(4), (20.0, 0.0, 10.0), B=10.0)
    *_, step = trajectory_evolution._in_its_unit(fast)
    assert step * fast.unit <= 0.1 + 1e-12


def test_resolves_the_sum_of_the_terms_on_a_site() -> None:
    """Six ZZ of 4 turn a centre at up to 48 gamma."""
    star = repro.graph([(0, leaf) for leaf in range(1, 7)])
    two_site = [(bond, 4 * np.kron(SIGMA_Z, SIGMA_Z)) for bond in star.bonds]
    *_, step = trajectory_evolution._in_its_unit(
        repro.LindbladModel(star, two_site=two_site, jumps=[(0, SIGMA_MINUS, 1.0)])
    )
    assert step * 24 <= 0.4


@pytest.mark.parametrize(
    ("sites", "t_end", "target"), [(17, 1.0, 0.01), (4, 0.0, 0.01), (4, 1.0, 0.0), (4, math.nan, 0.01)]
)
def test_bad_input(tmp_path: Path, sites: int, t_end: float, target: float) -> None:
    model = lindblad.tfim(lattice.ring(sites), 2.0, 1.0)
    with pytest.raises(InputError, match="expected"):
        trajectory_evolution.evolution(model, "up", t_end, (tmp_path,), target=target)
    assert not list(tmp_path.iterdir())
