"""The golden record again, point by point in this process: the same numbers, but for how processors round.

What a case computes is said once, in `record.py`. `numbers.csv` was written by the code of before the rooms on AMD's
processors; `numbers_intel.csv` by the last code that gave those, on Intel's, whose last bits Adam makes grow otherwise.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import repro
from repro.cli.main import parse
from repro.cli.run import Run
from repro.cli.selection import select_points
from repro.cli.solve import Solve, load
from repro.config.point import NUMBERS
from repro.reporting.assemble import figure_table
from repro.running.folders import RunSettings
from repro.running.runner import run_point
from tests.golden import record
from tests.helpers.paths import ROOT

KEPT = [
    pd.read_csv(ROOT / "tests" / "golden" / name, dtype={"point": str}).fillna({"point": ""})
    for name in ("numbers.csv", "numbers_intel.csv")
]
TOLERANCE = 2e-3
"""Single precision over a few steps of Adam: what another processor may make of the same sums."""
SOLVE_OPTIONS = ("steady", "seed", "seeds", "method", "estimator", "step", "iterations")
NETWORK_OPTIONS = ("layers", "width", "heads", "n_samples")


def check(case: str, table: pd.DataFrame) -> None:
    """Compare a table with what was kept of a case: all of it on one of the processors."""
    records = [each[each["case"] == case] for each in KEPT]
    for kept in records:
        assert list(table["observable"]) == list(kept["observable"])
        np.testing.assert_allclose(table["t"], kept["t"], rtol=1e-9)
    off = [max(_distance(table[name], kept[name]) for name in record.VALUES) for kept in records]
    assert min(off) <= TOLERANCE, f"{off} from the records of AMD's and of Intel's processors"


def _distance(values: pd.Series[float], kept: pd.Series[float]) -> float:
    """The largest one; infinite where one of two is not there."""
    away = np.abs(values.to_numpy(dtype=float) - kept.to_numpy(dtype=float))
    away[values.isna().to_numpy() & kept.isna().to_numpy()] = 0.0
    return float(np.nan_to_num(away, nan=np.inf).max(initial=0.0))


def test_every_case_was_kept_by_this_version_of_the_numbers() -> None:
    for kept in KEPT:
        assert set(kept["case"]) == {*record.RUNS, *record.SOLVES}
    assert record.VERSION == NUMBERS


@pytest.mark.parametrize("case", record.RUNS)
def test_a_point_gives_the_kept_numbers(case: str, tmp_path: Path) -> None:
    figure, *options = record.RUNS[case]
    command = parse(["run", figure, "--profile", "smoke", *options])
    assert isinstance(command, Run)
    points = select_points(figure, command.profile, command.only, command.change)
    for listed in points:
        run_point(listed, RunSettings(tmp_path, tracking="disabled"))
    check(case, figure_table(points, tmp_path))


@pytest.mark.parametrize("case", record.SOLVES)
def test_a_solved_problem_gives_the_kept_numbers(case: str, tmp_path: Path) -> None:
    file, *options = record.SOLVES[case]
    (tmp_path / file).write_text(record.PROBLEMS[file])
    command = parse(["solve", str(tmp_path / file), *options])
    assert isinstance(command, Solve)
    given = {name: getattr(command, name) for name in SOLVE_OPTIONS}
    given |= {name: getattr(command, name) for name in NETWORK_OPTIONS if getattr(command, name) is not None}
    solution = repro.solve(load(command.file), command.t_end, runs=tmp_path, quiet=True, **given)
    check(case, solution.table)
