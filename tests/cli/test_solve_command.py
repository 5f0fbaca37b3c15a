"""`repro solve`: what it writes and says, and the README's example."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pandas as pd
import pytest

from repro.cli.main import main
from repro.cli.solve import load
from repro.utils.errors import InputError
from tests.helpers.paths import ROOT
from tests.helpers.solving import solved

FILE = """
import repro
from repro.physics.lindblad import SIGMA_MINUS

def problem():
    model = repro.LindbladModel(repro.chain(2), jumps=[(0, SIGMA_MINUS, 1.0)])
    return repro.Problem(model, observables=["Z*"])
"""


def test_the_command_writes_table_and_plot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "two.py"
    file.write_text(FILE)
    options = ["--t-end", "0.4", "--iterations", "60", "--layers", "1", "--runs", str(tmp_path / "runs")]
    assert main(["solve", str(file), *options]) == 0
    said = capsys.readouterr().out
    assert "largest deviation from exact: 0.00" in said
    folder = tmp_path / "runs" / "solve" / "two"
    assert sorted(path.name for path in folder.iterdir()) == [
        *("problem.json", "solution.pdf", "solution.png", "table.csv")
    ]
    table = pd.read_csv(folder / "table.csv")
    assert set(table["observable"]) == {"Z0", "Z1"}
    assert table["t"].max() == pytest.approx(0.4)


def test_progress_is_in_the_users_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "two.py"
    file.write_text(FILE.replace("1.0)]", "4.0)]"))
    small = ["--layers", "1", "--width", "8", "--heads", "1", "--iterations", "3", "--no-exact"]
    assert main(["solve", str(file), "--t-end", "0.4", "--runs", str(tmp_path / "runs"), *small]) == 0
    assert "  t=0.4  <sigma_z>" in capsys.readouterr().err


def test_the_readmes_example_is_a_problem(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    (example,) = re.findall(r"## Solve your own model.*?```python\n(.*?)```", readme, re.DOTALL)
    file = tmp_path / "ring.py"
    file.write_text(example)
    problem = load(file)
    assert [each.name for each in problem.asked] == ["Z", "Z0", "Z1", "Z2", "Z3", "Z0 Z2", "Z0 Z2 connected"]
    assert solved(problem, tmp_path, 0.1, iterations=1).table["exact"].notna().all()


def test_a_file_imports_its_neighbours_and_nobody_elses(tmp_path: Path) -> None:
    """Two files that import modules of one name, one of them late, from a function."""
    path = list(sys.path)
    for folder, sites in (("a", 2), ("b", 3)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "helper_beside.py").write_text(f"SITES = {sites}\n")
        text = FILE.replace("chain(2)", "chain(SITES)")
        text = text.replace("def problem():\n", "def problem():\n    from helper_beside import SITES\n")
        (tmp_path / folder / "model.py").write_text(text)
        assert load(tmp_path / folder / "model.py").n_sites == sites
    assert sys.path == path and "helper_beside" not in sys.modules


def test_a_neighbour_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "helper_beside.py").write_text("SITES = (\n")
    (tmp_path / "model.py").write_text(f"import helper_beside\n{FILE}")
    path = list(sys.path)
    with pytest.raises(InputError, match=r"helper_beside\.py, line 1: "):
        load(tmp_path / "model.py")
    assert sys.path == path


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("/proc/nothing/here", "cannot write to folder '/proc/nothing/here'"),
        (f"new/deep/{'x' * 300}/y", "File name too long"),
        ("two.py/out", "two.py' is a file, expected a folder"),
        ("taken", "cannot write 'taken/solution.pdf': it is a folder, expected a file"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_computed(
    out: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("repro.solver.solve.solve", lambda *_, **__: pytest.fail("it computes"))
    Path("two.py").write_text(FILE)
    Path("taken/solution.pdf").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    assert main(["solve", "two.py", "--out", out]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert sorted(tmp_path.rglob("*")) == before
