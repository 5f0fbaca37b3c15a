"""Run many points side by side on this machine: one process each, one thread each, longest first.

With "cuda" the processes go round the GPUs of this machine.

Workers report through each point's `progress.json`; this process shows it, collects failures and stops the workers
when it is itself stopped. Finished points are skipped.
"""

from __future__ import annotations

import ctypes
import dataclasses
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path

from rich.console import Console

from repro.config.listed import Listed
from repro.running import devices, stopping
from repro.running.display import Display, cost
from repro.running.folders import RunSettings, finished
from repro.running.runner import BusyError, run_point
from repro.running.spawning import ScriptlessContext, Workers
from repro.utils.errors import InputError

POLL_SECONDS = 0.5
BUSY_SECONDS = 5.0
"""How often a point is tried that another process computes, once all others are done."""
PR_SET_PDEATHSIG = 1
# glibc otherwise returns every large tensor to the system and gets it back page by page: a fifth of an iteration.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**30)}


def environment(threads: int) -> dict[str, str]:
    """Variables that a process starts with to compute a point with so many threads."""
    return {name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")} | KEEP_MEMORY


def run_points(points: Sequence[Listed], settings: RunSettings, jobs: int, console: Console) -> dict[str, str]:
    """Compute all points that are not finished.

    Args:
        points: what to compute; the same computation listed twice runs once.
        settings: where and on what.
        jobs: points at a time.
        console: where progress goes; a bar per running point on a terminal, a line per finished point elsewhere.

    Returns:
        Failures: point label -> reason. Empty when all went well.

    Raises:
        InputError: from a worker whose input cannot be used, or that cannot start.
        repro.running.stopping.Stopped: by a signal; the running time steps were finished and saved, or, after
            a second signal, the workers were killed.
    """
    todo = unfinished(points, settings, console)
    if not todo:
        return {}
    context = ScriptlessContext()
    request = _StopRequest(context.Event(), console)
    with (
        stopping.on_signal(request.receive),
        _workers(min(jobs, len(todo)), settings, context, request) as pool,
        Display(todo, settings, console) as display,
    ):
        failures = _all_outcomes(todo, settings, pool, display, request)
    if request.signum:
        raise stopping.Stopped(request.signum)
    return failures


class _StopRequest:
    """Whether the command is to stop: the first signal lets time steps finish, the second does not."""

    def __init__(self, event: Event, console: Console) -> None:
        self.event, self.console = event, console
        self.signum = 0

    def receive(self, signum: int) -> None:
        """Handle a signal."""
        if self.signum:
            raise stopping.Stopped(signum)
        self.signum = signum
        self.event.set()
        self.console.print("stopping when the running time steps are finished; once more to stop at once")


def _all_outcomes(
    todo: Sequence[Listed], settings: RunSettings, pool: Workers, display: Display, request: _StopRequest
) -> dict[str, str]:
    """Wait for every point; one that another process computes is tried again when the others are done."""
    failures: dict[str, str] = {}
    futures = _submit(pool, todo, settings)
    pending, busy, told = set(futures), list[Listed](), dict[str, str]()
    while pending or (busy and not request.signum):
        if not pending:
            display.waits({point.full_name: told[point.point_id] for point in busy})
            time.sleep(BUSY_SECONDS)
            futures |= (again := _submit(pool, busy, settings))
            pending, busy = set(again), []
        done, pending = wait(pending, timeout=POLL_SECONDS)
        for future in done:
            point, error = futures[future], future.exception()
            if isinstance(error, BrokenProcessPool):
                error = _how_it_died(pool)
                _kill_workers(pool)
            if isinstance(error, BusyError):
                busy.append(point)
                told[point.point_id] = str(error)
            elif not isinstance(error, stopping.Stopped):
                display.finish(point, reason := _outcome(error))
                failures |= {point.full_name: reason} if reason else {}
        display.refresh()
    return failures


def _submit(pool: Workers, points: Sequence[Listed], settings: RunSettings) -> dict[Future[Path], Listed]:
    with stopping.signals_blocked():  # submitting starts the workers
        futures = {pool.submit(_run_here, point, settings): point for point in points}
        pool.submit(int)  # an executor watches the workers that it had at the last submission, so not the newest one
    return futures


def unfinished(points: Sequence[Listed], settings: RunSettings, console: Console) -> list[Listed]:
    """Every computation that is not finished, once and longest first; prints how many are finished already."""
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
        return f"its process {error}; run the same command again to continue from the last checkpoint"
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


@contextmanager
def _workers(jobs: int, settings: RunSettings, context: ScriptlessContext, request: _StopRequest) -> Iterator[Workers]:
    variables = environment(settings.threads)
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    pool = Workers(jobs, context, __name__, _start_worker.__name__, os.getpid(), request.event, context.Value("i", 0))
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


def _how_it_died(pool: Workers) -> Exception:
    """ "ended with exit code N" where a worker did that by itself, else it "was killed"; InputError: cannot start."""
    if pool.start_error:
        return InputError(f"a process for the points could not start: {pool.start_error}")
    for _ in range(20):  # its end is noticed a moment before its exit code is there
        codes = [process.exitcode for process in list((pool._processes or {}).values())]
        if own := next((code for code in codes if code is not None and code > 0), None):
            return BrokenProcessPool(f"ended with exit code {own}")
        if any(code is not None and code != -signal.SIGTERM for code in codes):
            break
        time.sleep(0.05)
    return BrokenProcessPool("was killed")


def _kill_workers(pool: Workers) -> None:
    """Kill the workers that still live: they ignore the executor's SIGTERM."""
    for process in list((pool._processes or {}).values()):
        process.kill()


_number = 0
"""Of this worker, in the order of their starts."""


def _start_worker(parent: int, stop: Event, started: Synchronized[int]) -> None:
    """Leave signals to the parent and die with it, so that no orphan computes on."""
    global _number
    stopping.watch(stop)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    with started.get_lock():
        _number = started.value
        started.value += 1


def _run_here(point: Listed, settings: RunSettings) -> Path:
    """Compute a point on this worker's device."""
    device = devices.of_worker(settings.device, settings.devices, _number)
    return run_point(point, dataclasses.replace(settings, device=device), wait=False)
