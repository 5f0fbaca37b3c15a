"""A point that another process computes: waited for or passed over, and never computed twice."""

from __future__ import annotations

import io
import time
from pathlib import Path
from threading import Thread

import pytest
from filelock import FileLock
from rich.console import Console

from repro.running import events, launch
from repro.running.folders import RunSettings, finished, point_folder
from repro.running.launch import run_points
from repro.running.runner import BusyError, run_point
from tests.helpers.points import SEARCHED, run

OTHER = SEARCHED.change(seed=1)


def held(runs: Path) -> FileLock:
    """The lock of the point, as if another process computed it."""
    folder = point_folder(runs, SEARCHED)
    folder.mkdir(parents=True)
    lock = FileLock(folder / ".lock", is_singleton=False, thread_local=False)
    lock.acquire()
    return lock


def test_a_point_that_is_computed_elsewhere_is_not_begun(tmp_path: Path) -> None:
    lock = held(tmp_path)
    settings = RunSettings(tmp_path, tracking="disabled")
    with pytest.raises(BusyError, match=f"{SEARCHED.point_id} is computed elsewhere: another process holds"):
        run_point(SEARCHED, settings, wait=False)
    assert events.read(point_folder(tmp_path, SEARCHED)) == []
    lock.release()
    run_point(SEARCHED, settings, wait=False)
    assert finished(tmp_path, SEARCHED)


def test_the_others_come_first_and_what_was_computed_elsewhere_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "BUSY_SECONDS", 0.2)
    lock = held(tmp_path)
    order: list[bool] = []

    def other_process() -> None:
        """Finishes the point once the command has computed all else."""
        deadline = time.monotonic() + 60
        while not finished(tmp_path, OTHER) and time.monotonic() < deadline:
            time.sleep(0.02)
        order.append(finished(tmp_path, OTHER))
        done = run(SEARCHED, tmp_path / "elsewhere")
        for path in done.iterdir():
            path.rename(point_folder(tmp_path, SEARCHED) / path.name)
        lock.release()

    thread = Thread(target=other_process)
    thread.start()
    console = Console(file=io.StringIO(), width=200)
    failures = run_points([SEARCHED, OTHER], RunSettings(tmp_path, tracking="disabled"), 1, console)
    thread.join()
    assert (failures, order) == ({}, [True])
    lines = [line for line in console.file.getvalue().splitlines() if "waiting" in line]  # type: ignore[attr-defined]
    lock_file = point_folder(tmp_path, SEARCHED) / ".lock"
    reason = f"{SEARCHED.point_id} is computed elsewhere: another process holds '{lock_file}'"
    assert lines == [f"waiting for {SEARCHED.label}: {reason}"]
    assert [event["event"] for event in events.read(point_folder(tmp_path, SEARCHED))] == ["started", "finished"]


def test_a_first_stage_that_is_computed_elsewhere_is_not_waited_for(tmp_path: Path) -> None:
    """A worker that waited for its lock would not hear of a stop; the command asks again later."""
    point = SEARCHED.change(method="variational+dynamics", tau=0.1, t_end=0.2, step_iterations=2)
    stage = point.point.first_stage
    assert stage is not None and stage.point_id == SEARCHED.point_id
    lock, settings = held(tmp_path), RunSettings(tmp_path, tracking="disabled")
    with pytest.raises(BusyError, match=f"its first stage, {SEARCHED.point_id}, is computed elsewhere"):
        run_point(point, settings, wait=False)
    assert events.read(point_folder(tmp_path, point)) == []
    lock.release()
    run_point(point, settings, wait=False)
    assert finished(tmp_path, point) and finished(tmp_path, SEARCHED)
