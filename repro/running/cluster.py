"""Points as jobs of a cluster, or of this machine, through submitit: one job for each, resumed where it was cut off.

One layer puts jobs back into the queue: submitit, on the signal that SLURM sends ahead of a time limit or a preemption
(SLURM itself may do it too, when it takes a node away). Either way the job starts anew with the same point, and the
point goes on from its last checkpoint.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from rich.console import Console

from repro.config.listed import Listed
from repro.running import jobs, stopping
from repro.running.cluster_options import ClusterOptions, default_jobs
from repro.running.display import Display
from repro.running.folders import RunSettings, finished
from repro.running.jobs import Job
from repro.running.launch import environment, unfinished
from repro.running.runner import run_point
from repro.utils.errors import InputError

POLL_SECONDS = 1.0
QUEUE_POLL_SECONDS = 15.0
GONE_SECONDS = 20.0
"""How long to wait for the result of a job that has left the queue: files of other machines appear late."""


class PointJob:
    """The function that a job runs: one point. submitit calls `checkpoint` for what to run when it starts again."""

    def __call__(self, point: Listed, settings: RunSettings) -> str:
        """Compute the point, or continue it; returns its folder."""
        try:
            return str(run_point(point, settings))
        except SystemExit:  # from submitit's handler; an interpreter waits for its living children
            for child in multiprocessing.active_children():
                child.kill()
            raise

    def checkpoint(self, point: Listed, settings: RunSettings) -> Any:
        """Submit the same again: the point resumes from its own checkpoint."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, point, settings)


class Cluster:
    """Submit points, and tell which of their jobs still live.

    Args:
        settings: where and on what each point is computed.
        options: what a job asks for.
        at_a_time: points at a time; None: every core of this machine, or what the cluster gives.
        name: of the jobs, as the queue shows them.
    """

    def __init__(self, settings: RunSettings, options: ClusterOptions, at_a_time: int | None, name: str) -> None:
        self.settings = dataclasses.replace(settings, runs=settings.runs.resolve())
        self.options, self.at_a_time, self.name = options, at_a_time, name
        self.slurm = options.launcher == "slurm"
        stamp = f"{name}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
        self.folder = self.runs / "jobs" / stamp
        self._handles: dict[str, Any] = {}
        self._queue: dict[str, tuple[str, str]] | None = None
        self._queue_read = -float("inf")

    @property
    def runs(self) -> Path:
        """Folder for everything computed."""
        return self.settings.runs

    def room(self) -> int:
        """How many points may be submitted now; a scheduler accepts all."""
        busy = sum(not handle.done() for handle in self._handles.values())
        return sys.maxsize if self.slurm else default_jobs(self.at_a_time) - busy

    def submit(self, points: Sequence[Listed]) -> dict[Listed, Job]:
        """One job for each point, as one array where there are several; noted in the points' folders.

        Raises:
            InputError: SLURM refuses them.
        """
        with _refusals(self.folder):
            handles = self._executor.map_array(PointJob(), points, [self.settings] * len(points))
        submitted = {}
        for point, handle in zip(points, handles, strict=True):
            folder = self.folder.relative_to(self.runs).as_posix()
            job = Job(handle.job_id, self.options.launcher, folder, handle.num_tasks)
            jobs.remember(self.runs, point, job)
            submitted[point] = job
            self._handles[job.job] = handle
        return submitted

    @cached_property
    def _executor(self) -> Any:
        return self.options.executor(
            self.folder, self.name, self.settings, environment(self.settings.threads), self.at_a_time
        )

    def alive(self, job: Job) -> bool:
        """Whether a job waits or runs; also where the scheduler does not answer."""
        if not self.slurm:
            handle = self._handles.get(job.job)
            return handle is not None and not handle.done()
        if time.monotonic() - self._queue_read > QUEUE_POLL_SECONDS:
            self._queue, self._queue_read = jobs.queue(), time.monotonic()
        return self._queue is None or job.job in self._queue

    def cancel(self) -> None:
        """Stop the jobs of this machine; those of a cluster go on."""
        for handle in self._handles.values() if not self.slurm else ():
            handle.cancel()


