"""Completing the table of the comparison: the search, what is not run, what is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.crossing import gate_circuits, measure
from benchmarks.crossing.problems import PROBLEMS
from benchmarks.crossing.rows import COLUMNS, Measured, Table
from benchmarks.crossing.ways import Way
from repro.references.gates import circuit, curves
from repro.references.gates.circuit import Circuit
from repro.utils.names import PAULI_AVERAGES
from repro.utils.paths import RESULTS

LINE = PROBLEMS[0]
EXACT = dict(zip(PAULI_AVERAGES, (0.1, 0.2, -0.3), strict=True))


class Made:
    """Ways with known costs; counts what is run."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, int]] = []

    def candidate(self, name: str, seconds: float, off: float = 0.0, error: float = 0.0):  # type: ignore[no-untyped-def]
        def run(n_sites: int) -> Measured:
            self.ran.append((name, n_sites))
            means = {**EXACT, "sigma_z": EXACT["sigma_z"] + off}
            return Measured(seconds * 2.0 ** (n_sites - 8), error, name, means)

        return run

    def ways(self, *_: Any) -> tuple[Way, ...]:
        tried = {
            "fast and wrong": self.candidate("fast and wrong", 1.0, off=0.03),
            "best": self.candidate("best", 2.0, off=0.005),
            "slow": self.candidate("slow", 3.0),
        }
        exact = {"exact": self.candidate("exact", 1.0)}
        return (
            Way("density matrix", exact, 8, (8,)),
            Way("trajectories", tried, 8, (8, 10, 12, 14)),
        )


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    made = Made()
    monkeypatch.setattr(measure, "ways_of", made.ways)
    return made


def complete(path: Path, longest: float = 50.0) -> Table:
    table = Table(path)
    measure.complete(table, LINE, ("density matrix", "trajectories"), longest, path.parent, lambda text: None)
    return table


def test_the_cheapest_within_the_target_is_run(made: Made, tmp_path: Path) -> None:
    rows = complete(tmp_path / "t.csv").frame()
    used = rows[(rows["way"] == "trajectories") & (rows["use"] == "used") & (rows["kind"] == "run")]
    assert set(used["candidate"]) == {"best"}
    assert sorted(used["n_sites"]) == [8, 10, 12]  # 14 would take 2 * 2^6 * 14/12 s
    assert list(rows.columns) == list(COLUMNS)


def test_what_is_left_out_follows_by_the_rule(made: Made, tmp_path: Path) -> None:
    rows = complete(tmp_path / "t.csv").frame()
    beyond = rows[(rows["way"] == "trajectories") & (rows["kind"] == "extrapolated")].set_index("n_sites")
    assert beyond.loc[14, "seconds"] == pytest.approx(2 * 2.0**4 * 2.0**2 * 14 / 12)
    assert beyond.loc[16, "rule"] == "2^N N, from N = 12"
    density = rows[(rows["way"] == "density matrix") & (rows["kind"] == "extrapolated")].set_index("n_sites")
    assert density.loc[10, "seconds"] == pytest.approx(4.0**2 * 10 / 8)


def test_nothing_is_measured_twice(made: Made, tmp_path: Path) -> None:
    complete(tmp_path / "t.csv")
    ran = list(made.ran)
    first = (tmp_path / "t.csv").read_text()
    complete(tmp_path / "t.csv")
    assert made.ran == ran and len(ran) == len(set(ran))  # the size of the search is not run again
    assert (tmp_path / "t.csv").read_text() == first
    complete(tmp_path / "t.csv", longest=1000.0)
    assert made.ran == [*ran, ("best", 14)]


