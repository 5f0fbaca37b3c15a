"""Run many points side by side on this machine: one process each, one thread each, longest first.

Workers report through each point's `progress.json`; this process shows it, collects failures and stops the workers
when it is itself stopped. Finished points are skipped.
"""

from __future__ import annotations

import ctypes
import json
import logging
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.context import SpawnContext
from multiprocessing.synchronize import Event
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from repro.config.point import Point
from repro.running import stopping
from repro.running.folders import PROGRESS, RunSettings, finished, point_folder
from repro.running.runner import BusyError, run_point
from repro.utils.errors import InputError
from repro.utils.formatting import duration

POLL_SECONDS = 0.5
BUSY_SECONDS = 5.0
"""How often a point is tried that another process computes, once nothing else is left to do."""
PR_SET_PDEATHSIG = 1
# glibc otherwise returns every large tensor to the system and gets it back page by page: a fifth of an iteration.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**30)}
log = logging.getLogger(__name__)


def cost(point: Point) -> float:
    """Relative work of a point: iterations times network size; only the order of points depends on it."""
    evolve = sum(point.iterations_of_step(step) for step in range(point.n_steps))
    search = 0 if point.follows_exact_evolution else point.iterations
    iterations = search + (0 if point.method == "variational" else evolve)
    return iterations * (1 + (point.layers - 1) * point.width / 4) * 4.0 ** (point.build_lattice().n_sites - 9)


def run_points(points: Sequence[Point], settings: RunSettings, jobs: int, console: Console) -> dict[str, str]:
    """Compute all points that are not finished.

    Args:
        points: what to compute; the same computation listed twice runs once.
        settings: where and on what.
        jobs: points at a time.
        console: where progress goes; a bar per running point on a terminal, a line per finished point elsewhere.

    Returns:
        Failures: point label -> reason. Empty when all went well.

    Raises:
        InputError: from a worker whose input cannot be used.
        repro.running.stopping.Stopped: asked to stop; the running time steps were finished and saved, or, when asked
            twice, the workers were killed.
    """
    todo = unfinished(points, settings, console)
    if not todo:
        return {}
    context = multiprocessing.get_context("spawn")
    asked = _Asked(context.Event(), console)
    with (
        stopping.on_signal(asked.hear),
        _workers(min(jobs, len(todo)), settings, context, asked) as pool,
        Display(todo, settings, console) as display,
    ):
        failures = _all_outcomes(todo, settings, pool, display, asked)
    if asked.signum:
        raise stopping.Stopped(asked.signum)
    return failures


class _Asked:
    """Whether the command has been asked to stop: the first signal lets time steps finish, the second does not."""

    def __init__(self, event: Event, console: Console) -> None:
        self.event, self.console = event, console
        self.signum = 0

    def hear(self, signum: int) -> None:
        """Take up a signal."""
        if self.signum:
            raise stopping.Stopped(signum)
        self.signum = signum
        self.event.set()
        self.console.print("stopping when the running time steps are finished; once more to stop at once")


def _all_outcomes(
    todo: Sequence[Point], settings: RunSettings, pool: ProcessPoolExecutor, display: Display, asked: _Asked
) -> dict[str, str]:
    """Wait for every point; one that another process computes is tried again when the others are done."""
    failures: dict[str, str] = {}
    futures = _submit(pool, todo, settings)
    pending, busy = set(futures), list[Point]()
    while pending or (busy and not asked.signum):
        if not pending:
            time.sleep(BUSY_SECONDS)
            futures |= (again := _submit(pool, busy, settings))
            pending, busy = set(again), []
        done, pending = wait(pending, timeout=POLL_SECONDS)
        for future in done:
            point, error = futures[future], future.exception()
            if isinstance(error, BrokenProcessPool):
                _kill_workers(pool)
            if isinstance(error, BusyError):
                busy.append(point)
            elif not isinstance(error, stopping.Stopped):
                display.finish(point, reason := _outcome(error))
                failures |= {point.label: reason} if reason else {}
        display.refresh()
    return failures


def _submit(pool: ProcessPoolExecutor, points: Sequence[Point], settings: RunSettings) -> dict[Future[Path], Point]:
    with stopping.signals_blocked():  # submitting starts the workers
        futures = {pool.submit(run_point, point, settings, False): point for point in points}
        pool.submit(int)  # an executor watches the workers it knew when last told of work, so not the newest one
    return futures


