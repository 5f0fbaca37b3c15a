"""`make setup`: whatever pip is told by the environment, and after the folder was moved or copied with its .venv."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT

SHIPPED = ("Makefile", "pyproject.toml", "constraints.txt", "README.md", "LICENSE", "repro", "experiments", "figures")
MOVED = (
    "setup: .venv was made for another folder (this one was moved or copied): its scripts are rewritten for this one"
)


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
