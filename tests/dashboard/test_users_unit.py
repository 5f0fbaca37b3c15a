"""A user's problem on the page of this machine: times and rates in the user's own unit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import repro
from repro.dashboard.curves import COLUMNS
from repro.dashboard.feed import ALL, Feed
from repro.physics.lindblad import SIGMA_MINUS

UNIT = 250.0


def column(curve: dict, name: str) -> np.ndarray:
    return np.array([row[COLUMNS.index(name)] for row in curve["rows"]], dtype=float)


def speed_of_decay(z: float) -> float:
    """|dp/dt|_1 of two spins with <sigma_z> = z that decay at the rate UNIT, measured along the paper's tetrahedron."""
    along = np.array([1, -1 / 3, -1 / 3, -1 / 3])
    p, change = (1 + z * along) / 4, -UNIT * (1 + z) * along / 4
    return float(np.abs(np.multiply.outer(change, p) + np.multiply.outer(p, change)).sum())


def test_times_and_rates_are_in_the_users_unit(tmp_path: Path) -> None:
    pair = repro.chain(2)
    problem = repro.Problem(repro.LindbladModel(pair, jumps=[(site, SIGMA_MINUS, UNIT) for site in pair.sites]), "up")
    solution = repro.solve(problem, t_end=1 / UNIT, runs=tmp_path, quiet=True, iterations=100, exact=False)
    curve = Feed(tmp_path).answer(figure=ALL)["curves"][solution.folders[0].name]
    t, z = column(curve, "at"), column(curve, "sigma_z")
    assert t == pytest.approx(solution.table["t"].unique(), rel=1e-6)
    assert t[-1] == pytest.approx(1 / UNIT)
    assert z == pytest.approx(2 * np.exp(-UNIT * t) - 1, abs=0.01)
    # one step of the network, whose residual is that of the state it starts from
    assert column(curve, "residual")[-1] == pytest.approx(speed_of_decay(1.0), rel=1e-5)