def unfinished(points: Sequence[Point], settings: RunSettings, console: Console) -> list[Point]:
    """Every computation that is left, once and longest first; `console` is told how many are there already."""
    unique = {point.point_id: point for point in points}
    todo = sorted((p for p in unique.values() if not finished(settings.runs, p)), key=cost, reverse=True)
    if len(todo) < len(unique):
        console.print(f"{len(unique) - len(todo)} of {len(unique)} points are finished already")
    return todo


def _outcome(error: BaseException | None) -> str:
    """The reason of a failure, empty where all went well; what stops the whole command is raised."""
    if error is None:
        return ""
    if isinstance(error, InputError | KeyboardInterrupt):
        raise error
    if isinstance(error, BrokenProcessPool):
        return "its process was killed; run the same command again to continue from the last checkpoint"
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


@contextmanager
def _workers(jobs: int, settings: RunSettings, context: SpawnContext, asked: _Asked) -> Iterator[ProcessPoolExecutor]:
    environment = {name: str(settings.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")} | KEEP_MEMORY
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    told = (os.getpid(), asked.event)
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_start_worker, initargs=told)
    try:
        yield pool
    except BaseException:
        _kill_workers(pool)
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    pool.shutdown()


def _kill_workers(pool: ProcessPoolExecutor) -> None:
    """Those that are left: they do not hear the executor's SIGTERM."""
    for process in list((pool._processes or {}).values()):
        process.kill()


def _start_worker(parent: int, asked: Event) -> None:
    """A worker leaves signals to its parent and dies with it, so that no orphan computes on."""
    stopping.watch(asked)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


class Display:
    """Progress of running points: bars on a terminal, one line per finished point elsewhere."""

    def __init__(self, points: Sequence[Point], settings: RunSettings, console: Console) -> None:
        self.points, self.settings, self.console = points, settings, console
        self.started = time.monotonic()
        self.stale = {point.point_id: self._text(point) for point in points}
        self.left = {point.point_id: cost(point) for point in points}
        self.all = sum(self.left.values())
        self.finished = 0
        self.tasks: dict[str, TaskID] = {}
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[now]}"),
        )
        self.bars = Progress(*columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal)
        self.total = self.bars.add_task("all points", total=self.all, now="")

    def __enter__(self) -> Display:
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()

    def refresh(self) -> None:
        """Read every running point's status."""
        for point in self.points:
            if point.point_id in self.left and (status := self._status(point)):
                key = point.point_id
                if key not in self.tasks:
                    self.tasks[key] = self.bars.add_task(point.label, total=status["total"], now="")
                self.left[key] = cost(point) * (1 - status["done"] / status["total"])
                self.bars.update(self.tasks[key], completed=status["done"], now=_now(status))
        done = self.all - sum(self.left.values())
        self.bars.update(self.total, completed=done, now=self._time_left(done))

    def finish(self, point: Point, reason: str) -> None:
        """A point has ended, well or not."""
        self.finished += 1
        self.left.pop(point.point_id, None)
        if point.point_id in self.tasks:
            self.bars.remove_task(self.tasks.pop(point.point_id))
        status = self._status(point)
        outcome = f"FAILED: {reason}" if reason else (_now(status) if status else "")
        done = self.all - sum(self.left.values())
        self.console.print(
            f"[{self.finished}/{len(self.points)}] {point.label}  {outcome}  {self._time_left(done)}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )

    def _status(self, point: Point) -> dict[str, float] | None:
        text = self._text(point)
        try:
            return json.loads(text) if text != self.stale[point.point_id] else None
        except ValueError:
            return None

    def _text(self, point: Point) -> str:
        try:
            return (point_folder(self.settings.runs, point) / PROGRESS).read_text()
        except OSError:
            return ""

    def _time_left(self, done: float) -> str:
        seconds = time.monotonic() - self.started
        return f"about {duration(seconds * (self.all - done) / done)} left" if 0 < done < self.all else ""


def _now(status: dict[str, float]) -> str:
    where = f"t={status['t']:.2f}" if "t" in status else f"iteration {status.get('iteration', 0):.0f}"
    return f"{where}  <sigma_z>={status['sigma_z']:+.4f}"
