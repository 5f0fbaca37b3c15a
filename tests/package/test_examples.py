"""The worked examples at small size: close to exact, and what must be conserved is."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers.paths import ROOT

EXAMPLES = ROOT / "examples"


@pytest.fixture(autouse=True)
def no_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")


def example(name: str) -> dict[str, Any]:
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))


def run_small(name: str, folder: Path) -> Any:
    answer = example(name)["main"](small=True, out=folder, runs=folder / "runs")
    assert (folder / f"{name}.png").stat().st_size > 5000
    return answer


def test_the_driven_chain_carries_the_same_current_everywhere(tmp_path: Path) -> None:
    solution = run_small("xxz_chain", tmp_path)
    assert solution.largest_deviation < 0.01
    currents = [float(solution.values(name)["mean"].iloc[-1]) for name in ("j0", "j1")]
    assert currents[0] == pytest.approx(currents[1], abs=0.01)
    assert min(currents) > 0.1


def test_the_quench_keeps_purity_and_energy(tmp_path: Path) -> None:
    solution = run_small("quench", tmp_path)
    assert solution.largest_deviation < 0.01
    assert solution.values("purity")["mean"].to_numpy() == pytest.approx(1, abs=0.01)
    assert np.ptp(solution.values("energy per spin")["mean"]) < 0.01
    assert np.ptp(solution.values("Z")["mean"]) > 0.1


def test_the_contact_process_is_the_rate_equation(tmp_path: Path) -> None:
    assert run_small("contact_process", tmp_path) < 0.01


def test_gillespie_and_the_rate_equation_agree() -> None:
    names = example("contact_process")
    times = np.linspace(0, 2, 11)
    mean, error = names["gillespie"](4, times, 1000, seed=5)
    off = np.abs(mean - names["exact"](4, times))
    assert mean[0] == 1
    assert (off[1:] < 4 * error[1:]).all()
    assert 0 < error[-1] < 0.02


def test_cooling_reaches_the_gibbs_state(tmp_path: Path) -> None:
    solution = run_small("thermal", tmp_path)
    assert solution.largest_deviation < 0.01
    energy = solution.values("energy per spin")["mean"].to_numpy()
    assert energy[0] == pytest.approx(0, abs=1e-6)
    assert (np.diff(energy) < 0).all()
