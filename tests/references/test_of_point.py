"""What points are compared with: density matrices, matrix products of long rings, nothing where nothing is stored."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from repro.config.point import Point, point_of
from repro.references import of_point
from repro.references.beyond import prepare_beyond
from repro.references.gates import curves
from repro.utils.names import PAULI_AVERAGES


def ring(n_sites: int, lattice: str = "ring", t_end: float = 0.2) -> Point:
    settings = {"Jx": 2.0, "Jy": 0.0, "Jz": 0.9, "B": 1.0, "initial": "left", "method": "dynamics", "tau": 0.05}
    sampled = {"estimator": "sampled", "n_samples": 10} if n_sites > 10 else {}
    return point_of(lattice=lattice, n_sites=n_sites, t_end=t_end, **settings, **sampled)


def test_a_long_ring_has_exact_values_with_errors_once_they_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_point.chain, "RING", 8)
    points, said = [ring(24), ring(30)], []
    assert of_point.exact_of(points[0], tmp_path) is None
    prepare_beyond(points, tmp_path, said.append)
    assert said and all("evolution of heisenberg" in line for line in said)
    files = len(list((tmp_path / "reference").glob("*.csv")))
    found = [of_point.exact_of(point, tmp_path) for point in points]
    eight = of_point.exact_of(ring(8), tmp_path)
    assert eight is not None and eight.error(0.1, "sigma_z") == 0
    for values in found:
        assert values is not None
        assert 0 < values.error(0.15, "sigma_z") < 1e-3
        assert values(0.15, "sigma_z") == pytest.approx(eight(0.15, "sigma_z"), abs=1e-4)
        assert math.isnan(values(math.inf, "sigma_z")) and math.isnan(values.error(math.inf, "sigma_z"))
    assert files == 2  # the infinite chain for both, and the ring of eight that its error is measured on
    assert len(of_point.stored(points, tmp_path)) == 1


def test_a_search_beyond_density_matrices_has_a_stored_steady_state_and_no_evolution(tmp_path: Path) -> None:
    """Fig. 3: a variational point has no end time."""
    point = point_of(lattice="ring", n_sites=16, model="tfim", V=2.0, g=1.6, estimator="sampled", n_samples=10)
    found = of_point.stored([point], tmp_path)
    assert [reference.info["kind"] for reference in found.values()] == ["steady state by trajectories"]


FAST: dict[str, Any] = {"lattice": "ring", "Jx": 20.0, "Jy": 0.0, "Jz": 10.0, "B": 10.0, "initial": "left"}
"""Figs. S3 and S4."""


@pytest.mark.parametrize(("n_sites", "tau", "t_end"), [(20, 0.0075, 4.0), (40, 0.0075, 4.0), (40, 0.0005, 0.2)])
def test_the_shipped_chain_at_ten_times_the_energy_is_the_ring_of_ten_to_its_end(
    n_sites: int, tau: float, t_end: float, tmp_path: Path
) -> None:
    """Known to t = 0.064, where a part of it is shipped; the ring of ten is QuTiP's."""
    drawn = {"method": "dynamics", "estimator": "sampled", "n_samples": 10}
    found = of_point.exact_of(point_of(**FAST, n_sites=n_sites, tau=tau, t_end=t_end, **drawn), tmp_path)
    assert found is not None and found.curve is not None and found.curve.t_end == pytest.approx(0.064)
    ten = of_point.exact_of(point_of(**FAST, n_sites=10, method="dynamics", tau=0.0005, t_end=0.2), tmp_path)
    assert ten is not None
    for t in (0.0, 0.015, 0.06):
        assert found(t, "sigma_z") == pytest.approx(ten(t, "sigma_z"), abs=found.error(t, "sigma_z") + 1e-6)
        assert found.error(t, "sigma_z") <= 0.01
    assert math.isnan(found(0.075, "sigma_z"))


def test_shipped_trajectories_of_a_ring_are_its_matrix_products_as_far_as_these_go(tmp_path: Path) -> None:
    """The ring of twenty of Fig. S3: two methods that share nothing, each with its error."""
    point = point_of(**FAST, n_sites=20, method="dynamics", tau=0.0005, t_end=0.2, estimator="sampled", n_samples=10)
    found = of_point.exact_of(point, tmp_path)
    assert found is not None and found.curve is not None and found.curve.info["kind"] == curves.CURVE
    part = of_point.chain.stored(point.lindblad_model, "left", 0.2)
    assert part is not None and part.t_end == pytest.approx(0.064)
    for name in PAULI_AVERAGES:
        for t in np.linspace(0, 0.064, 9):
            allowed = 3 * math.hypot(found.error(t, name), part.error(name, t))
            assert found(t, name) == pytest.approx(float(part.at(t, name)), abs=allowed)
        assert found.error(0.2, name) <= 0.005 and math.isfinite(found(0.2, name))


def test_what_misses_its_error_is_said_and_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On thirty sites, more than trajectories reach."""
    monkeypatch.setattr(of_point.chain, "BOND_DIMENSIONS", (4, 6))
    said: list[str] = []
    point = ring(30, "chain", 1.0)
    prepare_beyond([point], tmp_path, said.append)
    assert re.search(r"exact values to t = 0\.\d+ of 1: later ones miss the target", said[-1])
    found = of_point.exact_of(point, tmp_path)
    assert found is not None and math.isfinite(found(0.05, "sigma_z")) and found.error(0.05, "sigma_z") <= 0.01
    assert math.isnan(found(1.0, "sigma_z")) and math.isnan(found.error(1.0, "sigma_z"))


def test_what_never_meets_its_error_is_said_and_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_point.chain, "BOND_DIMENSIONS", (2, 3))
    said: list[str] = []
    prepare_beyond([ring(30, "chain", 1.0)], tmp_path, said.append)
    assert "no exact values: matrix products: error" in said[-1]
    assert of_point.exact_of(ring(30, "chain", 1.0), tmp_path) is None


@pytest.mark.parametrize(("point", "t"), [(ring(3), 0.13), (point_of(lattice="ring", n_sites=3), math.inf)])
def test_what_is_only_looked_up_is_not_computed(point: Point, t: float, tmp_path: Path) -> None:
    """A page that shows runs neither computes nor locks nor writes."""
    assert of_point.exact_of(point, tmp_path, compute=False) is None
    assert not list(tmp_path.iterdir())
    known = of_point.exact_of(point, tmp_path)
    found = of_point.exact_of(point, tmp_path, compute=False)
    assert known is not None and found is not None
    assert found(t, "sigma_z") == known(t, "sigma_z")
