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


@pytest.mark.parametrize(("problem", "velocities", "states"), [(WEAK, 4 * 62 + 16, 64), (STRONG, 4 * 124 + 16, 126)])
def test_a_lattice_that_is_not_shipped_is_a_cost_alone(
    problem: Problem, velocities: int, states: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To t = 5, by steps of 0.08 or of 0.04 with images, as the figure `frontier` evolves the other sizes."""
    monkeypatch.setattr(network.TdvpModule, "velocity", lambda module, generator: None)
    monkeypatch.setattr(network.TdvpModule, "measure", lambda module: {})
    clock = iter(range(1000))
    monkeypatch.setattr(network.time, "process_time", lambda: float(next(clock)))
    found = network.network(problem, 20, longest=100.0, runs=Path("nowhere"))
    assert found.kind == "part" and found.settings.startswith("tdvp, 0s") and not found.means
    assert found.seconds == pytest.approx(velocities + states)


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


@pytest.mark.parametrize(
    ("problem", "n_sites", "table", "seconds"),
    [(WEAK, 16, "methods", 504.15), (STRONG, 16, "frontier", 1467.82), (WEAK, 25, "frontier", 3725.28)],
)
def test_the_row_of_a_lattice_is_the_seed_of_a_whole_evolution_that_is_furthest_off(
    problem: Problem, n_sites: int, table: str, seconds: float
) -> None:
    """The first one where nothing tells how far they are off (5x5)."""
    found = network.network(problem, n_sites, longest=1.0, runs=Path("nowhere"))
    rows = _shipped({WEAK: 1.0, STRONG: 1.8}[problem], n_sites, table)
    rows = rows[rows["t"].map(math.isinf) & (rows["method"] == "tdvp") & ~rows["panel"].str.endswith("control")]
    off = (rows["mean"] - rows["exact"]).abs().groupby(rows["seed"]).max()
    rows = rows[rows["seed"] == (0 if off.isna().any() else off.idxmax())].set_index("observable")
    assert found.kind == "run" and found.settings.startswith("tdvp, 0s") and f"results/{table}.csv" in found.settings
    assert (
        found.means == pytest.approx({name: rows.loc[name, "mean"] for name in found.means}) and len(found.means) == 3
    )
    assert found.seconds == rows["seconds"].iloc[0] == seconds and found.error == rows["error"].max()


def test_long_rings_are_evolved_for_longer() -> None:
    ends = {n_sites: network.evolution(RING, n_sites).settings["t_end"] for n_sites in (8, 12, 16, 40)}
    assert ends == {8: 5.0, 12: 5.0, 16: 8.0, 40: 8.0}


def test_other_seeds_are_told_by_what_they_are_off_trajectories() -> None:
    seeds = _shipped(1.0, 16, "methods")
    seeds = seeds[seeds["t"].map(math.isinf) & (seeds["method"] == "tdvp")]
    off = (seeds["mean"] - seeds["exact"]).abs().groupby(seeds["seed"]).max()
    assert off.idxmax() == 2
    found = network.network(WEAK, 16, longest=1.0, runs=Path("nowhere"))
    assert found.rule == f"wall time, the seed furthest off; others {off[0]:.3f}, {off[1]:.3f} off trajectories"


def test_other_seeds_are_told_by_where_they_end_without_trajectories() -> None:
    others = _others(25, "frontier")
    means = others[others["observable"] == "sigma_z"].set_index("seed")["mean"]
    found = network.network(WEAK, 25, longest=1.0, runs=Path("nowhere"))
    assert found.rule == f"wall time, first seed; <sigma_z> of others {means[1]:.3f}, {means[2]:.3f}"


def _others(n_sites: int, table: str) -> pd.DataFrame:
    """Steady states of the seeds after the first one, J_y = 1."""
    rows = _shipped(1.0, n_sites, table)
    return rows[rows["t"].map(math.isinf) & (rows["method"] == "tdvp") & (rows["seed"] > 0)]


def test_a_shipped_lattice_that_ends_before_it_is_steady() -> None:
    """It is given up, unless another table has it whole."""
    found = network.shipped(STRONG, 16, (RESULTS / "methods.csv",))
    assert found is not None and found.kind == "missed" and not found.means
    assert "to t = 2 alone" in found.rule and found.seconds == 1243.99


def test_a_table_without_velocities_has_collocation(tmp_path: Path) -> None:
    table = tmp_path / "methods.csv"
    rows = _shipped(1.0, 16, "methods")
    write_table(rows[rows["method"] == "collocation"], table)
    found = network.shipped(WEAK, 16, (table,))
    assert found is not None and found.rule == "wall time"
    assert found.settings == "collocation, 0s, 500 draws, from results/methods.csv"


def test_a_control_is_no_row_of_its_own(tmp_path: Path) -> None:
    table = tmp_path / "frontier.csv"
    rows = _shipped(1.0, 25, "frontier")
    write_table(rows.assign(panel="5x5: control"), table)
    assert network.shipped(WEAK, 25, (table,)) is None


def _shipped(Jy: float, n_sites: int, table: str) -> pd.DataFrame:
    rows = read_table(RESULTS / f"{table}.csv")
    return rows[(rows["lattice"] == WEAK.of(n_sites).lattice.name) & (rows["Jy"] == Jy)]


def test_a_lattice_that_no_table_has() -> None:
    assert network.shipped(STRONG, 20) is None


def test_the_shipped_table_holds_what_would_be_run() -> None:
    table = pd.read_csv(RESULTS / "crossing.csv")
    ours = table[(table["way"] == "network") & (table["kind"] != "extrapolated")]
    rings = ours[ours["problem"] == RING.name].set_index("n_sites")["settings"]
    assert dict(rings) == {N: network._in_words(network.evolution(RING, N)) for N in (8, 12, 16, 20, 24, 32, 40)}
    for problem, n_sites in ((WEAK, 16), (WEAK, 25), (STRONG, 16)):
        found = network.shipped(problem, n_sites)
        assert found is not None
        row = ours[(ours["problem"] == problem.name) & (ours["n_sites"] == n_sites)].iloc[0]
        assert (row["settings"], row["rule"], row["seconds"]) == (found.settings, found.rule, found.seconds)
