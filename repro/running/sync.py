"""Upload offline wandb runs, in the order in which they started, by wandb's own command line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from repro.utils.errors import InputError

Say = Callable[[str], None]
Upload = Callable[[Path], str]

TIMEOUT = 600.0  # seconds; to a server that does not answer `wandb sync` tries for ever and prints nothing


def offline_runs(runs: Path) -> list[Path]:
    """Folders of offline runs that have not been uploaded yet, oldest first.

    Their names start with the time of their start; wandb leaves a `.synced` file in those that it has uploaded.
    """
    folders = sorted((runs / "wandb").glob("offline-run-*"))
    return [folder for folder in folders if folder.is_dir() and not _synced(folder)]


def sync(runs: Path, say: Say, upload: Upload | None = None) -> int:
    """Upload every offline run of a folder.

    Args:
        runs: the folder of computed points.
        say: called with a line for every run.
        upload: uploads a folder and gives the reason why it could not, "" where it could.

    Returns:
        Number of runs that could not be uploaded; they stay for the next time.

    Raises:
        InputError: wandb finds no key.
    """
    from repro.running.tracking_mode import has_key

    waiting = offline_runs(runs)
    if not waiting:
        say(f"no offline runs wait in '{runs / 'wandb'}'")
        return 0
    if not has_key():
        raise InputError("wandb has no key: set WANDB_API_KEY or run 'wandb login' first")
    failed: list[str] = []
    for number, folder in enumerate(waiting, start=1):
        run_id = _run_id(folder)
        # wandb appends what a continued run logged later to what it has, so the earlier part must be there first.
        reason = "an earlier part of it failed" if run_id in failed else (upload or _upload)(folder)
        if reason:
            failed.append(run_id)
        say(f"[{number}/{len(waiting)}] {folder.name}: {f'failed: {reason}' if reason else 'uploaded'}")
    return len(failed)


def _run_id(folder: Path) -> str:
    """`offline-run-<date>_<time>-<id>` -> id."""
    return folder.name.removeprefix("offline-run-").partition("-")[2]


def _synced(folder: Path) -> bool:
    return any(folder.glob("*.synced"))


def _upload(folder: Path) -> str:
    command = [sys.executable, "-m", "wandb", "sync", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return f"no answer from wandb's server within {TIMEOUT:g} s"
    # The exit code tells nothing: `wandb sync` ends with 0 when the server refuses it, too.
    if _synced(folder):
        return ""
    messages = [line.removeprefix("wandb: ") for line in done.stderr.splitlines() if line.strip()]
    return next(
        (line for line in reversed(messages) if "ERROR" in line),
        messages[-1] if messages else f"exit {done.returncode}",
    )
