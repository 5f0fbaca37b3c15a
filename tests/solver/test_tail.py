"""Steady states from curves that fluctuate: autoregressive noise of known error, relaxations, a ring beside QuTiP."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter

import repro
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, SIGMA_Z
from repro.solver import solve
from repro.solver.plan import STEADY, Request, points
from repro.solver.table import steady_rows
from repro.solver.tail import STILL_MOVING, tail, together
from tests.helpers.solving import GIB, TINY, pair

STEP, LASTS = 0.08, 0.6
"""Of the curves: time between values, time that noise lasts."""


def autoregressive(seed: int, t_end: float = 10.0, size: float = 1.0) -> pd.Series:
    """x_k = phi x_(k-1) + sqrt(1 - phi^2) e_k about zero, e of variance one, times a size."""
    n, phi = round(t_end / STEP) + 1, math.exp(-STEP / LASTS)
    e = np.random.default_rng(seed).normal(size=n + 200) * math.sqrt(1 - phi**2)
    return pd.Series(size * lfilter([1], [1, -phi], e)[200:], index=np.arange(n) * STEP)


def known_error() -> float:
    """Standard deviation of the mean of k such values: sqrt(1/k + 2/k^2 sum_j (k - j) phi^j)."""
    k, phi = round(STILL_MOVING / STEP), math.exp(-STEP / LASTS)
    return math.sqrt(1 / k + 2 / k**2 * sum((k - j) * phi**j for j in range(1, k)))


CURVES = [autoregressive(seed) for seed in range(400)]


def test_the_error_of_correlated_noise() -> None:
    tails = [tail(curve) for curve in CURVES]
    mean, error, moved = np.array([(each.mean, each.error, each.moved) for each in tails]).T
    assert mean.std() == pytest.approx(known_error(), rel=0.1)
    assert 0.8 < np.median(error) / known_error() < 2
    assert 0.82 < np.mean(abs(mean) < 2 * error) < 0.97
    assert np.mean(abs(mean) < 2 * np.hypot(error, moved)) > 0.95


def test_the_error_of_noise_that_nothing_correlates() -> None:
    draw = np.random.default_rng(3)
    t = np.arange(126) * STEP
    errors = [tail(pd.Series(draw.normal(size=126), index=t)).error for _ in range(400)]
    assert np.median(errors) == pytest.approx(1 / math.sqrt(STILL_MOVING / STEP), rel=0.25)


@pytest.mark.parametrize("observables", [1, 3, 10])
def test_noise_alone_hardly_ever_moves(observables: int) -> None:
    moving = [tail(curve).moving(observables) > 0 for curve in CURVES]
    among = np.reshape(moving[: len(moving) // observables * observables], (-1, observables)).any(1)
    assert among.mean() < 0.15


def test_several_runs_are_known_better() -> None:
    four = together([tail(curve) for curve in CURVES[:4]])
    assert four.mean == pytest.approx(np.mean([curve.loc[7.51:].mean() for curve in CURVES[:4]]))
    each = [tail(curve) for curve in CURVES[:4]]
    assert four.error == pytest.approx(math.sqrt(sum(one.error**2 for one in each)) / 4)
    assert four.moved_error == pytest.approx(math.sqrt(sum(one.moved_error**2 for one in each)) / 4)


@pytest.mark.parametrize("rate", [0.1, 0.4, 0.8])
def test_a_relaxation_moves(rate: float) -> None:
    t = np.arange(126) * STEP
    curve = pd.Series(1 - np.exp(-rate * (t - 10)), index=t)
    found = tail(curve)
    before, last = (1 - np.exp(-rate * (t[(t > lo + 1e-9) & (t < hi + 1e-9)] - 10)).mean() for lo, hi in WINDOWS)
    assert (found.mean, found.moved) == (pytest.approx(last), pytest.approx(last - before))
    assert found.moving(3) >= found.moved
    if rate == 0.1:  # slow: what the last window has yet to go to the limit, 1
        assert found.moving(3) == pytest.approx(1 - last, rel=0.05)


WINDOWS = ((5.0, 7.5), (7.5, 10.0))


def of_runs(curves: dict[tuple[int, bool], pd.Series], observable: str = "Z") -> pd.DataFrame:
    """As `runs_of` gives them."""
    parts = [
        pd.DataFrame({"t": curve.index, "mean": curve.to_numpy(), "error": 0.01, "seed": seed, "control": control})
        for (seed, control), curve in curves.items()
    ]
    return pd.concat(parts, ignore_index=True).assign(observable=observable)


def test_the_table_has_the_mean_over_the_end() -> None:
    problem, curve = pair(observables="Z"), 0.3 + 0.01 * CURVES[0]
    (row,) = steady_rows(problem, of_runs({(0, False): curve}), None, fluctuates=True)
    assert row["t"] == math.inf and row["mean"] == pytest.approx(curve.loc[7.51:].mean())
    found = tail(curve)
    assert row["error"] == pytest.approx(math.hypot(found.error, found.moved))
    (last,) = steady_rows(problem, of_runs({(0, False): curve}), None)
    assert last["mean"] == curve.iloc[-1]


def test_seeds_and_a_control_add_their_scatter() -> None:
    """Windows that do not fluctuate: Student's interval of two seeds, the control's distance, both by hand."""
    flat = CURVES[0] * 0
    runs = of_runs({(0, False): flat + 0.30, (1, False): flat + 0.32, (0, True): flat + 0.36})
    (row,) = steady_rows(pair(observables="Z"), runs, None, fluctuates=True)
    interval = 12.7062 * (0.02 / math.sqrt(2)) / math.sqrt(2)
    assert row["mean"] == pytest.approx(0.31)
    assert row["error"] == pytest.approx(math.hypot(interval, 0.05), rel=1e-4)


@pytest.mark.parametrize(("rate", "ends"), [(None, 10.0), (0.05, 40.0), (0.4, 20.0)], ids=str)
def test_only_what_moves_goes_on(rate: float | None, ends: float, monkeypatch: pytest.MonkeyPatch) -> None:
    def curve(t_end: float, name: str) -> pd.Series:
        noise = autoregressive(ord(name), t_end, 0.004)
        return noise if rate is None or name != "Y" else noise + 2 * np.exp(-rate * noise.index)

    def histories(problem: Any, listed: Any, runs: Any) -> pd.DataFrame:
        t_end = listed[0].settings["t_end"]
        return pd.concat([of_runs({(0, False): curve(t_end, name)}, name) for name in "XYZ"])

    problem = pair()
    went_on: list[Any] = []
    notes: list[str] = []
    first = points(problem, Request(steady=True, method="tdvp", estimator="sampled"), GIB, "cpu")[STEADY]
    machine = SimpleNamespace(settings=SimpleNamespace(runs=None), compute=went_on.append)
    monkeypatch.setattr(solve, "runs_of", histories)
    last = solve._settled(problem, first, machine, notes, 1.0)  # type: ignore[arg-type]
    assert last[0].settings["t_end"] == ends
    assert len(went_on) == round(math.log2(ends / 10))
    assert bool(notes) == (rate == 0.05)


def test_a_small_ring_beside_qutip(tmp_path: Path) -> None:
    lattice = repro.ring(4)
    model = repro.LindbladModel(
        lattice,
        one_site=[(site, 0.8 * SIGMA_X) for site in lattice.sites],
        two_site=[(bond, 0.5 * np.kron(SIGMA_Z, SIGMA_Z)) for bond in lattice.bonds],
        jumps=[(site, SIGMA_MINUS, 1.0) for site in lattice.sites],
    )
    problem = repro.Problem(model, "down", "tetrahedral-cubic", ["X", "Y", "Z", "Z0 Z2"])
    settings = {**TINY, "width": 16, "feedforward": 16, "n_samples": 300, "step": 0.2}
    table = repro.solve(problem, steady=True, method="tdvp", estimator="sampled", runs=tmp_path, **settings).table
    assert len(table) == 4 and (table["error"] < 0.01).all()
    assert (table["deviation"].abs() < 3 * table["error"]).all(), table
