"""Processes of a script: it is run once, whether or not it guards its calls, and a worker that dies is one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.multiprocessing import ProcessRaisedException

from repro.methods.sanity import WrongNumbersError
from repro.running.fit import _of_rank
from tests.helpers.paths import ROOT

SCRIPT = """
print("the script runs", flush=True)
import sys
import repro
from repro.physics.lindblad import SIGMA_MINUS

model = repro.LindbladModel(repro.chain(1), jumps=[(0, SIGMA_MINUS, 1.0)])
problem = repro.Problem(model, observables=["Z0"])
small = dict(iterations=2, layers=1, width=8, heads=1, feedforward=8, quiet=True)
"""
SOLVE = "print(len(repro.solve(problem, 0.1, seeds=2, jobs=2, runs='runs', exact=False, **small).folders))\n"
ONCE = "import pathlib; pathlib.Path('been').mkdir()\n"
DYING = """
import pathlib
from rich.console import Console
from repro.config.listed import listed_of
from repro.running import launch
from repro.running.folders import RunSettings
points = [listed_of(rows=1, cols=2, width=8, feedforward=4, iterations=3)]
settings = RunSettings(pathlib.Path("runs"), tracking="disabled")
print(*launch.run_points(points, settings, 1, Console(quiet=True)).values())
"""
COMMAND = """
import sys
from repro.cli.main import main
sys.exit(main(["run", "fig4", "--profile", "smoke", "--only", "a-var-*", "--jobs", "2", "--wandb", "disabled"]))
"""
SIDE_BY_SIDE = """
import pathlib
import torch
from rich.console import Console
from repro.config.listed import listed_of
from repro.running import launch
from repro.running.folders import RunSettings
points = [listed_of(rows=1, cols=2, width=8, feedforward=4, iterations=3, seed=seed) for seed in range(4)]
settings = RunSettings(pathlib.Path("runs"), device="cuda", tracking="disabled")
print(launch.run_points(points, settings, 4, Console(quiet=True)))
"""
# In place of a point, a file named after its seed that holds the device; the last of four points ends all.
FOUR_GPUS = """
import sys
if "--multiprocessing-fork" in sys.orig_argv:
    import time
    import torch
    from repro.running import launch

    def noted(point, settings, wait):
        folder = settings.runs.absolute().parent
        (folder / f"{point.point.seed}.device").write_text(settings.device)
        deadline = time.monotonic() + 60
        while len(list(folder.glob("*.device"))) < 4 and time.monotonic() < deadline:
            time.sleep(0.05)
        return folder

    torch.cuda.device_count = lambda: 4
    launch.run_point = noted
"""
UNABLE = {
    "its start raises": "def gone(): raise OSError('no\\nparent')\n    os.getppid = gone",
    "a package is broken": "sys.modules['torch'] = None",
}
SITE = "import os, sys\nif '--multiprocessing-fork' in sys.orig_argv: os._exit(7)\n"


def script(text: str, folder: Path, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    (folder / "script.py").write_text(text)
    return subprocess.run(
        [sys.executable, "script.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env={"PYTHONPATH": f"{folder}:{ROOT}", "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
    )


@pytest.mark.parametrize("text", [SCRIPT + SOLVE, SCRIPT + ONCE + SOLVE], ids=["unguarded", "once"])
def test_a_script_runs_once_with_or_without_a_guard(text: str, tmp_path: Path) -> None:
    """The second one raises when it is run again."""
    done = script(text, tmp_path)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "the script runs\n3\n")


def test_a_worker_that_dies_at_its_start_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(SITE)
    done = script(DYING, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("its process ended with exit code 7; ") and done.stdout.count("\n") == 1


@pytest.mark.slow
def test_points_side_by_side_go_round_the_devices(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(FOUR_GPUS)
    done = script(SIDE_BY_SIDE, tmp_path, 280)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "{}\n")
    assert sorted(path.read_text() for path in tmp_path.glob("*.device")) == ["cuda:0", "cuda:1", "cuda:2", "cuda:3"]


@pytest.mark.parametrize("name", UNABLE)
def test_workers_that_cannot_start_are_one_line(name: str, tmp_path: Path) -> None:
    site = f"import os, sys\nif '--multiprocessing-fork' in sys.orig_argv:\n    {UNABLE[name]}\n"
    (tmp_path / "sitecustomize.py").write_text(site)
    done = script(COMMAND, tmp_path)
    reason = {
        "its start raises": "OSError: no parent",
        "a package is broken": "ModuleNotFoundError: import of torch halted; None in sys.modules",
    }
    assert done.returncode == 2
    line = f"repro: a process for the points could not start: {reason[name]}"
    assert [text for text in done.stderr.splitlines() if not text.startswith("exact ")] == [line]
    assert not list(tmp_path.rglob("history.csv"))


def raised(line: str) -> ProcessRaisedException:
    """What PyTorch raises for a rank that did."""
    return ProcessRaisedException(f"\n\n-- Process 1 terminated with the following error:\nTraceback\n{line}\n", 1, 7)


def test_what_a_rank_ended_with_is_what_the_point_ended_with() -> None:
    """A check that failed fails again: to run the same command again is no advice."""
    wrong = _of_rank(raised("repro.methods.sanity.WrongNumbersError: loss is not finite at epoch 1, iteration 2"))
    assert isinstance(wrong, WrongNumbersError) and str(wrong) == "loss is not finite at epoch 1, iteration 2"
    memory = _of_rank(raised("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB"))
    assert isinstance(memory, torch.OutOfMemoryError) and "2 GiB" in str(memory)
    other = _of_rank(raised("ValueError: no WrongNumbersError: of ours"))
    assert type(other) is RuntimeError and "rank 1 ended (ValueError" in str(other)