@contextlib.contextmanager
def _refusals(folder: Path) -> Iterator[None]:
    """Turn a refused submission into one line, and remove its folder."""
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    except (FailedJobError, FailedSubmissionError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        reason = " ".join(line.removeprefix("sbatch: ").removeprefix("error: ") for line in str(error).splitlines())
        raise InputError(f"sbatch refused the jobs: {reason}") from error


def run_points(
    points: Sequence[Listed],
    settings: RunSettings,
    options: ClusterOptions,
    at_a_time: int | None,
    name: str,
    console: Console,
) -> dict[str, str]:
    """Compute all points that are not finished, each as a job.

    Points whose jobs still wait or run are not submitted again.

    Args:
        points: what to compute; the same computation listed twice runs once.
        settings: where and on what.
        options: the launcher and what a job asks for; with `detach` the jobs are submitted and nothing is awaited.
        at_a_time: points at a time; None: every core of this machine, or what the cluster gives.
        name: of the jobs.
        console: where progress goes.

    Returns:
        Failures: point label -> reason. Empty when all went well.

    Raises:
        InputError: SLURM refuses the jobs.
        repro.running.stopping.Stopped: by Ctrl-C or SIGTERM; jobs of this machine are stopped, those of a cluster
            go on.
    """
    todo = unfinished(points, settings, console)
    if not todo:
        return {}
    cluster = Cluster(settings, options, at_a_time, name)
    pending = _living(todo, cluster)
    if pending:
        console.print(f"{len(pending)} points have jobs already", highlight=False)
    waiting = [point for point in todo if point not in pending]
    if cluster.slurm and waiting:
        pending |= cluster.submit(waiting)
        _say(f"job {pending[waiting[0]].job.partition('_')[0]}: {len(waiting)} points submitted", console)
        waiting = []
    _say(f"logs: {settings.runs / 'jobs'}", console)
    if options.detach:
        return {}
    try:
        return _wait(todo, waiting, pending, cluster, console)
    except (stopping.Stopped, KeyboardInterrupt):
        cluster.cancel()
        if cluster.slurm:
            _say("the jobs go on: `repro status` shows them, scancel stops them", console)
        raise


def _say(text: str, console: Console) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _living(points: Sequence[Listed], cluster: Cluster) -> dict[Listed, Job]:
    """Points that SLURM still has jobs of, or may have: while squeue does not answer no job counts as gone."""
    if not cluster.slurm:
        return {}
    known = {point: job for point in points if (job := jobs.job_of(cluster.runs, point)) and job.launcher == "slurm"}
    queue = jobs.queue_for(known.values())
    return known if queue is None else {point: job for point, job in known.items() if job.job in queue}


def _wait(
    todo: Sequence[Listed], waiting: list[Listed], pending: dict[Listed, Job], cluster: Cluster, console: Console
) -> dict[str, str]:
    """Follow the jobs to their ends; points that still wait are submitted as there is room."""
    failures: dict[str, str] = {}
    gone: dict[Listed, float] = {}
    with Display(todo, cluster.settings, console) as display:
        while pending or waiting:
            while waiting and cluster.room() > 0:
                point = waiting.pop(0)
                pending |= cluster.submit([point])
            for point, job in list(pending.items()):
                reason = _reason(point, job, cluster, gone)
                if reason is not None:
                    del pending[point]
                    display.finish(point, reason)
                    if reason:
                        failures[point.full_name] = reason
            display.refresh()
            time.sleep(POLL_SECONDS)
    return failures


def _reason(point: Listed, job: Job, cluster: Cluster, gone: dict[Listed, float]) -> str | None:
    """Why a job failed, "" where its point is finished, None while it waits or runs."""
    if finished(cluster.runs, point):
        return ""
    if end := job.end(cluster.runs):
        return end
    if cluster.alive(job):
        gone.pop(point, None)
        return None
    now = time.monotonic()
    if cluster.slurm and now - gone.setdefault(point, now) < GONE_SECONDS:
        return None
    log = job.log(cluster.runs)
    return f"its job {job.job} was stopped or killed (log: {log}); run the same command again to continue"
