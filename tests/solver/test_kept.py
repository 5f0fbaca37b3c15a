"""Tables in folders: one problem's kinds stand together, another problem's table is not lost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import repro
from repro.cli.main import main
from repro.config.listed import Listed
from repro.running import launch
from repro.running.folders import RunSettings
from repro.running.runner import run_point
from repro.solver import kept
from tests.helpers.solving import pair, solved

FILE = """
import repro
from repro.physics.lindblad import SIGMA_MINUS

model = repro.LindbladModel(repro.chain(1), jumps=[(0, SIGMA_MINUS, {rate})])
problem = repro.Problem(model, observables=["Z0"])
"""
SMALL = ("--iterations", "2", "--layers", "1", "--width", "8", "--heads", "1")


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command's runs in this process: processes take seconds to start."""

    def run(points: Sequence[Listed], settings: RunSettings, jobs: int, console: object) -> dict[str, str]:
        for point in points:
            run_point(point, settings)
        return {}

    monkeypatch.setattr(launch, "run_points", run)


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """Two files of one name, of different problems."""
    for folder, rate in (("a", 1.0), ("b", 2.0)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "model.py").write_text(FILE.format(rate=rate))
    return str(tmp_path / "a" / "model.py"), str(tmp_path / "b" / "model.py")


def said(capsys: pytest.CaptureFixture[str], runs: Path, *arguments: str) -> str:
    assert main(["solve", *arguments, "--runs", str(runs), *SMALL]) == 0
    return capsys.readouterr().out.splitlines()[-1]


def test_two_problems_of_one_file_name_have_a_folder_each(
    files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = tmp_path / "solve" / "model"
    assert said(capsys, tmp_path, files[0], "--t-end", "0.2") == f"table and plot: {first}"
    before = (first / "table.csv").read_bytes()
    line = said(capsys, tmp_path, files[1], "--t-end", "0.2")
    (other,) = (tmp_path / "solve").glob("model-????")
    assert line == f"table and plot: {other} ({first} holds those of another problem)"
    assert (first / "table.csv").read_bytes() == before
    assert said(capsys, tmp_path, files[1], "--t-end", "0.2") == line
    assert len(list((tmp_path / "solve").iterdir())) == 2


def test_a_search_keeps_the_evolution_and_the_other_way(
    files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    said(capsys, tmp_path, files[0], "--t-end", "0.2", "--out", str(out))
    evolution = pd.read_csv(out / "table.csv")
    plot = (out / "solution.png").read_bytes()
    said(capsys, tmp_path, files[0], "--steady", "--out", str(out))
    both = pd.read_csv(out / "table.csv")
    pd.testing.assert_frame_equal(both[np.isfinite(both["t"])], evolution)
    assert list(both["t"])[-1] == np.inf and len(both) == len(evolution) + 1
    assert (out / "solution.png").read_bytes() != plot
    said(capsys, tmp_path, files[0], "--t-end", "0.3", "--out", str(out))
    again = pd.read_csv(out / "table.csv")
    assert again["t"][np.isfinite(again["t"])].max() == 0.3 and again["t"].iloc[-1] == np.inf
    line = said(capsys, tmp_path, files[1], "--steady", "--out", str(out))
    assert line == f"table and plot: {out} (replaced those of another problem)"
    assert len(pd.read_csv(out / "table.csv")) == 1


def test_a_table_of_nobody_and_a_damaged_one(tmp_path: Path) -> None:
    problem, folder = pair(observables={"NA": [(1.0, "X0 Z1")]}), tmp_path / "mine"
    assert kept.folder_for(problem, folder) == folder
    solution = solved(problem, tmp_path / "runs", 0.1, iterations=1, exact=False)
    solution.save(folder)
    assert kept.folder_for(problem, folder) == folder
    steady = repro.Solution(problem, solution.table.tail(1).assign(t=np.inf), (), 0.0)
    merged = kept.with_kept(steady.table, problem, folder)
    pd.testing.assert_frame_equal(merged.head(len(solution.table)), solution.table)
    assert set(merged["observable"]) == {"NA"} and len(merged) == len(solution.table) + 1
    (folder / "table.csv").write_text("t,\0\nx,y\n")
    assert len(kept.with_kept(steady.table, problem, folder)) == 1
    (folder / "problem.json").write_text("[]")
    assert kept.folder_for(problem, folder) == tmp_path / f"mine-{kept.digest(problem)[:4]}"
