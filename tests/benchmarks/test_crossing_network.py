"""This suite's own rows of the comparison: what is run, what is shipped, what is a cost alone."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.crossing import network
from benchmarks.crossing.problems import PROBLEMS
from repro.utils.errors import InputError
from repro.utils.paths import RESULTS

RING, WEAK, STRONG = PROBLEMS


def test_an_evolution_that_takes_too_long_is_a_cost_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_cpu_seconds", lambda point, folder: 0.5)
    found = network.network(RING, 8, longest=100.0, runs=tmp_path)
    assert found.kind == "part" and not found.means and not list(tmp_path.iterdir())
    assert found.seconds == 0.5 * 12300


def test_a_shipped_lattice_that_is_steady() -> None:
    found = network.network(WEAK, 16, longest=1.0, runs=Path("nowhere"))
    rows = pd.concat(
        [pd.read_csv(path) for path in sorted(RESULTS.glob("methods*.csv")) if "reference" not in path.name]
    )
    rows = rows[(rows["lattice"] == "4x4 periodic") & (rows["Jy"] == 1.0) & rows["t"].map(math.isinf)]
    rows = rows[rows["method"] == "collocation"]
    of = rows.set_index("observable")["mean"]
    assert found.kind == "run" and found.seconds > 1000
    assert found.means == pytest.approx({name: of[name] for name in found.means})


def test_a_shipped_lattice_that_ends_before_it_is_steady() -> None:
    found = network.network(STRONG, 16, longest=1.0, runs=Path("nowhere"))
    assert found.kind == "missed" and not found.means
    assert "to t = 2 alone" in found.rule


def test_a_lattice_that_is_not_shipped_is_refused() -> None:
    with pytest.raises(InputError, match="no evolution of 3x4 periodic"):
        network.network(STRONG, 12, longest=1.0, runs=Path("nowhere"))
