"""Errors of values by trajectories where the spread of few says nothing, or the wrong thing."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import repro
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_PLUS, SIGMA_Z
from repro.solver import trajectory_values

ZZ = np.kron(SIGMA_Z, SIGMA_Z)


def rarely_decaying(initial: object, rate: float = 0.02) -> repro.Problem:
    """Three spins that decay alone, whatever ZZ does: <Z> = (1 + z) exp(-rate t) - 1."""
    graph = repro.graph([(0, 1), (1, 2)])
    model = repro.LindbladModel(
        graph, two_site=[(bond, ZZ) for bond in graph.bonds], jumps=[(k, SIGMA_MINUS, rate) for k in graph.sites]
    )
    return repro.Problem(model, initial, observables=["Z0", "Z1"])  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", [0.005, 0.02])
def test_what_has_not_happened_yet_is_in_the_error(
    rate: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of twenty trajectories jumps; the second spin never can."""
    monkeypatch.setattr(trajectory_values, "MOST", 20)
    reference = trajectory_values.values(rarely_decaying(["up", "down", "down"], rate), 1.0, tmp_path)
    first, second = np.split(reference.table[["t", "mean", "error"]].to_numpy(), 2)
    assert (first[:, 1] == 1).all(), "no trajectory jumps"
    off = np.abs(first[:, 1] - 2 * np.exp(-rate * first[:, 0]) + 1)
    assert (off <= first[:, 2] * (1 + 1e-6) + 1e-12).all()
    assert second[:, 1] == pytest.approx(-1) and (first[:, 2] <= 0.15).all()


def test_more_trajectories_are_added_until_it_happens(tmp_path: Path) -> None:
    table = trajectory_values.values(rarely_decaying(["up", "down", "down"]), 1.0, tmp_path).table
    mean, error = table.loc[(table["observable"] == "Z0") & (table["t"] == 1.0), ["mean", "error"]].to_numpy()[0]
    assert abs(mean - 2 * math.exp(-0.02) + 1) < 2 * error < 0.05


def test_where_nothing_can_happen_the_error_is_none(tmp_path: Path) -> None:
    reference = trajectory_values.values(rarely_decaying("down"), 1.0, tmp_path)
    assert reference.info["trajectories"] == 20 and reference.info["missing"] == []
    assert reference.table["mean"].to_numpy() == pytest.approx(-1) and reference.table["error"].max() < 1e-6
    model = repro.LindbladModel(repro.graph([], 2), jumps=[(k, SIGMA_MINUS, 1.0) for k in range(2)])
    steady = trajectory_values.values(repro.Problem(model, "down", observables=["Z*"]), math.inf, tmp_path)
    assert steady.table["error"].max() < 1e-6 and steady.info["trajectories"] == trajectory_values.LEAST_STEADY


def test_a_rare_draw_of_the_start_is_in_the_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One in five hundred begins up; nothing else happens."""
    monkeypatch.setattr(trajectory_values, "MOST", 20)
    model = repro.LindbladModel(repro.graph([(0, 1)]), two_site=[((0, 1), ZZ)], jumps=[(1, SIGMA_PLUS, 1.0)])
    problem = repro.Problem(model, [(0.0, 0.0, -0.996), (0.0, 0.0, 1.0)], observables=["Z0"])
    table = trajectory_values.values(problem, 1.0, tmp_path).table
    assert (np.abs(table["mean"] + 0.996) <= table["error"] * (1 + 1e-6) + 1e-12).all()
