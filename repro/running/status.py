"""State and progress of every point, read from its folder; nothing is computed and no job is touched.

A point runs where its `.lock` is held: the system drops a lock with its process, even a killed one. A shared disk may
not show locks of other machines, so for a point that was last started elsewhere SLURM's queue decides, and where there
is none, whether its folder changed within the last `QUIET_SECONDS`.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import math
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from repro.running import events
from repro.running.folders import (
    CHECKPOINT,
    DONE,
    HISTORY,
    LOCK,
    LOSSES,
    PROGRESS,
    Identified,
    Labelled,
    finished,
    point_folder,
)
from repro.running.jobs import Job, job_of, queue_for
from repro.utils.locks import held

STATES = ("done", "running", "queued", "failed", "stopped", "open")
WAITING = ("PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "CONFIGURING")
"""States of a job in SLURM's queue that does not compute."""
QUIET_SECONDS = 600.0
Queue = Mapping[str, tuple[str, str]]


class Shown(Labelled, Protocol):
    """A point with its place in a figure."""

    @property
    def panel(self) -> str:
        """Which panel."""
        ...


@dataclass(frozen=True)
class State:
    """State and progress of a point.

    Attributes:
        point: which.
        state: done, running, queued, failed, stopped (begun, and nobody computes it, or no longer whole) or open (not
            begun).
        done, total: epochs; 0 of 0 where nothing is known.
        spent, left: seconds of computing so far and to come, NaN where nothing is known.
        where: host and job.
        reason: of a failure or a stop, in one line.
    """

    point: Shown
    state: str
    done: int = 0
    total: int = 0
    spent: float = math.nan
    left: float = math.nan
    where: str = ""
    reason: str = ""


def states(points: Sequence[Shown], runs: Path) -> list[State]:
    """The state of every point; SLURM's queue is read once, and only if an unfinished point was submitted to it."""
    done = {point for point in points if finished(runs, point)}
    known = {point: None if point in done else job_of(runs, point) for point in points}
    queue = queue_for(known.values())
    return [_done(point, runs) if point in done else _state(point, runs, known[point], queue) for point in points]


def _done(point: Shown, runs: Path) -> State:
    return State(point, "done", spent=float(facts(point, runs, DONE).get("seconds", math.nan)), left=0.0)


def _state(point: Shown, runs: Path, job: Job | None, queue: Queue | None) -> State:
    progress, last = facts(point, runs, PROGRESS), events.last(point_folder(runs, point))
    done_epochs, total = int(progress.get("done", 0)), int(progress.get("total", 0))
    spent = float(progress.get("seconds", math.nan))
    of_epochs = spent - float(progress.get("seconds_before", 0.0))  # without those of a first stage
    left = of_epochs / done_epochs * (total - done_epochs) if done_epochs else math.nan
    host = str(last.get("host", ""))
    in_queue = queue.get(job.job) if job and queue is not None else None
    named = f"job {job.job}" if job and (job.launcher == "slurm" or job.end(runs) is None) else ""
    state, reason = _judge(point_folder(runs, point), runs, job, queue, last)
    if state == "queued":
        where = " ".join(word for word in (named, in_queue[1] if in_queue else "") if word)
    else:
        where = " ".join(word for word in (host, named) if word)
    return State(point, state, done_epochs, total, spent, left, where, reason)


def _judge(folder: Path, runs: Path, job: Job | None, queue: Queue | None, last: Mapping[str, Any]) -> tuple[str, str]:
    """State of an unfinished point, and the reason of a failure or a stop."""
    in_queue = queue.get(job.job) if job and queue is not None else None
    started = last.get("event") in ("started", "resumed")
    if held(folder / LOCK):
        return "running", ""
    if in_queue and in_queue[0] in WAITING:
        return "queued", ""
    elsewhere = started and last.get("host") != platform.node()
    if in_queue and (elsewhere or not started):
        return "running", ""
    if failed := events.failure(folder):
        return "failed", str(failed.get("reason", ""))
    # what was recorded after a job's end (events have whole seconds) is of a later run
    if job and (reason := job.end(runs)) and _time(last) <= job.ended(runs) + 1:
        return "failed", reason
    if elsewhere and queue is None and time.time() - _changed(folder) < QUIET_SECONDS:
        return "running", ""
    if job and queue is None and job.launcher == "slurm" and job.time > _changed(folder, but="job.json"):
        return "queued", ""
    if (folder / DONE).exists():
        damaged = f"{HISTORY} or {LOSSES} is damaged or missing, or of a version that gave other numbers"
        return "stopped", f"was finished; {damaged}"
    begun = (folder / CHECKPOINT).exists() or started
    ended = f"job {job.job} has ended; its log: {job.log(runs)}" if job else ""
    return ("stopped", ended) if begun or job else ("open", "")


def _time(event: Mapping[str, Any]) -> float:
    """When an event was recorded, seconds since 1970; 0 of none."""
    with contextlib.suppress(ValueError, TypeError, KeyError):
        return datetime.datetime.fromisoformat(event["time"]).timestamp()
    return 0.0


def _changed(folder: Path, but: str = "") -> float:
    """When a file of a folder last changed, seconds since 1970."""
    times = [0.0]
    with contextlib.suppress(OSError):
        times += [path.stat().st_mtime for path in folder.iterdir() if path.name != but]
    return max(times)


def facts(point: Identified, runs: Path, name: str) -> dict[str, Any]:
    """Contents of a JSON file of a point; empty where it is missing, half written or no object."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return dict(json.loads((point_folder(runs, point) / name).read_text()))
    return {}