def test_an_interruption_keeps_what_was_measured(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopping(*_: Any) -> tuple[Way, ...]:
        density, trajectories = made.ways()

        def stop(n_sites: int) -> Measured:
            raise KeyboardInterrupt

        return density, Way("trajectories", {**trajectories.candidates, "slow": stop}, 8, (8,))

    monkeypatch.setattr(measure, "ways_of", stopping)
    with pytest.raises(KeyboardInterrupt):
        complete(tmp_path / "t.csv")
    assert len(Table(tmp_path / "t.csv").rows) == 3


def test_no_candidate_within_the_target_is_run_no_further(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*_: Any) -> tuple[Way, ...]:
        density, _trajectories = made.ways()
        tried = {name: made.candidate(name, 1.0, off=0.05, error=0.01) for name in ("a", "b")}
        return density, Way("trajectories", tried, 8, (8, 10))

    monkeypatch.setattr(measure, "ways_of", wrong)
    rows = complete(tmp_path / "t.csv").frame()
    assert set(rows.loc[rows["way"] == "trajectories", "use"]) == {"search"}


def test_a_missing_package_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure.tensor_jumps, "installed", lambda: False)
    said: list[str] = []
    measure.complete(Table(tmp_path / "t.csv"), LINE, ("tensor jumps",), 1.0, tmp_path, said.append)
    assert said == ["tensor jumps: no package mqt-yaqs, left out (pip install '.[rivals]')"]


def test_a_missing_simulator_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure.gate_circuits, "installed", lambda: False)
    said: list[str] = []
    measure.complete(Table(tmp_path / "t.csv"), PROBLEMS[-1], ("gates",), 1.0, tmp_path, said.append)
    assert said == ["gates: no package qsimcirq, left out (pip install '.[gates]')"]


def test_what_is_kept_counts_whatever_it_would_take(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keeping(*_: Any) -> tuple[Way, ...]:
        density, trajectories = made.ways()
        kept = {14: Measured(1e6, 0.001, "kept", EXACT)}
        return density, Way("trajectories", trajectories.candidates, 8, (8, 10, 12, 14), kept.get)

    monkeypatch.setattr(measure, "ways_of", keeping)
    rows = complete(tmp_path / "t.csv", longest=5.0).frame()
    rows = rows[(rows["way"] == "trajectories") & (rows["use"] == "used")].set_index("n_sites")
    assert rows.loc[14, ["seconds", "kind"]].tolist() == [1e6, "run"]
    assert list(rows.index[rows["kind"] == "run"]) == [8, 14]
    assert ("best", 10) not in made.ran


def test_stored_steady_states_of_gates_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their seconds and means, with no simulator at hand."""
    problem = PROBLEMS[-1]
    assert gate_circuits.kept(problem.of(20), tmp_path) is None
    monkeypatch.setattr(circuit, "installed", lambda: True)
    monkeypatch.setattr(curves, "version", lambda package: "0")
    monkeypatch.setattr(Circuit, "trajectory", lambda made, seed: np.full((len(made.times), 3), 0.25 + 0.001 * seed))
    made = gate_circuits.gates(problem.of(20), tmp_path, lambda text: None)
    monkeypatch.setattr(circuit, "installed", lambda: False)
    kept = gate_circuits.kept(problem.of(20), tmp_path)
    assert kept == made and kept.kind == "run" and kept.settings == "qsim, 8 trajectories, steps of 0.1"
    assert kept.means["sigma_z"] == pytest.approx(0.2545) and kept.error == 0.003


def test_without_the_package_the_shipped_table_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure.tensor_jumps, "installed", lambda: False)
    shipped = (RESULTS / "crossing.csv").read_text()
    (tmp_path / "t.csv").write_text(shipped)
    measure.complete(Table(tmp_path / "t.csv"), LINE, ("tensor jumps",), 1.0, tmp_path, lambda text: None)
    assert sorted((tmp_path / "t.csv").read_text().splitlines()) == sorted(shipped.splitlines())


def test_beyond_a_size_that_was_given_up_nothing_is_run(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def giving_up(*_: Any) -> tuple[Way, ...]:
        density, _trajectories = made.ways()

        def run(n_sites: int) -> Measured:
            made.ran.append(("hard", n_sites))
            return Measured(9.0, 0.0, "hard", {}, "missed") if n_sites > 8 else Measured(9.0, 0.0, "hard", EXACT)

        return density, Way("matrix products", {"hard": run}, 8, (8, 10, 12))

    monkeypatch.setattr(measure, "ways_of", giving_up)
    table = Table(tmp_path / "t.csv")
    measure.complete(table, LINE, ("density matrix", "matrix products"), 1e9, tmp_path, lambda text: None)
    assert [ran for ran in made.ran if ran[0] == "hard"] == [("hard", 8), ("hard", 10)]
