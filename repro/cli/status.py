"""`repro status`: how far every point is, read from its folder; nothing is computed and no job is touched.

A point runs where its `.lock` is held: the system drops a lock with its process, even a killed one. A shared disk may
not show locks of other machines, so for a point that was last started elsewhere SLURM's queue decides, and where there
is none, whether its folder changed within the last `QUIET_SECONDS`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import platform
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tyro
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from repro.cli.selection import Overrides, select_points
from repro.config.point import Point
from repro.running import events
from repro.running.folders import DONE, PROGRESS, point_folder
from repro.running.jobs import Job, job_of, queue_for
from repro.utils.errors import InputError
from repro.utils.formatting import duration
from repro.utils.paths import experiments

STATES = ("done", "running", "queued", "failed", "stopped", "open")
COLOURS = {"done": "green", "running": "cyan", "queued": "blue", "failed": "red", "stopped": "yellow", "open": "dim"}
WAITING = ("PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "CONFIGURING")
"""States of a job in SLURM's queue that does not compute."""
QUIET_SECONDS = 600.0
Queue = Mapping[str, tuple[str, str]]


@dataclass(frozen=True)
class State:
    """How far a point is.

    Attributes:
        point: which.
        state: done, running, queued, failed, stopped (begun, and nobody computes it) or open (not begun).
        done, total: epochs; 0 of 0 where nothing is known.
        spent, left: seconds of computing so far and to come, NaN where nothing is known.
        where: host and job.
        reason: of a failure or a stop, in one line.
    """

    point: Point
    state: str
    done: int = 0
    total: int = 0
    spent: float = math.nan
    left: float = math.nan
    where: str = ""
    reason: str = ""


def states(points: Sequence[Point], runs: Path) -> list[State]:
    """The state of every point; SLURM is asked once, and only where an unfinished point was submitted to it."""
    known = {point: None if _read(point, runs, DONE) else job_of(runs, point) for point in points}
    queue = queue_for(known.values())
    return [_state(point, runs, known[point], queue) for point in points]


def _state(point: Point, runs: Path, job: Job | None, queue: Queue | None) -> State:
    if done := _read(point, runs, DONE):
        return State(point, "done", spent=float(done.get("seconds", math.nan)), left=0.0)
    progress, last = _read(point, runs, PROGRESS), events.last(point_folder(runs, point))
    done_epochs, total = int(progress.get("done", 0)), int(progress.get("total", 0))
    spent = float(progress.get("seconds", math.nan))
    left = spent / done_epochs * (total - done_epochs) if done_epochs else math.nan
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
    if _locked(folder):
        return "running", ""
    if in_queue and in_queue[0] in WAITING:
        return "queued", ""
    elsewhere = started and last.get("host") != platform.node()
    if in_queue and (elsewhere or not started):
        return "running", ""
    if failed := events.failure(folder):
        return "failed", str(failed.get("reason", ""))
    if reason := job.end(runs) if job else None:
        return "failed", reason
    if elsewhere and queue is None and time.time() - _changed(folder) < QUIET_SECONDS:
        return "running", ""
    if job and queue is None and job.launcher == "slurm" and job.time > _changed(folder, but="job.json"):
        return "queued", ""
    begun = (folder / "last.ckpt").exists() or started
    ended = f"job {job.job} has ended; its log: {job.log(runs)}" if job else ""
    return ("stopped", ended) if begun or job else ("open", "")


def _locked(folder: Path) -> bool:
    """Whether a process holds the point's lock; a shared lock, given back at once, disturbs nobody."""
    try:
        with (folder / ".lock").open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _changed(folder: Path, but: str = "") -> float:
    """When a file of a folder last changed, seconds since 1970."""
    times = [0.0]
    with contextlib.suppress(OSError):
        times += [path.stat().st_mtime for path in folder.iterdir() if path.name != but]
    return max(times)


def _read(point: Point, runs: Path, name: str) -> dict[str, Any]:
    """What a JSON file of a point says; empty where it is missing, half written or no object."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return dict(json.loads((point_folder(runs, point) / name).read_text()))
    return {}


def summary(name: str, found: Sequence[State]) -> str:
    """One line: how many points are in each state, and the longest time left of those that run."""
    counts = Counter(state.state for state in found)
    said = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state]) or "no points"
    left = [state.left for state in found if state.state == "running" and not math.isnan(state.left)]
    rest = f"; those that run need {duration(max(left))} more" if left else ""
    return f"{name}: {len(found)} points: {said}{rest}"


def table(found: Sequence[State]) -> Table:
    """One row for each point."""
    shown = Table(box=None, pad_edge=False)
    for column in ("panel", "point", "id", "state", "progress", "spent", "left", "where", "reason"):
        shown.add_column(column, overflow="fold", no_wrap=column != "reason")
    for state in found:
        progress = f"{state.done}/{state.total}" if state.total else ""
        left = duration(state.left) if state.state not in ("done", "failed") else ""
        shown.add_row(
            *(state.point.panel, state.point.label, state.point.point_id),
            Text(state.state, style=COLOURS[state.state]),
            *(progress, duration(state.spent), left, Text(state.where), Text(state.reason)),
        )
    return shown


@dataclass
class Status:
    """How far every point of a figure is: queued, running, done, failed, stopped or open.

    Reads files alone, so it may be asked from any machine that sees the folder; SLURM's queue is asked where there is
    one. "stopped" points continue where they were when their figure is run again.
    """

    figure: tyro.conf.Positional[str] = ""
    """which figure; without one, a line for each figure that has been begun"""
    profile: str = "quick"
    """smoke, quick, desk or paper"""
    only: tuple[str, ...] = ()
    """names, ids or panels of the points wanted, as for `repro run`"""
    runs: Path = Path("runs")
    """folder of computed points"""
    watch: float = 0.0
    """seconds after which to look again, until Ctrl-C; 0 looks once"""
    change: tyro.conf.OmitArgPrefixes[Overrides] = field(default_factory=Overrides)  # type: ignore[valid-type]
    """fields that `repro run` was told to change"""

    def run(self) -> int:
        """Look and print."""
        if not 0 <= self.watch < math.inf:
            raise InputError(f"watch = {self.watch}: expected a number of seconds not below 0")
        figures = (self.figure,) if self.figure else experiments().names()
        chosen = {name: select_points(name, self.profile, self.only, self.change) for name in figures}
        console = Console(width=None if Console().is_terminal else 200)
        if not self.watch:
            console.print(self._shown(chosen))
            return 0
        with Live(self._shown(chosen), console=console, auto_refresh=False, screen=console.is_terminal) as live:
            while True:
                time.sleep(self.watch)
                live.update(self._shown(chosen), refresh=True)

    def _shown(self, chosen: Mapping[str, Sequence[Point]]) -> Group:
        found = {name: states(points, self.runs) for name, points in chosen.items() if points}
        if not self.figure:
            begun = {name: of for name, of in found.items() if any(state.state != "open" for state in of)}
            lines = [summary(f"{name} ({self.profile})", of) for name, of in begun.items()]
            return Group(*(Text(line) for line in lines or [f"nothing of {self.profile} has been begun"]))
        of_figure = found.get(self.figure, [])
        return Group(table(of_figure), Text(), Text(summary(f"{self.figure} ({self.profile})", of_figure)))
