"""Stopping the command while it still loads: one line and the exit code of the signal, no traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import repro
from tests.helpers.paths import ROOT
from tests.helpers.waiting import wait_for

SCRIPT = ["-c", "import sys; from repro.cli.entry import main; sys.exit(main())"]
LOADING = 'import pathlib, time\npathlib.Path("loading").touch()\ntime.sleep(100)\n'


@pytest.mark.parametrize("start", [["-m", "repro"], SCRIPT], ids=["module", "script"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_line_and_the_signals_exit_code(start: list[str], number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text(LOADING)
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    command = [sys.executable, *start, "list", "fig4"]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
    wait_for((tmp_path / "loading").exists)
    process.send_signal(number)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + number
    assert said == "repro: stopped; to go on: repro list fig4\n"


@pytest.mark.parametrize("start", [["-m", "repro"], SCRIPT], ids=["module", "script"])
def test_the_version_is_told_at_once(start: list[str], tmp_path: Path) -> None:
    """Without loading torch, which takes seconds: here it would fail."""
    (tmp_path / "torch.py").write_text("raise SystemExit('torch is loaded')\n")
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run(
        [sys.executable, *start, "--version"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"repro {repro.__version__}\n", "")


def test_the_script_is_that_entry() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"repro": "repro.cli.entry:main"}
