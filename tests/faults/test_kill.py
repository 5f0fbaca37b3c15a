"""SIGKILL at random moments of a time evolution and of a variational search: the same command gives the same table."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from repro.running import events
from repro.running.events import EVENTS
from repro.running.folders import DONE
from repro.utils.result_table import read_table
from tests.faults.commands import repro, start

ONLY = ("a-dyn-1x32-0s-Jy1.8", "a-var-1x32-0s-Jy1.8")
COMMAND = (
    *("run", "fig4", "--profile", "smoke", "--only", *ONLY, "--jobs", "2", "--runs", "runs", "--wandb", "disabled"),
    *("--t-end", "1.2", "--step-iterations", "40", "--iterations", "1200"),
)
TABLE = Path("runs/fig4/smoke-changed/table.csv")
KILLS = 30
FIRST_SEED = 20_260
LIMIT = 200.0
ATTEMPTS = 5
NOT_NUMBERS = ["seconds", "commit", "device"]
"""Columns in which two runs of the same point differ."""


def numbers(folder: Path) -> pd.DataFrame:
    """Everything computed, digit by digit."""
    return pd.read_csv(folder / TABLE, dtype=str).drop(columns=NOT_NUMBERS)


def done_files(folder: Path) -> int:
    return len(list(folder.glob(f"runs/points/*/{DONE}")))


def begun_files(folder: Path) -> int:
    return len(list(folder.glob(f"runs/points/*/{EVENTS}")))


def wait_for_both(count: Callable[[Path], int], folder: Path, process: subprocess.Popen[str]) -> float:
    """When both points have the file."""
    deadline = time.monotonic() + LIMIT
    while count(folder) < len(ONLY):
        assert process.poll() is None and time.monotonic() < deadline, "it ended too soon"
        time.sleep(0.005)
    return time.monotonic()


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, float]:
    """The table of a run that nobody disturbed, and how long the later of its points took."""
    folder = tmp_path_factory.mktemp("unbroken")
    process = start(folder, *COMMAND)
    begun = wait_for_both(begun_files, folder, process)
    ended = wait_for_both(done_files, folder, process)
    _, said = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, said
    assert len(read_table(folder / TABLE)) > 20
    return numbers(folder), ended - begun


def killed(tmp_path: Path, moment: float) -> tuple[Path, float]:
    """The folder of a run that was killed, and when: earlier where a quieter machine had ended it before."""
    for attempt in range(ATTEMPTS):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        process = start(folder, *COMMAND)
        wait_for_both(begun_files, folder, process)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)  # its workers die with it
        process.communicate(timeout=LIMIT)
        if process.returncode == -signal.SIGKILL:
            return folder, moment
        moment *= 0.7
    raise AssertionError(f"it ended before the kill, {ATTEMPTS} times")


@pytest.mark.slow
@pytest.mark.timeout(3 * LIMIT)
@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + KILLS))
def test_killed_and_continued(seed: int, unbroken: tuple[pd.DataFrame, float], tmp_path: Path) -> None:
    table, seconds = unbroken
    moment = random.Random(seed).uniform(0, seconds)
    folder, moment = killed(tmp_path, moment)
    left = len(ONLY) - done_files(folder)
    done = repro(folder, *COMMAND, timeout=LIMIT)
    assert done.code == 0, done.err
    assert numbers(folder).equals(table)
    resumed = sum(event["event"] == "resumed" for p in folder.glob("runs/points/*") for event in events.read(p))
    print(f"seed {seed}: killed after {moment:.2f} of {seconds:.2f} s, {left} unfinished, {resumed} resumed: identical")
