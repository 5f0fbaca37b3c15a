"""Run the parts: each in a process of its own, killed at its limit, its output in the log and on the screen."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from threading import Lock, Thread

from benchmarks.gpu import archive
from benchmarks.gpu.plan import CHECK_COLUMNS, CHECKS, FINISHING, LEAVING, LOG, Part, Request, Stage, stages
from repro.utils.files import check_writable
from repro.utils.paths import SOURCE

COMMAND = ("-m", "benchmarks.gpu")
POLL = 0.1
JOBS = 6
"""Points side by side: each alone leaves a GPU idle between small kernels."""
DRY_SECONDS = 8.0
LEAST = 10.0
"""Seconds that a part must have left to be started at all."""


class Driver:
    """Parts, their processes and the log.

    Args:
        request: what is to be done.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.end = time.monotonic() + 60 * request.minutes - (0 if request.dry else FINISHING)
        self.log = (request.out / LOG).open("a", buffering=1)
        self.lock = Lock()
        self.failed: list[str] = []

    def say(self, text: str) -> None:
        """A line to the log and the screen."""
        with self.lock:
            print(text, flush=True)
            print(text, file=self.log, flush=True)

    def run(self, stage: Stage, tick: Callable[[], None] = lambda: None) -> None:
        """All parts of a stage; those that are not done at its limit are killed."""
        end = min(self.end, time.monotonic() + stage.seconds)
        waiting, running = list(stage.parts), dict[subprocess.Popen[str], tuple[Part, float, Thread]]()
        try:
            while waiting or running:
                left = end - time.monotonic()
                while waiting and len(running) < stage.jobs and left > LEAST:
                    part = waiting.pop(0)
                    process, reader = self._start(part)
                    running[process] = (part, time.monotonic(), reader)
                for process in [p for p in running if p.poll() is not None]:
                    self._finish(process, *running.pop(process))
                if left <= 0 or (waiting and not running):
                    break
                tick()
                time.sleep(POLL)
        finally:
            for process, (part, started, reader) in running.items():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                self._finish(process, part, started, reader, "killed at its limit")
        for part in waiting:
            self._outcome(part, "not started: no time was left")

    def _start(self, part: Part) -> tuple[subprocess.Popen[str], Thread]:
        command = [sys.executable, *COMMAND, *part.arguments]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1", "WANDB_MODE": "disabled"}
        process = subprocess.Popen(
            command, cwd=SOURCE, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", process_group=0,
        )  # fmt: skip
        reader = Thread(target=self._read, args=(part, process.stdout), daemon=True)
        reader.start()
        return process, reader

    def _read(self, part: Part, stream: io.TextIOBase) -> None:
        for line in stream:
            self.say(f"[{part.name}] {line.rstrip()}")

    def _finish(
        self, process: subprocess.Popen[str], part: Part, started: float, reader: Thread, said: str = ""
    ) -> None:
        reader.join(timeout=2)
        code = process.returncode
        outcome = said or ("done" if code == 0 else f"ended with code {code}")
        self._outcome(part, outcome, time.monotonic() - started)

    def _outcome(self, part: Part, outcome: str, seconds: float = 0.0) -> None:
        self.say(f"{part.name}: {outcome} ({seconds:.0f} s)")
        if outcome != "done":
            self.failed.append(part.name)


def main(request: Request) -> int:
    """Everything in its time; 0 where all parts did what they should.

    Raises:
        InputError: a folder that cannot be written.
    """
    for folder in (request.out, request.runs):
        check_writable(folder)
    with contextlib.suppress(FileExistsError), (request.out / CHECKS).open("x") as stream:
        stream.write(",".join(CHECK_COLUMNS) + "\n")
    driver = Driver(request)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    for stage in stages(request):
        driver.run(stage)
    with archive.packing(request) as pack:
        driver.run(_points(request, driver), pack)
    if driver.failed:
        driver.say(f"not as it should be: {', '.join(driver.failed)}")
    driver.say(f"all in '{request.out}'")
    return 1 if driver.failed else 0


def _points(request: Request, driver: Driver) -> Stage:
    """Points that are missing, told when to stop."""
    from benchmarks.gpu.points import missing

    left = driver.end - time.monotonic()
    until = ("--until", f"{time.time() + (DRY_SECONDS if request.dry else left - LEAVING):.0f}")
    chosen = missing(request.dry)
    parts = [
        Part(f"point {each.figure} {each.label}", ("point", each.point_id, *request.options, *until)) for each in chosen
    ]
    driver.say(f"{len(parts)} points of the paper profile are not in results/; {left:.0f} s are left for them")
    return Stage("points", tuple(parts), left, min(JOBS, 2) if request.dry else JOBS)
