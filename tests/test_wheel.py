"""The wheel stands alone: everything it needs is in it, and nothing is taken from this checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DECAY = """
import repro
from repro.lindblad import SIGMA_MINUS
model = repro.LindbladModel(repro.chain(1), jumps=[(0, SIGMA_MINUS, 1.0)])
problem = repro.Problem(model, observables=["Z"], name="decay")
"""


def run(*command: object, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=250
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of what git would ship, so that leftovers of this folder are no part of it."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for name in ("repro", "experiments", "figures", "pyproject.toml", "README.md", "LICENSE"):
        subprocess.run(["cp", "-r", ROOT / name, source], check=True)
    options = ("--no-deps", "--no-build-isolation", "--no-index", "-q")
    run(sys.executable, "-m", "pip", "wheel", *options, "-w", built, source, cwd=built)
    [found] = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and the packages that it needs, without the editable install of this checkout."""
    folder = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    [site] = folder.glob("lib/python*/site-packages")
    (site / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")  # its own .pth files are not read
    run(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", site, wheel, cwd=folder)
    return folder / "bin" / "python"


def test_it_holds_what_it_should(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"repro", "experiments", "figures"}
    shipped = {name for name in names if name.endswith((".py", ".j2"))}
    there = {str(p.relative_to(ROOT)) for top in tops for p in (ROOT / top).rglob("*") if p.suffix in (".py", ".j2")}
    assert shipped == there


def test_it_is_this_wheel_that_runs(python: Path, tmp_path: Path) -> None:
    said = run(python, "-c", "import repro, experiments, figures; print(repro.__file__)", cwd=tmp_path)
    assert said.startswith(str(python.parents[1]))


def test_help_and_a_smoke_solve(python: Path, tmp_path: Path) -> None:
    assert "solve" in run(python, "-m", "repro.cli", "--help", cwd=tmp_path)
    (tmp_path / "decay.py").write_text(DECAY)
    said = run(python, "-m", "repro.cli", "solve", "decay.py", "--t-end", "1", "--iterations", "100", cwd=tmp_path)
    assert "largest deviation from exact" in said
    assert (tmp_path / "runs" / "solve" / "decay" / "table.csv").is_file()
