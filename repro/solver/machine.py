"""Where and how the runs of a problem are computed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from repro.config.listed import Listed
from repro.methods.batch_size import GIB
from repro.running import launch
from repro.running.devices import check_device
from repro.running.display import Display
from repro.running.folders import RunSettings
from repro.running.runner import run_point
from repro.utils.errors import InputError
from repro.utils.files import check_folder
from repro.utils.validation import MOST_PROCESSES, check_int, check_memory, check_text, shorten


class FailedError(RuntimeError):
    """A run failed; the message says which and why, and the same call goes on from its last good state."""


@dataclass(frozen=True)
class Machine:
    """Here, or in processes of their own.

    Attributes:
        settings: of every run.
        jobs: processes; 0 computes in this one.
        quiet: show no progress.
    """

    settings: RunSettings
    jobs: int
    quiet: bool

    def say(self, line: str) -> None:
        """Show a line of progress."""
        from rich.console import Console

        Console(stderr=True, quiet=self.quiet, highlight=False).print(line, markup=False, soft_wrap=True)

    def compute(self, todo: Sequence[Listed]) -> None:
        """Compute points that are not finished.

        Raises:
            FailedError: a run in a process of its own failed.
            repro.methods.sanity.WrongNumbersError: the numbers of a run in this process failed a check.
        """
        from rich.console import Console

        console = Console(stderr=True, quiet=self.quiet)
        if self.jobs:
            failures = launch.run_points(todo, self.settings, self.jobs, console)
            if failures:
                raise FailedError("; ".join(f"{label}: {reason}" for label, reason in failures.items()))
            return
        unfinished = launch.unfinished(todo, self.settings, console)
        if unfinished:
            with Display(unfinished, self.settings, console) as display, _refreshing(display) as lock:
                for point in unfinished:
                    run_point(point, self.settings)
                    with lock:
                        display.finish(point, "")


def run_settings(runs: Path | str, jobs: int, device: str, threads: int, memory: float, unit: float) -> RunSettings:
    """Settings of runs from what a user gives.

    Raises:
        InputError: anything that cannot be used.
    """
    if not isinstance(runs, str | os.PathLike):
        raise InputError(f"runs = {shorten(runs)}: expected a folder")
    folder = Path(runs)
    check_int("jobs", jobs, 0, MOST_PROCESSES)
    check_int("threads", threads, 1, MOST_PROCESSES)
    check_memory(memory)
    check_device(check_text("device", device))
    check_folder(folder)
    return RunSettings(folder, device, threads, "disabled", int(memory * GIB), time_unit=unit)


@contextmanager
def _refreshing(display: Display) -> Iterator[threading.Lock]:
    """Show progress while this thread computes; hold the lock to change what is shown."""
    lock, done = threading.Lock(), threading.Event()

    def show() -> None:
        while not done.wait(launch.POLL_SECONDS):
            with lock:
                display.refresh()

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield lock
    finally:
        done.set()
        thread.join()
