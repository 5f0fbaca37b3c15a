"""`make setup`: whatever pip is told by the environment, and after the folder was moved or copied with its .venv."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.helpers.paths import ROOT

SHIPPED = ("Makefile", "pyproject.toml", "constraints.txt", "README.md", "LICENSE", "repro", "experiments", "figures")
MOVED = (
    "setup: .venv was made for another folder (this one was moved or copied): its scripts are rewritten for this one"
)


HOSTILE = """[global]
target = {elsewhere}
quiet = 3
log = /proc/nothing
python = /proc/nothing
require-virtualenv = yes
user = yes
only-binary = :none:
no-binary = :all:
[install]
root = {elsewhere}
prefix = {elsewhere}
no-deps = yes
dry-run = yes
ignore-installed = yes
require-hashes = yes
constraint = /proc/nothing
requirement = /proc/nothing
editable = /proc/nothing
platform = nothing
"""


def run(*command: object, cwd: Path, **variables: str) -> str:
    """What a command says that must succeed, packages being those of this environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MAKE"))}
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=environment | {"PIP_NO_INDEX": "1"} | variables,
        capture_output=True, text=True, timeout=250,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


def code_of(folder: Path) -> list[str]:
    """Where the command, the interpreter and the activated shell of a folder find the code."""
    ask = "import repro; print(repro.__path__[0])"
    script = (folder / ".venv" / "bin" / "repro").read_text().replace("sys.exit(main())", ask)
    (folder / ".venv" / "bin" / "asked").write_text(script)
    (folder / ".venv" / "bin" / "asked").chmod(0o755)
    shell = f'. .venv/bin/activate && cd / && python -c "{ask}" && asked'
    found = run(folder / ".venv" / "bin" / "python", "-c", ask, cwd=folder.parent) + run("sh", "-c", shell, cwd=folder)
    (folder / ".venv" / "bin" / "asked").unlink()
    return found.split("\n")[:-1]


def wheel(folder: Path, name: str, needs: str = "") -> None:
    """The smallest wheel: one module without a line."""
    info = f"{name}-1.dist-info"
    files = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    with ZipFile(folder / f"{name}-1-py3-none-any.whl", "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """The interpreter of an environment of its own with pip, and a folder `wheels` with two packages beside it."""
    run(sys.executable, "-m", "venv", "--without-pip", ".venv", cwd=tmp_path)
    [site] = tmp_path.glob(".venv/lib/python*/site-packages")
    (site / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (tmp_path / "wheels").mkdir()
    wheel(tmp_path / "wheels", "tiny_first", needs="Requires-Dist: tiny-second\n")
    wheel(tmp_path / "wheels", "tiny_second")
    return tmp_path / ".venv" / "bin" / "python"


def script() -> str:
    """What the Makefile installs with."""
    return (ROOT / "Makefile").read_text().split("\ndefine INSTALL\n")[1].split("\nendef\n")[0]


@pytest.mark.parametrize("where", ["named", "user", "variable"])
def test_of_pips_settings_those_that_say_from_where_are_kept(where: str, bare: Path) -> None:
    folder = bare.parents[2]
    own = HOSTILE.format(elsewhere=folder / "elsewhere")
    source = "" if where == "variable" else f"find-links = {folder / 'wheels'}\nno-index = yes\n"
    home = folder / "home" / ".config" / "pip"
    home.mkdir(parents=True)
    path = home / "pip.conf" if where == "user" else folder / "named.conf"
    path.write_text(own.replace("[install]", f"{source}[install]"))
    variables = {} if where == "user" else {"PIP_CONFIG_FILE": str(path)}
    if where == "variable":
        variables |= {"PIP_FIND_LINKS": str(folder / "wheels"), "PIP_NO_INDEX": "1", "PIP_TARGET": "elsewhere"}
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), **variables}
    done = subprocess.run(
        [bare, "-c", script(), "tiny-first"], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list(folder.glob(".venv/lib/python*/site-packages/tiny_*.py"))) == 2
    assert not (folder / "elsewhere").exists()


def test_settings_that_pip_cannot_read_are_one_line(bare: Path) -> None:
    folder = bare.parents[2]
    (folder / "broken.conf").write_text("target = here\n")
    environment = {"PATH": os.environ["PATH"], "PIP_CONFIG_FILE": str(folder / "broken.conf"), "HOME": str(folder)}
    done = subprocess.run(
        [bare, "-c", script(), "tiny-first"], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    assert done.stderr.startswith("setup: pip cannot read its settings: ") and done.stderr.count("\n") == 1
    assert "broken.conf" in done.stderr


@pytest.mark.slow
def test_moved_and_copied_folders_run_their_own_code(tmp_path: Path) -> None:
    first = tmp_path / "first"
    first.mkdir()
    for name in SHIPPED:
        run("cp", "-r", ROOT / name, first, cwd=tmp_path)
    run(sys.executable, "-m", "venv", "--without-pip", ".venv", cwd=first)
    [site] = first.glob(".venv/lib/python*/site-packages")
    (site / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")  # its own .pth files are not read

    elsewhere = str(tmp_path / "elsewhere")
    hostile = dict.fromkeys(("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"), elsewhere)
    (tmp_path / "pip.conf").write_text(HOSTILE.format(elsewhere=elsewhere))
    hostile["PIP_CONFIG_FILE"] = str(tmp_path / "pip.conf")
    hostile |= dict.fromkeys(("PIP_USER", "PIP_NO_DEPS", "PIP_REQUIRE_VIRTUALENV", "PIP_DRY_RUN"), "1")
    said = run("make", "setup", cwd=first, **hostile)
    assert "setup: done" in said and MOVED not in said
    assert not Path(elsewhere).exists()
    assert code_of(first) == [str(first / "repro")] * 3
    assert "setup:" not in run("make", "setup", cwd=first)

    copy, moved = tmp_path / "a copy", tmp_path / "moved on"
    shutil.copytree(first, copy, symlinks=True)
    assert MOVED in run("make", "setup", cwd=copy).splitlines()
    assert code_of(copy) == [str(copy / "repro")] * 3
    assert code_of(first) == [str(first / "repro")] * 3

    copy.rename(moved)
    assert MOVED in run("make", "setup", cwd=moved).splitlines()
    assert code_of(moved) == [str(moved / "repro")] * 3
    assert "setup:" not in run("make", "setup", cwd=moved)
