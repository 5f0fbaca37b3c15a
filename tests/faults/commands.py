"""The real command on one small point, with whatever is wrong around it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT

POINT = ("run", "fig4", "--profile", "smoke", "--only", "a-var-1x32-0s-Jy1.8", "--jobs", "1", "--runs", "runs")
TABLE = Path("runs/fig4/smoke/table.csv")


@dataclass(frozen=True)
class Outcome:
    """How a command ended: exit code, output, seconds."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def warnings(self) -> list[str]:
        """Lines about wandb."""
        return [line for line in self.err.splitlines() if line.startswith("wandb")]


def environment(folder: Path, **changes: str) -> dict[str, str]:
    """Nothing of the person who runs the tests: no keys, a home of its own, the code of this checkout."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WANDB_", "NETRC"))}
    home = {"HOME": str(folder / "home"), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    (folder / "home").mkdir(exist_ok=True)
    return kept | home | changes


def start(folder: Path, *arguments: str, **changes: str) -> subprocess.Popen[str]:
    """A command that runs."""
    command = [sys.executable, "-m", "repro", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=folder, env=environment(folder, **changes), stdout=pipe, stderr=pipe, text=True
    )


def repro(folder: Path, *arguments: str, timeout: float = 200, **changes: str) -> Outcome:
    """A command to its end."""
    begun = time.perf_counter()
    process = start(folder, *arguments, **changes)
    try:
        out, err = process.communicate(timeout=timeout)
    finally:
        process.kill()
    return Outcome(process.returncode, out, err, time.perf_counter() - begun)


@contextlib.contextmanager
def small_disk(at: Path, size: str) -> Iterator[Path]:
    """A file system of a few kilobytes in memory; the test is skipped where it cannot be mounted."""
    at.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(at)]
    done = subprocess.run(command, capture_output=True, text=True) if os.geteuid() == 0 else None
    if done is None or done.returncode:
        pytest.skip("no tmpfs can be mounted here: " + (done.stderr.strip() if done else "not root"))
    try:
        yield at
    finally:
        subprocess.run(["umount", "-l", str(at)], check=False)
