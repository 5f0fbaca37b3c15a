"""Steady states by a second route: the infinite chain against QuTiP and closed forms, and the shipped table."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from repro.config.point import point_of
from repro.physics import lattice, lindblad
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, LindbladModel
from repro.references import limits, qutip_solvers
from repro.reporting import second_route
from repro.utils.errors import InputError
from tests.helpers.paths import ROOT

SHIPPED = ROOT / "results" / "fig3_second_route.csv"
RARE = (0.3, 0.6)
"""Fields where spins rarely leave the ground state and twelve trajectories miss what is rare."""
APART = 0.002
"""Half the standard error that trajectories are computed to."""


def ring(n_sites: int, g: float) -> np.ndarray:
    """Exact steady state of Fig. 3's ring with fewer sites."""
    model = lindblad.tfim(lattice.ring(n_sites), 2.0, g)
    _, rho = limits.steady_state(model)
    return np.array([(P * rho).tr().real for P in qutip_solvers.site_averaged_paulis(n_sites).values()])


def test_the_shipped_columns_agree() -> None:
    table = pd.read_csv(SHIPPED)
    assert table["g"].nunique() == 23 and len(table) == 69
    apart = table["trajectories"] - table["chain"]
    combined = np.hypot(table["trajectories_error"], table["chain_error"])
    np.testing.assert_allclose(table["z"], apart / combined, rtol=2e-3, atol=2e-3)
    assert apart.abs().max() <= APART
    assert table["z"].abs().max() <= 4


@pytest.mark.parametrize("g", RARE)
def test_the_ring_of_eight_is_with_the_chain(g: float) -> None:
    table = pd.read_csv(SHIPPED)
    of_g, exact = table[table["g"] == g], ring(8, g)
    assert np.abs(of_g["chain"] - exact).max() <= 1e-5
    assert (np.abs(of_g["trajectories"] - exact) <= 4 * of_g["trajectories_error"]).all()


def test_the_errors_of_the_chain_cover_a_ring_of_nine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where correlations reach farthest; the error is measured on a ring of six."""
    monkeypatch.setattr(second_route, "RING", 6)
    means, errors = second_route.steady_state(lindblad.tfim(lattice.ring(16), 2.0, 1.6), (tmp_path,))
    off = np.abs(means - ring(9, 1.6))
    assert (off <= errors).all() and errors.max() < 0.01


def test_spins_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decay in a field along x: z = -1 / (1 + 2 g^2), y = -2 g z."""
    monkeypatch.setattr(second_route, "RING", 4)
    g, sites = 0.8, lattice.ring(12)
    model = LindbladModel(
        sites, [(k, g / 2 * SIGMA_X) for k in sites.sites], jumps=[(k, SIGMA_MINUS, 1.0) for k in sites.sites]
    )
    means, errors = second_route.steady_state(model, (tmp_path,))
    z = -1 / (1 + 2 * g**2)
    assert means == pytest.approx([0, -2 * g * z, z], abs=2e-5) and errors.max() < 1e-4


def test_a_table_of_a_ring_with_trajectories(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The chain's values made up: z follows from both errors."""
    monkeypatch.setattr(
        second_route, "steady_state", lambda model, stored: (np.array([0.2, 0.3, -0.2]), np.full(3, 0.003))
    )
    point = point_of(lattice="ring", n_sites=16, model="tfim", V=2.0, g=2.0, estimator="sampled", n_samples=10)
    said: list[str] = []
    table = second_route.second_route([point], tmp_path, said.append)
    assert [*table["observable"]] == ["sigma_x", "sigma_y", "sigma_z"] and (table["g"] == 2.0).all()
    first = table.iloc[0]
    expected = (first["trajectories"] - 0.2) / math.sqrt(first["trajectories_error"] ** 2 + 0.003**2)
    assert first["z"] == pytest.approx(expected, rel=1e-3) and len(said) == 1


def test_what_has_no_second_route_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = point_of(lattice="ring", n_sites=16, model="tfim", V=2.0, g=7.7, estimator="sampled", n_samples=10)
    with pytest.raises(InputError, match="no trajectories are stored"):
        second_route.second_route([unknown], tmp_path, print)
    with pytest.raises(InputError, match="expected a ring"):
        second_route.steady_state(lindblad.tfim(lattice.chain(12), 2.0, 1.0), (tmp_path,))
    monkeypatch.setattr(second_route, "LONGEST", 4.0)
    with pytest.raises(InputError, match="not at rest by t = 4"):
        second_route.steady_state(lindblad.tfim(lattice.ring(12), 2.0, 1.0), (tmp_path,))
