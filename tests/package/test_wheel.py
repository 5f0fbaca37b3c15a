"""The wheel stands alone: everything it needs is in it, and nothing is taken from this checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT

DECAY = """
import repro
from repro.physics.lindblad import SIGMA_MINUS
model = repro.LindbladModel(repro.chain(1), jumps=[(0, SIGMA_MINUS, 1.0)])
problem = repro.Problem(model, observables=["Z"], name="decay")
"""


def start(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [str(word) for word in command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=250
    )


def run(*command: object, cwd: Path) -> str:
    done = start(*command, cwd=cwd)
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
    python = environment(tmp_path_factory.mktemp("clean"))
    [site] = python.parents[1].glob("lib/python*/site-packages")
    run(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", site, wheel, cwd=site)
    return python


def environment(folder: Path) -> Path:
    """The interpreter of a new environment that sees the packages of this one, but not this checkout."""
    folder.mkdir(exist_ok=True)
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    [site] = folder.glob("lib/python*/site-packages")
    (site / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")  # its own .pth files are not read
    return folder / "bin" / "python"


def test_it_holds_what_it_should(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"repro"}
    shipped = {name for name in names if name.endswith((".py", ".j2"))}
    there = {str(p.relative_to(ROOT)) for p in (ROOT / "repro").rglob("*") if p.suffix in (".py", ".j2")}
    assert shipped == there
    templates = {name.rsplit("/", 1)[1] for name in names if name.startswith("repro/dashboard/templates/")}
    assert templates == {"page.html.j2", "page.css", "page.js", "plot.js"}


def test_it_is_this_wheel_that_runs(python: Path, tmp_path: Path) -> None:
    said = run(python, "-c", "import repro; print(repro.__file__)", cwd=tmp_path)
    assert said.startswith(str(python.parents[1]))


def test_a_smoke_solve(python: Path, tmp_path: Path) -> None:
    (tmp_path / "decay.py").write_text(DECAY)
    said = run(python, "-m", "repro", "solve", "decay.py", "--t-end", "1", "--iterations", "100", cwd=tmp_path)
    assert "largest deviation from exact" in said
    assert (tmp_path / "runs" / "solve" / "decay" / "table.csv").is_file()


def test_outside_a_checkout_a_figure_is_one_line(python: Path, tmp_path: Path) -> None:
    done = start(python, "-m", "repro", "run", "fig4", "--profile", "smoke", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "clone it" in done.stderr
    assert not list(tmp_path.iterdir())


def test_folders_of_the_same_names_beside_a_script_break_nothing(python: Path, tmp_path: Path) -> None:
    for name in ("figures", "experiments"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('not this one')")
    script = f"{DECAY}if __name__ == '__main__':\n    repro.solve(problem, 0.5, iterations=20).save('drawn')\n"
    (tmp_path / "script.py").write_text(script)
    run(python, "script.py", cwd=tmp_path)
    assert (tmp_path / "drawn" / "solution.png").is_file()


def test_a_clone_named_repro_runs_from_beside_it(tmp_path: Path) -> None:
    clone, python = tmp_path / "repro", environment(tmp_path / "environment")
    clone.mkdir()
    for name in ("repro", "experiments", "figures", "pyproject.toml", "README.md", "LICENSE"):
        subprocess.run(["cp", "-r", ROOT / name, clone], check=True)
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index")
    run(*pip, "--no-build-isolation", "-e", clone, cwd=tmp_path)
    said = run(python, "-c", "import repro; print(repro.__file__)", cwd=tmp_path)
    assert said.strip() == str(clone / "repro" / "__init__.py")
    assert "dyn-1x32" in run(python, "-m", "repro", "run", "fig4", "--list", cwd=tmp_path)
