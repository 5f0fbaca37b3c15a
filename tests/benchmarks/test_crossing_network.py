"""This suite's own rows of the comparison: what is run, what is shipped, what is a cost alone."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import qutip

from benchmarks.crossing import network
from benchmarks.crossing.problems import PROBLEMS, Problem
from repro.utils.errors import InputError
from repro.utils.paths import RESULTS
from repro.utils.result_table import read_table, write_table
from tests.helpers.oracles import qutip_model

RING, WEAK, STRONG = PROBLEMS


def test_an_evolution_that_takes_too_long_is_a_cost_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))  # a second passes between any two looks at it
    monkeypatch.setattr(network.time, "process_time", lambda: float(next(clock)))
    found = network.network(RING, 8, longest=100.0, runs=tmp_path)
    assert found.kind == "part" and not found.means and not list(tmp_path.iterdir())
    # to t = 5 by steps of 0.08: 63, four velocities each, sixteen in the first; the start is measured too
    assert found.seconds == pytest.approx(4 * 62 + 16 + 64)
    assert found.rule == "264 times an iteration at the start, 64 times the means"


def test_a_lattice_too_large_to_be_shipped_is_a_cost_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_iterate", lambda module, generator: None)
    clock = iter(range(1000))
    monkeypatch.setattr(network.time, "process_time", lambda: float(next(clock)))
    found = network.network(WEAK, 20, longest=100.0, runs=tmp_path)
    # eight iterations by one evaluation are timed together; 24 steps of 400 after one of 600, as they are counted
    assert found.kind == "part" and found.settings.startswith("collocation")
    assert found.seconds == pytest.approx((24 * 400 + 600) / 8 + 26)


@pytest.mark.parametrize(("before", "rule"), [(None, ""), (1.0, ""), (2.0, "wall time")])
def test_a_ring_that_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: float | None, rule: str) -> None:
    """Three spins to t = 2 beside QuTiP: what a mean over the last unit of time is of."""
    listed = network.RING.change(n_sites=3, t_end=2.0, n_samples=200)
    monkeypatch.setattr(network, "evolution", lambda problem, n_sites: listed)
    if before:  # what a shorter evolution took is never left out, what was kept is told from its own clock
        network._run(listed.change(t_end=before), tmp_path)
    found = network.network(RING, 3, longest=1e9, runs=tmp_path)
    assert found.kind == "run" and 0 < found.seconds < 600 and found.rule == rule
    assert len(list(tmp_path.glob("crossing/*"))) == (2 if before == 1.0 else 1)
    times = 0.08 * np.arange(26)
    H, jumps = qutip_model(listed.point.system.build_model())
    down = qutip.tensor([qutip.basis(2, 1).proj()] * 3)
    states = qutip.mesolve(H, down, times, jumps).states
    for letter, matrix in zip("xyz", (qutip.sigmax(), qutip.sigmay(), qutip.sigmaz()), strict=True):
        exact = [qutip.expect(matrix, state.ptrace(0)) for state in states[13:]]  # after t = 1
        assert found.means[f"sigma_{letter}"] == pytest.approx(np.mean(exact), abs=0.035)  # 200 draws of one string


@pytest.mark.parametrize(("problem", "seconds"), [(WEAK, 717.59), (STRONG, 1243.99)])
def test_a_shipped_lattice_is_the_one_by_velocities(problem: Problem, seconds: float) -> None:
    found = network.network(problem, 16, longest=1.0, runs=Path("nowhere"))
    assert found.seconds == seconds and found.settings.startswith("tdvp, 0s")


def test_long_rings_are_evolved_for_longer() -> None:
    ends = {n_sites: network.evolution(RING, n_sites).settings["t_end"] for n_sites in (8, 12, 16, 40)}
    assert ends == {8: 5.0, 12: 5.0, 16: 8.0, 40: 8.0}


def test_a_shipped_lattice_that_is_steady() -> None:
    found = network.network(WEAK, 16, longest=1.0, runs=Path("nowhere"))
    rows = _shipped(1.0)
    rows = rows[rows["t"].map(math.isinf) & (rows["method"] == "tdvp")]
    first = rows[rows["seed"] == 0].set_index("observable")["mean"]
    assert found.kind == "run" and found.means == pytest.approx({name: first[name] for name in found.means})
    others = rows[rows["seed"] > 0]
    off = (others["mean"] - others["exact"]).abs().groupby(others["seed"]).max()
    assert found.rule == f"wall time, first seed; others {off[1]:.3f}, {off[2]:.3f} off trajectories"


def test_a_shipped_lattice_that_ends_before_it_is_steady() -> None:
    found = network.network(STRONG, 16, longest=1.0, runs=Path("nowhere"))
    assert found.kind == "missed" and not found.means
    assert "to t = 2 alone" in found.rule


def test_a_table_without_velocities_has_collocation(tmp_path: Path) -> None:
    table = tmp_path / "methods.csv"
    rows = _shipped(1.0)
    write_table(rows[rows["method"] == "collocation"], table)
    found = network.shipped(WEAK, 16, table)
    assert found.settings == "collocation, 0s, 500 draws, from results/methods.csv" and found.rule == "wall time"


def _shipped(Jy: float) -> pd.DataFrame:
    rows = read_table(RESULTS / "methods.csv")
    return rows[(rows["lattice"] == "4x4 periodic") & (rows["Jy"] == Jy)]


def test_a_lattice_that_is_not_shipped_is_refused() -> None:
    with pytest.raises(InputError, match="no evolution of 3x4 periodic"):
        network.network(STRONG, 12, longest=1.0, runs=Path("nowhere"))


def test_the_shipped_table_holds_what_would_be_run() -> None:
    table = pd.read_csv(RESULTS / "crossing.csv")
    ours = table[(table["way"] == "network") & (table["kind"] != "extrapolated")]
    rings = ours[ours["problem"] == RING.name].set_index("n_sites")["settings"]
    assert dict(rings) == {N: network._in_words(network.evolution(RING, N)) for N in (8, 12, 16, 20, 24, 32, 40)}
    for problem in (WEAK, STRONG):
        found = network.shipped(problem, 16)
        row = ours[(ours["problem"] == problem.name) & (ours["n_sites"] == 16)].iloc[0]
        assert (row["settings"], row["rule"], row["seconds"]) == (found.settings, found.rule, found.seconds)
