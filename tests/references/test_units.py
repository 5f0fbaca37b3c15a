"""Exact curves in any unit of time: scaled models against each other, and closed forms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from repro.config.point import point_of
from repro.physics.lattice import ring
from repro.physics.lindblad import tfim
from repro.references import density_matrix, of_point
from repro.utils.errors import InputError
from repro.utils.names import PAULI_AVERAGES


@pytest.mark.parametrize("unit", [1e-4, 1e-2, 30.0, 1e4])
def test_a_point_has_the_same_exact_curve_in_any_unit_of_time(unit: float, tmp_path: Path) -> None:
    """All energies times s and all times over s. The spacing of the table follows the fastest of them."""
    couplings = {"Jx": 1.5, "Jy": 0.4, "Jz": 0.7, "B": 0.6, "gamma": 1.0}
    scaled = {name: value * unit for name, value in couplings.items()}
    settings = {"lattice": "ring", "n_sites": 3, "initial": "right", "method": "dynamics"}
    one = point_of(**settings, **couplings, t_end=1.0, tau=0.1)
    other = point_of(**settings, **scaled, t_end=1.0 / unit, tau=0.1 / unit)
    expected, found = of_point.evolution(one, tmp_path / "one"), of_point.evolution(other, tmp_path / "other")
    for t in (0.0, 0.37, 1.0):
        for name in PAULI_AVERAGES:
            assert float(found.at(t / unit, name)) == pytest.approx(float(expected.at(t, name)), abs=3e-6)


@pytest.mark.parametrize("gamma", [1e-4, 1e3])
def test_a_rate_far_from_the_couplings_is_resolved(gamma: float, tmp_path: Path) -> None:
    """Decay alone, with couplings that do nothing to spins up: <sigma_z> = 2 exp(-gamma t) - 1."""
    point = point_of(
        lattice="ring", n_sites=2, Jx=0.0, Jy=0.0, Jz=0.0, B=0.0, gamma=gamma, method="dynamics", t_end=2 / gamma,
        tau=0.1 / gamma,
    )  # fmt: skip
    curve = of_point.evolution(point, tmp_path)
    assert len(curve.table) < 1000
    for t in (0.013, 0.4, 1.9):
        assert float(curve.at(t / gamma, "sigma_z")) == pytest.approx(2 * np.exp(-t) - 1, abs=1e-6)


def test_a_curve_too_short_by_less_than_a_nanosecond_does_not_serve(tmp_path: Path) -> None:
    model = tfim(ring(2), V=2e10, g=1e10, gamma=1e10)
    density_matrix.dynamics(model, "up", 1e-10, (tmp_path,), dt=2e-12)
    longer = density_matrix.dynamics(model, "up", 4e-10, (tmp_path,), dt=2e-12)
    assert longer.t_end == pytest.approx(4e-10)
    with pytest.raises(InputError, match="covers"):
        longer.at(5e-10, "sigma_z")
