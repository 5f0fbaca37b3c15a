"""The job of a point, and how it ended: read from files and from SLURM's queue, without submitit.

runs/points/<point id>/job.json  the job that the point was last submitted as
runs/jobs/<submission>/          submitit's folder: what was submitted, what each task printed, how it ended
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pickle
import re
import shutil
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from repro.running.folders import Identified, point_folder
from repro.utils.files import write_atomic

JOB = "job.json"
QUEUE_SECONDS = 10.0
"""How long to wait for SLURM's answer."""


@dataclass(frozen=True)
class Job:
    """A point's job.

    Attributes:
        job: the scheduler's id, such as "1234_5"; the process id with the launcher `local`.
        launcher: "slurm" or "local".
        folder: submitit's folder, relative to the folder of all runs.
        tasks: processes that share the point.
        time: when it was submitted, seconds since 1970.
    """

    job: str
    launcher: str
    folder: str
    tasks: int = 1
    time: float = 0.0

    def log(self, runs: Path) -> Path:
        """The first process's standard error."""
        return runs / self.folder / f"{self.job}_0_log.err"

    def end(self, runs: Path) -> str | None:
        """How it ended: "" without an error, the reason when it raised, None where there is no result (yet)."""
        outcomes = [_outcome(path) for path in self._results(runs)]
        reasons = [outcome for outcome in outcomes if outcome]
        return reasons[0] if reasons else outcomes[0]

    def ended(self, runs: Path) -> float:
        """When the last of its processes left a result, seconds since 1970; 0 where none has."""
        times = [0.0]
        for path in self._results(runs):
            with contextlib.suppress(OSError):
                times.append(path.stat().st_mtime)
        return max(times)

    def _results(self, runs: Path) -> list[Path]:
        return [runs / self.folder / f"{self.job}_{task}_result.pkl" for task in range(self.tasks)]


def _outcome(path: Path) -> str | None:
    """Result of one task, as submitit left it."""
    try:
        with path.open("rb") as stream:
            kind, value = pickle.load(stream)
    except (OSError, EOFError, ValueError, TypeError, pickle.UnpicklingError):
        return None
    return _last_line(str(value)) if kind == "error" else ""


def _last_line(trace: str) -> str:
    """The exception's own line of a traceback, without the module that defines it."""
    lines = [line for line in trace.splitlines() if re.match(r"[A-Za-z_][\w.]*(:|$)", line)]
    return re.sub(r"^(?:\w+\.)+(\w+(?::|$))", r"\1", lines[-1]) if lines else trace.strip()[-200:]


def remember(runs: Path, point: Identified, job: Job) -> None:
    """Write a point's job into its folder."""
    submitted = dataclasses.replace(job, time=round(time.time(), 1))
    write_atomic(point_folder(runs, point) / JOB, json.dumps(dataclasses.asdict(submitted)))


def job_of(runs: Path, point: Identified) -> Job | None:
    """The job that a point was last submitted as."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return Job(**json.loads((point_folder(runs, point) / JOB).read_text()))
    return None


def queue() -> dict[str, tuple[str, str]] | None:
    """This user's jobs in SLURM's queue: id -> (state, where it runs or why it waits). None: SLURM does not answer."""
    if shutil.which("squeue") is None:
        return None
    command = ["squeue", "--me", "--array", "--noheader", "--format=%i|%T|%R"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=QUEUE_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    rows = [line.split("|", 2) for line in done.stdout.splitlines()]
    return {row[0]: (row[1], row[2]) for row in rows if len(row) == 3}


def queue_for(jobs: Iterable[Job | None]) -> dict[str, tuple[str, str]] | None:
    """SLURM's queue, read only if one of these jobs is SLURM's."""
    return queue() if any(job is not None and job.launcher == "slurm" for job in jobs) else None
