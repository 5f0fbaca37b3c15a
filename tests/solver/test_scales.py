"""The scale of an observable, and a constant in it, change nothing but the numbers' own scale."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.linalg

import repro
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, SIGMA_Z
from repro.physics.observable_parser import parse_observables
from repro.physics.rates import rates_of
from repro.references.limits import yet_to_go
from repro.solver import exact
from repro.solver.plan import STEADY, Request, points
from repro.solver.solution import short
from repro.solver.table import drift
from repro.solver.tail import tail
from repro.solver.which_state import which_state
from tests.helpers.solving import GIB, TINY

SCALES = (1e-20, 1e-12, 1e12)


@pytest.mark.parametrize("scale", SCALES)
def test_what_is_left_of_a_slow_decay(scale: float) -> None:
    """exp(-t / 50) at t = 40 has exp(-0.8) to go; rounding noise nothing."""
    t = np.arange(4) * 40 / 3
    decay = np.exp(-t / 50)[:, None]
    assert yet_to_go(scale * decay, np.array([scale])) == pytest.approx(scale * math.exp(-0.8), rel=0.01, abs=0)
    noise = 1e-16 * np.random.default_rng(1).normal(size=(4, 1000))
    assert (yet_to_go(scale * noise, np.full(1000, scale)) == 0).all()


@pytest.mark.parametrize("scale", SCALES)
def test_errors_of_ends(scale: float) -> None:
    """Of an evolution that still relaxes, and of a curve that fluctuates."""
    t = np.arange(0.0, 40.5, 0.5)
    one = pd.DataFrame({"t": t, "mean": np.exp(-t / 50)})
    other = one.assign(mean=scale * one["mean"])
    assert drift(other, scale) == pytest.approx(scale * drift(one, 1.0), rel=1e-6, abs=0)
    assert drift(one, 1.0) == pytest.approx(math.exp(-0.8), rel=0.01)
    noisy = pd.Series(0.5 + 0.1 * np.random.default_rng(2).normal(size=201), index=np.arange(201) * 0.2)
    assert tail(scale * noisy).error == pytest.approx(scale * tail(noisy).error, rel=1e-6, abs=0) != 0
    assert tail(scale * noisy).moved_error == pytest.approx(scale * tail(noisy).moved_error, rel=1e-6, abs=0)


def test_a_constant_is_no_part_of_how_far_an_observable_can_go() -> None:
    linear, shifted, constant, nothing = parse_observables(
        [
            {"a": [(2.0, "Z0"), (-1.0, "X1")]},
            {"b": [(1e4, "I"), (2.0, "Z0"), (-1.0, "X1")]},
            {"c": [(5.0, "I")]},
            "Z0 Z1",
        ],
        (),
        2,
    )
    assert (linear.spread, shifted.spread, constant.spread, nothing.spread) == (3.0, 3.0, 5.0, 1.0)
    assert (linear.bound, shifted.bound) == (3.0, 10003.0)


def slow(observables: list[object]) -> repro.Problem:
    """One spin that dephases fast and decays in 5000 units of time."""
    jumps = [(0, SIGMA_Z, 1.0), (0, SIGMA_MINUS, 2e-4)]
    return repro.Problem(repro.LindbladModel(repro.chain(1), jumps=jumps), observables=observables)


def test_a_steady_state_that_is_not_reached_is_told_at_every_scale(tmp_path: Path) -> None:
    """Thirty iterations follow the slow decay so badly that it seems at rest: then the model tells."""
    asked = [{"one": [(1.0, "Z0")]}, {"small": [(1e-20, "Z0")]}, {"shifted": [(1e4, "I"), (1.0, "Z0")]}]
    one, small, shifted = (
        repro.solve(slow([each]), steady=True, exact=False, runs=tmp_path, **{**TINY, "iterations": 30})
        for each in asked
    )
    for found in (one, small, shifted):
        assert any("short beside 1/0.0002 of the slowest jump" in note for note in found.notes)
    error = float(one.table["error"].iloc[0])
    assert float(small.table["error"].iloc[0]) == pytest.approx(1e-20 * error, rel=1e-6, abs=0)
    assert float(shifted.table["error"].iloc[0]) == pytest.approx(error, rel=0.5)
    assert "-21" in small.summary()


def decaying(*jumps: tuple[int, np.ndarray, float]) -> list[str]:
    """Notes of two sites whose steady state an evolution to t = 10 / 2 is for, in a unit of time of 1/2."""
    problem = repro.Problem(repro.LindbladModel(repro.chain(2), jumps=jumps), observables=["Z"])
    natural = problem.in_natural_units()
    listed = points(natural, Request(steady=True), GIB, "cpu")[STEADY]
    return which_state(natural, listed, problem.unit)


def test_which_state_that_faster_ones_do_not_need() -> None:
    """Weak dephasing beside decay on both sites is no matter; slow decay on one of them is."""
    decay = [(k, SIGMA_MINUS, 2.0) for k in range(2)]
    assert decaying(*decay) == decaying(*decay, (0, SIGMA_Z, 0.001)) == []
    assert decaying(decay[0], (1, SIGMA_MINUS, 1.0)) == []
    (note,) = decaying(decay[0], (1, SIGMA_MINUS, 0.02))
    assert note.startswith("t = 5 is short beside 1/0.02")


@pytest.mark.parametrize("scale", SCALES)
def test_rates(scale: float) -> None:
    """d<Z>/dt = -g (1 + <Z>) of one spin that decays, times any scale."""
    model = repro.LindbladModel(repro.chain(1), jumps=[(0, SIGMA_MINUS, 0.3)])
    (rate,) = rates_of(parse_observables([{"E": [(scale, "Z0")]}], (), 1), model)
    assert rate.value({(): 1.0, ((0, "Z"),): 0.4}) == pytest.approx(-scale * 0.3 * 1.4, rel=1e-6, abs=0)


@pytest.mark.parametrize("t_end", [10.0, 300.0])
def test_exact_values_of_a_long_evolution(t_end: float, tmp_path: Path) -> None:
    """Beside the exponential of the superoperator of one spin that turns and hardly decays."""
    model = repro.LindbladModel(repro.chain(1), one_site=[(0, SIGMA_X)], jumps=[(0, SIGMA_MINUS, 1e-5)])
    loss = SIGMA_MINUS.conj().T @ SIGMA_MINUS
    one = np.eye(2)
    L = -1j * (np.kron(SIGMA_X, one) - np.kron(one, SIGMA_X.T))
    L = L + 1e-5 * (np.kron(SIGMA_MINUS, SIGMA_MINUS.conj()) - (np.kron(loss, one) + np.kron(one, loss.T)) / 2)
    times = np.linspace(0, t_end, 31)
    rho = [scipy.linalg.expm(L * t) @ [1, 0, 0, 0] for t in times]
    expected = [float((each[0] - each[3]).real) for each in rho]
    found = exact.evolution(repro.Problem(model, observables=["Z0"]), times.tolist(), tmp_path)["Z0"]
    assert np.abs(found - expected).max() < 1e-6


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.0, "0.0000"), (-0.98404, "-0.9840"), (1.7e-21, "1.7e-21"), (0.00034, "3.4e-04"), (10000.846, "10000.8460")],
)
def test_numbers_that_four_decimals_would_not_show(number: float, text: str) -> None:
    assert short(number) == text
    assert short(math.nan) == "nan"
