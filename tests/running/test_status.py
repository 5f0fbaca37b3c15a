"""States of points: every one told from the files of a point, its lock and SLURM's queue."""

from __future__ import annotations

import json
import os
import pickle
import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

from repro.running import events, jobs, status
from repro.running.folders import CHECKPOINT, point_folder
from repro.running.jobs import Job, remember
from tests.helpers.points import COUPLED, run

ELSEWHERE = {"event": "started", "host": "node1", "pid": 1}
HERE = {"event": "resumed", "host": platform.node(), "pid": 1}
SUBMITTED = Job("7_0", "slurm", "jobs/test")
Queue = dict[str, tuple[str, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The point's folder, empty."""
    made = point_folder(tmp_path, COUPLED)
    made.mkdir(parents=True)
    (made / ".lock").touch()
    return made


def asked(patch: pytest.MonkeyPatch, runs: Path, queue: Queue | None = None) -> status.State:
    patch.setattr(jobs, "queue", lambda: queue)
    (state,) = status.states([COUPLED], runs)
    return state


def saved(folder: Path) -> None:
    (folder / CHECKPOINT).touch()
    (folder / "progress.json").write_text(json.dumps({"label": "x", "done": 10, "total": 50, "seconds": 20.0}))


def happened(folder: Path, *events: dict[str, object]) -> None:
    (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))


def ended(folder: Path, outcome: tuple[str, str]) -> None:
    results = folder.parents[1] / SUBMITTED.folder
    results.mkdir(parents=True)
    (results / f"{SUBMITTED.job}_0_result.pkl").write_bytes(pickle.dumps(outcome))


def test_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, tmp_path).state == "open"


def test_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(COUPLED, tmp_path)
    state = asked(monkeypatch, tmp_path)
    assert (state.state, state.left) == ("done", 0.0)
    assert state.spent > 0


def test_a_held_lock_is_a_running_point(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(folder)
    happened(folder, HERE)
    with FileLock(folder / ".lock"):
        state = asked(monkeypatch, tmp_path)
    assert (state.state, state.done, state.total, state.where) == ("running", 10, 50, platform.node())
    assert (state.spent, state.left) == (20.0, 80.0)
    with FileLock(folder / ".lock", timeout=1):  # asking has not kept it
        pass


def test_a_killed_process_leaves_a_stopped_point(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = (
        f"import filelock, time; lock = filelock.FileLock({str(folder / '.lock')!r}); lock.acquire(); "
        "print(1, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        saved(folder)
        happened(folder, HERE)
        assert asked(monkeypatch, tmp_path).state == "running"
        process.kill()
        process.wait()
    assert asked(monkeypatch, tmp_path).state == "stopped"


def test_on_another_machine_the_queue_decides(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(folder)
    happened(folder, ELSEWHERE)
    remember(tmp_path, COUPLED, SUBMITTED)
    state = asked(monkeypatch, tmp_path, {"7_0": ("RUNNING", "node1")})
    assert (state.state, state.where) == ("running", "node1 job 7_0")
    state = asked(monkeypatch, tmp_path, {"7_0": ("PENDING", "BeginTime")})
    assert (state.state, state.where, state.done) == ("queued", "job 7_0 BeginTime", 10)
    state = asked(monkeypatch, tmp_path, {})
    assert state.state == "stopped"
    assert "7_0_0_log.err" in state.reason


def test_without_a_queue_a_quiet_folder_is_a_stopped_point(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(folder)
    happened(folder, ELSEWHERE)
    assert asked(monkeypatch, tmp_path).state == "running"
    long_ago = time.time() - status.QUIET_SECONDS - 1
    for path in folder.iterdir():
        os.utime(path, (long_ago, long_ago))
    assert asked(monkeypatch, tmp_path).state == "stopped"


def test_submitted_and_never_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remember(tmp_path, COUPLED, SUBMITTED)
    assert asked(monkeypatch, tmp_path, {"7_0": ("PENDING", "Priority")}).state == "queued"
    assert asked(monkeypatch, tmp_path, None).state == "queued"
    assert asked(monkeypatch, tmp_path, {}).state == "stopped"


def test_reasons_of_failures(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(folder)
    remember(tmp_path, COUPLED, SUBMITTED)
    ended(folder, ("error", "Traceback (most recent call last):\n  line\nMemoryError: no more\n"))
    state = asked(monkeypatch, tmp_path, {})
    assert (state.state, state.reason) == ("failed", "MemoryError: no more")
    (folder / "failed.json").write_text(json.dumps({"reason": "loss is not finite"}))
    assert asked(monkeypatch, tmp_path, {}).reason == "loss is not finite"
    with FileLock(folder / ".lock"):  # started again
        assert asked(monkeypatch, tmp_path, {}).state == "running"


def test_damaged_files_are_no_obstacle(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(folder)
    for name in ("progress.json", "job.json", "failed.json"):
        (folder / name).write_text('{"done": ')
    (folder / "events.jsonl").write_text(json.dumps(HERE) + '\n{"ev')
    assert asked(monkeypatch, tmp_path).state == "stopped"


def test_the_queue_of_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    squeue = tmp_path / "squeue"
    squeue.write_text("#!/bin/sh\necho '7_0|RUNNING|node1'\necho '7_1|PENDING|(Resources)'\n")
    squeue.chmod(0o755)
    assert jobs.queue() == {"7_0": ("RUNNING", "node1"), "7_1": ("PENDING", "(Resources)")}
    squeue.write_text("#!/bin/sh\nexit 1\n")
    assert jobs.queue() is None


def test_seconds_of_a_first_stage_are_not_those_of_an_epoch(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"label": "x", "done": 1, "total": 25, "seconds": 610.0, "seconds_before": 600.0}
    (folder / "progress.json").write_text(json.dumps(found))
    state = asked(monkeypatch, tmp_path)
    assert (state.spent, state.left) == (610.0, 240.0)


def test_an_old_jobs_failure_does_not_outlive_later_runs(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(folder)
    remember(tmp_path, COUPLED, SUBMITTED)
    ended(folder, ("error", "Traceback\nRuntimeError: node failed\n"))
    happened(folder, HERE | {"time": events.now()})
    assert asked(monkeypatch, tmp_path, {}).reason == "RuntimeError: node failed"
    [result] = (tmp_path / SUBMITTED.folder).glob("*.pkl")
    os.utime(result, (time.time() - 60, time.time() - 60))
    state = asked(monkeypatch, tmp_path, {})
    assert state.state == "stopped" and "node failed" not in state.reason
