"""What `make test-slurm` checks on a real SLURM: jobs cut off in three ways end with the numbers of an undisturbed run.

Usage: check.py FOLDER
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from repro.utils.result_table import read_table
from tests.helpers.tables import same_numbers

COMMAND = [sys.executable, "-m", "repro"]
FIGURE = ["run", "fig4", "--profile", "smoke"]
# Long enough to be met while it computes: some seconds a point.
LONG = ["--only", "a-var-1x32-0s-*", "a-var-2x32-0s-Jy1.8", "--iterations", "2000"]
SHARED = ["--only", "a-var-1x32-0s-Jy1.8", "--estimator", "sampled", "--n-samples", "40", "--devices", "2"]
JOBS = ["--launcher", "slurm", "--time-limit", "20"]
SECONDS = 400.0


def step(text: str) -> None:
    print(f"test-slurm: {text}", flush=True)


def wait_for(what: str, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"test-slurm: FAILED: {what}: not within {SECONDS:.0f} s")
        time.sleep(0.5)


def check(what: str, holds: bool) -> None:
    if not holds:
        raise SystemExit(f"test-slurm: FAILED: {what}")
    step(f"  {what}")


def repro(*arguments: str, folder: Path) -> str:
    done = subprocess.run([*COMMAND, *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"test-slurm: FAILED: repro {' '.join(arguments)}: exit {done.returncode}: {done.stderr}")
    return done.stdout + done.stderr


def table(folder: Path) -> Path:
    return folder / "runs" / "fig4" / "smoke-changed" / "table.csv"


def begun(folder: Path) -> dict[str, Path]:
    """Points that have saved something and are not finished, by job id."""
    found = {}
    for point in sorted((folder / "runs" / "points").glob("*")):
        if (point / "last.ckpt").exists() and (point / "job.json").exists() and not (point / "done.json").exists():
            found[json.loads((point / "job.json").read_text())["job"]] = point
    return found


def restarts(job: str) -> int:
    shown = subprocess.run(["scontrol", "show", "job", job], capture_output=True, text=True, check=True).stdout
    return int((re.search(r"Restarts=(\d+)", shown) or ["", "-1"])[1])


def disturb(folder: Path) -> None:
    """Submit, cut every job off in a way of its own, and follow them to their ends."""
    submitted = subprocess.Popen([*COMMAND, *FIGURE, *LONG, *JOBS], cwd=folder)
    wait_for("three jobs that have saved a checkpoint", lambda: len(begun(folder)) == 3 or submitted.poll() is not None)
    warned, taken, told = begun(folder)
    done = {job: json.loads((path / "progress.json").read_text())["done"] for job, path in begun(folder).items()}
    step(f"computing: {', '.join(f'{job} (epoch {epoch})' for job, epoch in done.items())}")
    subprocess.run(["scancel", "--signal=TERM", told], check=True)
    subprocess.run(["scancel", "--signal=USR2", warned], check=True)
    subprocess.run(["scontrol", "requeue", taken], check=True)
    step(f"job {warned} got the signal of a time limit, {taken} was requeued by SLURM, {told} got SIGTERM")
    wait_for("two jobs back in the queue", lambda: min(restarts(job) for job in (warned, taken)) > 0)
    step("both were requeued")
    print(repro("status", "fig4", "--profile", "smoke", *LONG, folder=folder), flush=True)
    check("the command that waited ends with 0", submitted.wait(SECONDS) == 0)
    for job, expected in ((warned, 1), (taken, 1), (told, 0)):
        check(f"job {job} was restarted {restarts(job)} times", restarts(job) == expected)
    said = "".join(path.read_text() for path in (folder / "runs" / "jobs").rglob("*_log.*"))
    check(f"submitit requeued {warned} alone, once", re.findall(r"Requeued job (\S+)", said) == [warned])


def main(root: Path) -> None:
    folders = {name: root / name for name in ("here", "slurm", "shared", "shared-slurm")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    step("1. the same points without SLURM")
    repro(*FIGURE, *LONG, "--jobs", str(min(2, os.cpu_count() or 1)), folder=folders["here"])
    step("2. as an array of jobs, each cut off while it computes")
    disturb(folders["slurm"])
    undisturbed, disturbed = (read_table(table(folders[name])) for name in ("here", "slurm"))
    check(f"both tables have the same {len(disturbed)} rows", same_numbers(undisturbed, disturbed))
    step("3. two processes for one point, submitted with --detach, then collected")
    repro(*FIGURE, *SHARED, folder=folders["shared"])
    started = time.monotonic()
    repro(*FIGURE, *SHARED, *JOBS, "--detach", folder=folders["shared-slurm"])
    step(f"  submitted in {time.monotonic() - started:.0f} s")
    wait_for("the point to finish", lambda: any((folders["shared-slurm"] / "runs/points").glob("*/done.json")))
    repro(*FIGURE, *SHARED, "--collect", folder=folders["shared-slurm"])
    shared = [read_table(table(folders[name])) for name in ("shared", "shared-slurm")]
    check("two processes of srun give the numbers of two processes here", same_numbers(*shared))
    step("4. a partition that is not there")
    refused = subprocess.run(
        [*COMMAND, *FIGURE, *LONG, *JOBS, "--partition", "none", "--runs", "refused"],
        cwd=root, capture_output=True, text=True,
    )  # fmt: skip
    check(f"exit 2: {refused.stderr.strip()}", refused.returncode == 2 and len(refused.stderr.splitlines()) == 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
