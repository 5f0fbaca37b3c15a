"""Errors of values by trajectories where the spread of few says nothing, or the wrong thing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import repro
from repro.physics import lindblad
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_PLUS, SIGMA_X, SIGMA_Y, SIGMA_Z
from repro.solver import exact
from repro.solver.trajectories import values as trajectory_values
from repro.solver.trajectories.by_qutip import QutipTrajectories
from repro.solver.trajectories.times import LENGTH, times_of
from repro.utils.errors import InputError
from tests.references.test_limits import superoperator

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
    t, mean, error = table.loc[table["observable"] == "Z0", ["t", "mean", "error"]].to_numpy()[-1]
    assert abs(mean - 2 * math.exp(-0.02 * t) + 1) < 2 * error < 0.05


def test_where_nothing_can_happen_the_error_is_none(tmp_path: Path) -> None:
    reference = trajectory_values.values(rarely_decaying("down"), 1.0, tmp_path)
    assert reference.info["trajectories"] == 20 and reference.info["missing"] == []
    assert reference.table["mean"].to_numpy() == pytest.approx(-1) and reference.table["error"].max() < 1e-6
    model = repro.LindbladModel(repro.graph([], 2), jumps=[(k, SIGMA_MINUS, 1.0) for k in range(2)])
    steady = trajectory_values.values(repro.Problem(model, "down", observables=["Z*"]), math.inf, tmp_path)
    assert steady.table["error"].max() < 1e-6 and steady.info["trajectories"] == trajectory_values.LEAST_STEADY


def test_a_jump_and_its_mirror_image_are_two() -> None:
    """The first happens at once, the second never: (0, 1) empties site 0 where site 1 is up, (1, 0) the other way."""
    hop = np.kron(SIGMA_MINUS, (np.eye(2) + SIGMA_Z) / 2)
    model = repro.LindbladModel(repro.chain(2), jumps=[((0, 1), hop, 1.0), ((1, 0), hop, 1.0), ((0, 1), hop, 1.0)])
    trajectories = QutipTrajectories(repro.Problem(model, ["up", "up"], observables=["Z0"]).in_natural_units(), 1.0)
    assert trajectories.events.by_group([1, 10, 100]) == [101, 10]


def test_a_rare_draw_of_the_start_is_in_the_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One in five hundred begins up; nothing else happens."""
    monkeypatch.setattr(trajectory_values, "MOST", 20)
    model = repro.LindbladModel(repro.graph([(0, 1)]), two_site=[((0, 1), ZZ)], jumps=[(1, SIGMA_PLUS, 1.0)])
    problem = repro.Problem(model, [(0.0, 0.0, -0.996), (0.0, 0.0, 1.0)], observables=["Z0"])
    table = trajectory_values.values(problem, 1.0, tmp_path).table
    assert (np.abs(table["mean"] + 0.996) <= table["error"] * (1 + 1e-6) + 1e-12).all()


def weakly_hopping() -> repro.Problem:
    """A spin that decays, and two that hop to it weakly, all in fields of their own: they empty very slowly."""
    star = repro.graph([(0, 1), (0, 2)])
    hop = 0.01 * (np.kron(SIGMA_X, SIGMA_X) + np.kron(SIGMA_Y, SIGMA_Y))
    fields = [(site, 0.5 * site * SIGMA_Z) for site in star.sites]
    model = repro.LindbladModel(star, fields, [(bond, hop) for bond in star.bonds], [(0, SIGMA_MINUS, 1.0)])
    return repro.Problem(model, ["down", "up", "up"], observables=["Z", "Z1"])


def weakly_turning() -> repro.Problem:
    """A field of 0.01 beside a dephasing rate of 1."""
    graph = repro.graph([(0, 1)])
    model = repro.LindbladModel(
        graph, [(k, 0.01 * SIGMA_X) for k in range(2)], jumps=[(k, SIGMA_Z, 1.0) for k in range(2)]
    )
    return repro.Problem(model, "up", observables=["Z", "Z1"])


@pytest.mark.parametrize(("slow", "rest"), [(weakly_hopping, -1.0), (weakly_turning, 0.0)])
def test_a_relaxation_slower_than_every_term_is_no_steady_state(slow: Any, rest: float, tmp_path: Path) -> None:
    """The slowest eigenvalue of the dense superoperator is far below the model's terms; values were the start's."""
    problem = slow()
    gap = np.sort(-np.linalg.eigvals(superoperator(problem.model)).real)[1]
    assert 0 < gap < problem.model.slowest / 10
    assert exact.steady_state(problem, tmp_path)["Z1"][0] == pytest.approx(rest, abs=1e-6)
    with pytest.raises(InputError, match="no telling how slowly"):
        trajectory_values.values(problem.in_natural_units(), math.inf, tmp_path)


