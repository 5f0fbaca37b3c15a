"""Upload offline wandb runs, in the order in which they started, by wandb's own command line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from repro.errors import InputError

Say = Callable[[str], None]
Execute = Callable[[Sequence[str]], int]


def offline_runs(runs: Path) -> list[Path]:
    """Folders of offline runs that have not been uploaded yet, oldest first.

    Their names start with the time of their start; wandb leaves a `.synced` file in those that it has uploaded.
    """
    found = sorted((runs / "wandb").glob("offline-run-*"))
    return [folder for folder in found if folder.is_dir() and not list(folder.glob("*.synced"))]


def sync(runs: Path, say: Say, execute: Execute | None = None) -> int:
    """Upload every offline run of a folder.

    Args:
        runs: the folder of computed points.
        say: told what happens.
        execute: runs a command and gives its exit code; by default a process whose output is not shown.

    Returns:
        Number of runs that could not be uploaded; they stay for the next time.

    Raises:
        InputError: wandb is not installed, or finds no key.
    """
    from repro.tracking import has_key

    waiting = offline_runs(runs)
    if not waiting:
        say(f"no offline runs wait in '{runs / 'wandb'}'")
        return 0
    if not has_key():
        raise InputError("wandb has no key: set WANDB_API_KEY or run 'wandb login' first")
    failed = 0
    for number, folder in enumerate(waiting, start=1):
        code = (execute or _execute)([sys.executable, "-m", "wandb", "sync", str(folder)])
        failed += code != 0
        say(f"[{number}/{len(waiting)}] {folder.name}: {'uploaded' if code == 0 else 'failed'}")
    return failed


def _execute(command: Sequence[str]) -> int:
    return subprocess.run(command, capture_output=True, check=False).returncode
