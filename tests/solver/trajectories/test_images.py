"""Symmetries of a problem, counted by hand, and averages over them beside QuTiP."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import repro
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, SIGMA_Y, SIGMA_Z, LindbladModel, heisenberg
from repro.solver import exact
from repro.solver.trajectories import values as trajectory_values
from repro.solver.trajectories.images import images, symmetries_of


def uniform(lattice: repro.Lattice, exchange: np.ndarray, field: dict[int, float] | None = None) -> LindbladModel:
    given = field or {}
    return LindbladModel(
        lattice,
        one_site=[(k, (0.3 + given.get(k, 0.0)) * SIGMA_X) for k in lattice.sites],
        two_site=[(bond, exchange) for bond in lattice.bonds],
        jumps=[(k, SIGMA_MINUS, 1.0) for k in lattice.sites],
    )


ZZ = np.kron(SIGMA_Z, SIGMA_Z)


@pytest.mark.parametrize(
    ("problem", "count"),
    [
        (repro.Problem(uniform(repro.ring(5), ZZ)), 10),
        (repro.Problem(uniform(repro.rectangle(3, 3), ZZ)), 72),
        (repro.Problem(uniform(repro.ring(5), ZZ, field={0: 0.1})), 2),
        (repro.Problem(uniform(repro.ring(6), ZZ), initial=["up", "down"] * 3), 6),
        (repro.Problem(uniform(repro.chain(5), ZZ)), 1),
    ],
)
def test_the_symmetries_of_a_problem(problem: repro.Problem, count: int) -> None:
    found = symmetries_of(problem)
    assert len(found) == len(set(found)) == count
    assert found[0] == tuple(range(problem.n_sites))


def test_a_term_with_a_direction_has_no_reflections() -> None:
    lattice = repro.ring(5)
    along = [((k, (k + 1) % 5), np.kron(SIGMA_X, SIGMA_Y)) for k in lattice.sites]
    model = LindbladModel(lattice, two_site=along, jumps=[(k, SIGMA_MINUS, 1.0) for k in lattice.sites])
    assert len(symmetries_of(repro.Problem(model))) == 5


def test_jump_operators_and_rates_count() -> None:
    lattice = repro.ring(4)
    jumps = [(k, SIGMA_MINUS, 1.0 + (k == 0)) for k in lattice.sites]
    assert len(symmetries_of(repro.Problem(LindbladModel(lattice, jumps=jumps)))) == 2
    split = [(k, SIGMA_MINUS, 0.5) for k in (*lattice.sites, *lattice.sites)]
    assert len(symmetries_of(repro.Problem(LindbladModel(lattice, jumps=split)))) == 8


def test_images_of_a_string() -> None:
    ring = symmetries_of(repro.Problem(uniform(repro.ring(4), ZZ)))
    assert images(((0, "Z"), (1, "Z")), ring) == [
        ((0, "Z"), (1, "Z")),
        ((0, "Z"), (3, "Z")),
        ((1, "Z"), (2, "Z")),
        ((2, "Z"), (3, "Z")),
    ]
    assert len(images(((0, "X"), (1, "Y")), ring)) == 8


def test_averages_over_images_are_qutips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trajectory_values, "MOST", 60)
    monkeypatch.setattr(trajectory_values, "TARGET", 1e-6)
    model = heisenberg(repro.rectangle(2, 3), (0.9, 1.4, 1.0)).in_units_of(1.4)
    problem = repro.Problem(model, observables=["Z0", "Z5", "X0 X1", "Y4 Y3"], correlators=[("Z0", "Z2")])
    found = trajectory_values.values(problem, 1.0, tmp_path).table
    known = exact.evolution(problem, list(found["t"].unique()), tmp_path)
    of = dict(iter(found.groupby("observable", sort=False)))
    for name, rows in of.items():
        error = np.maximum(rows["error"].to_numpy(), 1e-4)
        assert (np.abs(rows["mean"].to_numpy() - known[str(name)]) / error).max() < 4.5, name
    assert (of["Z0"]["mean"].to_numpy() == of["Z5"]["mean"].to_numpy()).all()
