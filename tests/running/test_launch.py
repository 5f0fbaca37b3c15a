"""Points side by side: once each, failures kept apart, a killed worker reported."""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from rich.console import Console

from experiments import load
from repro.cli.main import main
from repro.config.listed import Listed, listed_of
from repro.running import checkpoints, launch
from repro.running.display import cost
from repro.running.folders import CHECKPOINT, RunSettings, finished, point_folder
from repro.running.launch import run_points
from repro.utils.result_table import read_table
from tests.helpers.command_line import RUN
from tests.helpers.waiting import wait_for

POINT = listed_of(rows=2, cols=2, width=8, feedforward=4, iterations=30)
LONG = POINT.change(iterations=100_000)


def run(points: list[Listed], folder: Path, jobs: int = 1) -> tuple[dict[str, str], str]:
    out = io.StringIO()
    console = Console(file=out, width=200)
    failures = run_points(points, RunSettings(folder, tracking="disabled"), jobs, console)
    return failures, out.getvalue()


def test_the_same_computation_runs_once(tmp_path: Path) -> None:
    failures, said = run([POINT, POINT.change(panel="b"), POINT], tmp_path)
    assert failures == {}
    assert said.count("<sigma_z>") == 1
    assert finished(tmp_path, POINT)
    assert run([POINT], tmp_path) == ({}, "1 of 1 points are finished already\n")


def test_one_failure_leaves_the_others_alone(tmp_path: Path) -> None:
    bad = POINT.change(learning_rate=1e38)  # overflows
    failures, said = run([bad, POINT], tmp_path)
    assert list(failures) == [bad.label]
    assert "is not finite" in failures[bad.label]
    assert "FAILED" in said
    assert finished(tmp_path, POINT)
    assert not finished(tmp_path, bad)


def test_the_command_fails_with_the_reason_and_keeps_what_went_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    good, bad = "var-1x32-0s-Jy1.8", "dyn-1x32-0s-Jy1.8"

    def fail_one(points: list[Listed], *rest: Any) -> dict[str, str]:
        failures = run_points([point for point in points if point.label != bad], *rest)
        return failures | {bad: "the loss is not finite"}

    monkeypatch.setattr(launch, "run_points", fail_one)
    only = ["--only", f"a-{good}", f"a-{bad}", "--wandb", "disabled"]
    assert main([*RUN, "--jobs", "1", "--runs", str(tmp_path), *only]) == 1
    said = capfd.readouterr().err.splitlines()
    assert f"failed: {bad}: the loss is not finite" in said
    assert not [line for line in said if "Traceback" in line]
    assert good in set(read_table(tmp_path / "fig4" / "smoke" / "table.csv")["point"])


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_killed_worker_is_reported_and_every_checkpoint_kept(tmp_path: Path) -> None:
    points = [LONG, LONG.change(seed=1)]
    saved = {point: point_folder(tmp_path, point) / CHECKPOINT for point in points}

    def kill_one_when_both_saved() -> None:
        wait_for(lambda: all(path.exists() for path in saved.values()))
        newest = max(p.pid or 0 for p in multiprocessing.active_children())  # the one an executor may not watch
        os.kill(newest, signal.SIGKILL)

    thread = Thread(target=kill_one_when_both_saved)
    thread.start()
    failures, said = run(points, tmp_path, jobs=2)
    thread.join()
    assert set(failures) == {point.label for point in points}
    assert all("was killed; run the same command again" in reason for reason in failures.values())
    assert said.count("FAILED") == 2
    assert not multiprocessing.active_children()
    for point, path in saved.items():
        assert checkpoints.load(path, point)["history"]
        assert not finished(tmp_path, point)


def test_longer_points_start_first() -> None:
    points = {p.label: p for p in load("fig4").points("paper") if p.panel == "a"}
    order = ("dyn-1x32-0s-Jy1.8", "var-2x64-0s-Jy1.8", "var-2x32-0s-Jy1.8", "var-1x32-0s-Jy1.8")
    costs = [cost(points[label]) for label in order]
    assert costs == sorted(set(costs), reverse=True)
