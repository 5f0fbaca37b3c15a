"""The notebooks run (by nbmake), are light, clean, in ruff's sight and linked from the site."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from nbmake.nb_run import NotebookRun

from tests.helpers.paths import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MOST_BYTES = 40_000


def cells(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text())["cells"]


def test_there_are_three() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["figure_from_tables", "trained_state", "your_own_model"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_from_top_to_bottom(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    before = {found.name for found in path.parent.iterdir()}
    result = NotebookRun(path, default_timeout=250).execute()
    assert result.error is None, result.error.trace[-2000:]
    assert {found.name for found in path.parent.iterdir()} == before, "a run leaves nothing behind"


def test_a_cell_that_fails_is_seen(tmp_path: Path) -> None:
    notebook = json.loads(NOTEBOOKS[0].read_text())
    notebook["cells"] = [dict(notebook["cells"][1], source=["assert 1 == 2"], outputs=[])]
    (tmp_path / "broken.ipynb").write_text(json.dumps(notebook))
    error = NotebookRun(tmp_path / "broken.ipynb", default_timeout=100).execute().error
    assert error is not None and "AssertionError" in error.summary


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_light_and_clean(path: Path) -> None:
    text = path.read_text()
    assert len(text) <= MOST_BYTES
    assert str(ROOT) not in text and "/home/" not in text
    code = [cell for cell in cells(path) if cell["cell_type"] == "code"]
    assert all(output["output_type"] != "error" for cell in code for output in cell["outputs"])
    assert [cell["execution_count"] for cell in code] == [*range(1, len(code) + 1)], "run from top to bottom"
    assert not any(cell["metadata"] for cell in cells(path))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_site_and_the_front_page_link_it(path: Path) -> None:
    link = f"notebooks/{path.name}"
    assert link in (ROOT / "docs" / "how-to" / "states.md").read_text()


def test_ruff_sees_them() -> None:
    command = [sys.executable, "-m", "ruff", "check", "--show-files", "notebooks"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {Path(line).name for line in shown.split()} == {path.name for path in NOTEBOOKS}
