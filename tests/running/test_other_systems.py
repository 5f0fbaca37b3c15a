"""A figure where the system lacks what Linux has: a rehearsal of macOS on Linux, and of a Python without fcntl.

For macOS prctl, /proc, /sys and the name of the system are hidden; libraries that look for their own files by that name
are loaded before.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT

MACOS = """
import builtins, ctypes, io, os, platform, sys
import matplotlib.pyplot, multiprocessing.util, pytorch_lightning, qutip, torch, urllib.request

plain_open, plain_exists = io.open, os.path.exists

def hidden(path):
    return isinstance(path, (str, os.PathLike)) and os.fspath(path).startswith(("/proc/", "/sys/"))

def opened(file, *rest, **named):
    if hidden(file):
        raise FileNotFoundError(2, "No such file or directory", str(file))
    return plain_open(file, *rest, **named)

class Library(ctypes.CDLL):
    def __getattr__(self, name):
        if name == "prctl":
            raise AttributeError(name)
        return super().__getattr__(name)

builtins.open = io.open = opened
ctypes.CDLL = Library
sys.platform, platform.system = "darwin", lambda: "Darwin"
"""
WITHOUT_FCNTL = """
import sys, matplotlib.pyplot, multiprocessing.util, pytorch_lightning, qutip, torch
sys.modules["fcntl"] = None
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pretence", "system"), [(MACOS, "Darwin"), (WITHOUT_FCNTL, "Linux")], ids=["macOS", "without fcntl"]
)
def test_a_figure_is_made_in_two_processes(pretence: str, system: str, tmp_path: Path) -> None:
    (tmp_path / "pretence").mkdir()
    (tmp_path / "pretence" / "sitecustomize.py").write_text(pretence)
    runs = tmp_path / "runs"
    command = [sys.executable, "-m", "repro", "run", "fig4", "--profile", "smoke", "--jobs", "2"]
    chosen = ["--runs", str(runs), "--wandb", "disabled", "--only", "a-var-1x32-0s-Jy1.8", "a-dyn*"]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path / 'pretence'}:{ROOT}"}
    done = subprocess.run(
        [*command, *chosen], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-2000:]
    assert ("only soft file lock is available" in done.stderr) == (system == "Linux")
    points = [json.loads(path.read_text()) for path in (runs / "points").glob("*/done.json")]
    assert [each["provenance"]["platform"] for each in points] == [system] * 2
    assert (runs / "fig4" / "smoke" / "fig4.png").is_file()
    assert not list(runs.rglob("*.soft")), "locks of files that stand in for flock are given back"
