"""The real command line on the smoke profile: a whole figure, skipped points, changed points, a kill half-way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments import load
from repro.cli.main import main
from repro.running.folders import DONE
from repro.utils.result_table import COLUMNS, read_table
from tests.helpers.tables import same_numbers

COMMAND = [sys.executable, "-m", "repro.cli"]
SMOKE = ["run", "fig4", "--profile", "smoke"]
SMOKE_SECONDS = 90  # under a minute, and half as much again for a machine that others use too


def repro(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], cwd=folder, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="session")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str], float]:
    """The smoke figure, computed once by the real command: its folder, its output, its time."""
    folder = tmp_path_factory.mktemp("smoke")
    started = time.perf_counter()
    done = repro(*SMOKE, folder=folder)
    return folder, done, time.perf_counter() - started


def test_smoke_makes_the_figure(smoke: tuple[Path, subprocess.CompletedProcess[str], float]) -> None:
    folder, done, seconds = smoke
    assert done.returncode == 0, done.stderr
    assert seconds < SMOKE_SECONDS
    out = folder / "runs" / "fig4" / "smoke"
    table = read_table(out / "table.csv")
    assert list(table.columns) == list(COLUMNS)
    points = load("fig4").points("smoke")
    assert {(p.panel, p.label) for p in points} == set(zip(table["panel"], table["point"], strict=True))
    for name in ("fig4.png", "fig4.pdf", "reference.csv", "settings.json"):
        assert (out / name).stat().st_size > 0
    assert "off by" in done.stdout
    assert all(f"{p.layers}x{p.width} {p.strings}" in done.stdout for p in points)


def test_off_a_terminal_it_says_one_line_per_point(
    smoke: tuple[Path, subprocess.CompletedProcess[str], float],
) -> None:
    _, done, _ = smoke
    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stdout + done.stderr
    computations = {p.point_id for p in load("fig4").points("smoke")}
    said = [line for line in done.stderr.splitlines() if line.startswith("[")]
    assert len(said) == len(computations)
    assert all("<sigma_z>=" in line for line in said)


def test_a_second_run_computes_nothing(smoke: tuple[Path, subprocess.CompletedProcess[str], float]) -> None:
    folder, _, _ = smoke
    table = folder / "runs" / "fig4" / "smoke" / "table.csv"
    before, stamps = table.read_bytes(), {p: p.stat().st_mtime_ns for p in folder.glob(f"runs/points/*/{DONE}")}
    again = repro(*SMOKE, folder=folder)
    assert again.returncode == 0
    assert f"{len(stamps)} of {len(stamps)} points are finished already" in again.stderr
    assert table.read_bytes() == before
    assert {p: p.stat().st_mtime_ns for p in folder.glob(f"runs/points/*/{DONE}")} == stamps


def test_listing(smoke: tuple[Path, subprocess.CompletedProcess[str], float]) -> None:
    folder, _, _ = smoke
    shown = repro(*SMOKE, "--list", "--only", "b-*", folder=folder).stdout.splitlines()
    expected = [p for p in load("fig4").points("smoke") if p.panel == "b"]
    assert [line.split() for line in shown] == [["b", p.label, p.point_id, "finished"] for p in expected]
    assert any(line.startswith("fig4") for line in repro("list", folder=folder).stdout.splitlines())


def test_changed_points_leave_the_profiles_own_table_alone(
    smoke: tuple[Path, subprocess.CompletedProcess[str], float],
) -> None:
    folder, _, _ = smoke
    own = (folder / "runs" / "fig4" / "smoke" / "table.csv").read_bytes()
    done = repro(*SMOKE, "--only", "a-var-1x32-0s-Jy1.8", "--Jy", "1.35", "--iterations", "3", folder=folder)
    assert done.returncode == 0, done.stderr
    changed = read_table(folder / "runs" / "fig4" / "smoke-changed" / "table.csv")
    assert set(changed["point"]) == {"var-1x32-0s-Jy1.35"}
    assert (folder / "runs" / "fig4" / "smoke" / "table.csv").read_bytes() == own


def _half_way(folder: Path) -> bool:
    """Some points finished, and another one with a checkpoint."""
    points = list((folder / "runs" / "points").glob("*"))
    running = [p for p in points if (p / "last.ckpt").exists() and not (p / DONE).exists()]
    return bool(running) and any((p / DONE).exists() for p in points)


def test_killed_half_way_it_continues_to_the_same_table(
    smoke: tuple[Path, subprocess.CompletedProcess[str], float], tmp_path: Path
) -> None:
    folder, _, _ = smoke
    process = subprocess.Popen([*COMMAND, *SMOKE], cwd=tmp_path, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not _half_way(tmp_path):
        assert process.poll() is None and time.monotonic() < deadline, "ended before it could be killed"
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(0.5)  # its workers die with it
    left = [p for p in (tmp_path / "runs" / "points").glob("*") if not (p / DONE).exists()]
    assert left
    assert repro(*SMOKE, folder=tmp_path).returncode == 0
    tables = [read_table(where / "runs" / "fig4" / "smoke" / "table.csv") for where in (folder, tmp_path)]
    assert same_numbers(*tables)
    statuses = [json.loads((p / DONE).read_text())["point_id"] for p in left]
    assert len(statuses) == len(left)


def test_help_teaches() -> None:
    shown = subprocess.run([*COMMAND, "run", "--help"], capture_output=True, text=True, timeout=120).stdout
    for word in ("--only", "--profile", "--Jy", "--device", "15 minutes", "repro run fig4 --profile smoke"):
        assert word in shown


def test_collecting_computes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = ["--runs", str(tmp_path), "--wandb", "disabled"]
    assert main(["run", "figS3", "--profile", "smoke", "--collect", *folder]) == 0
    assert "0 of 2 points are finished" in capsys.readouterr().err
    assert not (tmp_path / "points").exists()
    assert read_table(tmp_path / "figS3" / "smoke" / "table.csv").empty
    assert (tmp_path / "figS3" / "smoke" / "figS3.png").stat().st_size > 0


def test_fig1_needs_nothing_computed(tmp_path: Path) -> None:
    assert main(["run", "fig1", "--runs", str(tmp_path), "--wandb", "disabled"]) == 0
    assert (tmp_path / "fig1" / "quick" / "fig1.pdf").stat().st_size > 0