def test_a_start_that_nothing_moves_is_a_steady_state(tmp_path: Path) -> None:
    """All down, where one spin alone decays."""
    problem = repro.Problem(weakly_hopping().model, "down", observables=["Z", "Z1"]).in_natural_units()
    table = trajectory_values.values(problem, math.inf, tmp_path).table
    assert table["mean"].to_numpy() == pytest.approx(-1) and table["error"].max() < 1e-6


def test_what_is_left_of_the_start_in_a_window_is_small(tmp_path: Path) -> None:
    """QuTiP's evolution averaged over it; a window from 8 to 16 was 0.007 off, four standard errors of trajectories."""
    model = lindblad.tfim(repro.rectangle(2, 3), 2.0, 2.0)
    problem = repro.Problem(model, "up", observables=["Z", "X"]).in_natural_units()
    times, burn_in = times_of(problem, math.inf)
    values, rest = exact.evolution(problem, list(times), tmp_path), exact.steady_state(problem, tmp_path)
    assert all(abs(values[name][times >= burn_in].mean() - rest[name][0]) < 0.002 for name in rest)


@pytest.mark.parametrize("rate", [0.01, 0.05])
def test_a_slow_end_of_a_window_is_in_the_error(rate: float) -> None:
    """Curves of 0.02 exp(-rate t), which would go to 0."""
    model = repro.LindbladModel(repro.graph([], 2), jumps=[(k, SIGMA_MINUS, 1.0) for k in range(2)])
    trajectories = QutipTrajectories(repro.Problem(model, observables=["Z0"]), math.inf)
    assert trajectories.times[-1] == pytest.approx(LENGTH)
    noise = np.random.default_rng(0).normal(0, 1e-6, (12, len(trajectories.times), 1))
    curves = 0.02 * np.exp(-rate * trajectories.times)[:, None] + noise
    shape = len(curves), len(trajectories.times)
    controls, awaited = np.zeros((*shape, len(trajectories.paulis))), np.zeros((*shape, 2))
    mean, error = trajectories.estimate(curves, controls, awaited)
    assert abs(mean[0, 0]) <= 1.05 * error[0, 0] and error[0, 0] < 0.04


def star(rate: float) -> repro.Problem:
    """Four leaves turn a centre at the sum of their terms, three ZZ each, of which one is the unit."""
    graph = repro.graph([(0, leaf) for leaf in range(1, 5)])
    jumps = [(site, SIGMA_MINUS, rate) for site in graph.sites]
    model = repro.LindbladModel(graph, two_site=[(bond, ZZ) for bond in graph.bonds for _ in range(3)], jumps=jumps)
    return repro.Problem(model, ["plus"] + ["up"] * 4, observables=["X0"])


def test_controls_of_a_site_with_many_neighbours_are_zero() -> None:
    """Without a jump, and with next to no decay, O(t) - O(0) is the integral; sums over wide steps were 1.8 off."""
    assert np.abs(QutipTrajectories(star(1e-5), 2.0).one(1)[1]).max() < 0.01


@pytest.mark.slow
def test_a_site_with_many_neighbours_in_closed_form() -> None:
    """A leaf that falls at a time s turns the centre the other way from then on."""
    rate, turns = 0.2, 6.0
    trajectories = QutipTrajectories(star(rate), 0.6)
    t = trajectories.times
    falls = rate * np.exp(-1j * turns * t) * np.expm1((2j * turns - rate) * t) / (2j * turns - rate)
    expected = np.exp(-rate * t / 2) * ((np.exp((1j * turns - rate) * t) + falls) ** 4).real
    parts = (np.array(each) for each in zip(*(trajectories.one(seed) for seed in range(1, 161)), strict=True))
    mean, error = trajectories.estimate(*parts)
    assert (np.abs(mean[1:, 0] - expected[1:]) < 4 * error[1:, 0]).all()
    assert (error[1:, 0] < 0.07).all()


def test_slow_jumps_beside_large_energies_come_when_they_should() -> None:
    """A spin with ten neighbours: the norm is exp(-rate t), and a trajectory jumps where it meets the number drawn."""
    rate, graph = 0.02, repro.graph([(0, k) for k in range(1, 11)])
    model = repro.LindbladModel(graph, two_site=[(bond, ZZ) for bond in graph.bonds], jumps=[(0, SIGMA_MINUS, rate)])
    problem = repro.Problem(model, ["up", *["down"] * 10], observables=["Z0"]).in_natural_units()
    trajectories = QutipTrajectories(problem, 1.0)
    expected = {
        seed: -math.log(np.random.default_rng(np.random.SeedSequence(seed)).random()) / rate for seed in range(400)
    }
    jumping = [seed for seed, t in expected.items() if t < 0.99]
    assert len(jumping) >= 5
    for seed in jumping:
        after = trajectories.times[trajectories.one(seed)[0][:, 0] < 0]
        assert len(after) and 0 <= after[0] - expected[seed] <= 2 * trajectories.times[1], seed
