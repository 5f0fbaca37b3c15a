"""The command line on the smoke profile: a whole figure, skipped points, changed points, a kill half-way."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from experiments import load
from repro.cli.main import main
from repro.running.folders import CHECKPOINT, DONE
from repro.utils.result_table import COLUMNS, read_table
from tests.helpers.processes import alive, children
from tests.helpers.tables import same_numbers
from tests.helpers.waiting import wait_for

COMMAND = [sys.executable, "-m", "repro"]
SMOKE = ["run", "fig4", "--profile", "smoke"]
SMOKE_SECONDS = 90  # of processor time: under a minute on two cores, with room for a slower machine
TABLE = Path("runs/fig4/smoke/table.csv")
Smoke = tuple[Path, subprocess.CompletedProcess[str], float]


def processor_seconds() -> float:
    """Of all processes that this one has waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Smoke:
    """The smoke figure, computed once by the real command: its folder, its output, its processor time."""
    folder = tmp_path_factory.mktemp("smoke")
    before = processor_seconds()
    done = subprocess.run([*COMMAND, *SMOKE], cwd=folder, capture_output=True, text=True, timeout=280)
    return folder, done, processor_seconds() - before


def test_smoke_makes_the_figure(smoke: Smoke) -> None:
    folder, done, seconds = smoke
    assert done.returncode == 0, done.stderr
    assert seconds < SMOKE_SECONDS
    table = read_table(folder / TABLE)
    assert list(table.columns) == list(COLUMNS)
    points = load("fig4").points("smoke")
    assert {(p.panel, p.label) for p in points} == set(zip(table["panel"], table["point"], strict=True))
    for name in ("fig4.png", "fig4.pdf", "reference.csv", "settings.json"):
        assert (folder / TABLE).with_name(name).stat().st_size > 0
    assert "off by" in done.stdout
    assert all(f"{p.point.ansatz.size} {p.point.ansatz.strings}" in done.stdout for p in points)


def test_off_a_terminal_it_says_one_line_per_point(smoke: Smoke) -> None:
    _, done, _ = smoke
    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stdout + done.stderr
    computations = {p.point_id for p in load("fig4").points("smoke")}
    said = [line for line in done.stderr.splitlines() if line.startswith("[")]
    assert len(said) == len(computations)
    assert all("<sigma_z>=" in line for line in said)


def test_a_second_run_computes_nothing(
    smoke: Smoke, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _, _ = smoke
    monkeypatch.chdir(folder)
    before, stamps = TABLE.read_bytes(), {p: p.stat().st_mtime_ns for p in folder.glob(f"runs/points/*/{DONE}")}
    assert main(SMOKE) == 0
    assert f"{len(stamps)} of {len(stamps)} points are finished already" in capsys.readouterr().err
    assert TABLE.read_bytes() == before
    assert {p: p.stat().st_mtime_ns for p in folder.glob(f"runs/points/*/{DONE}")} == stamps


def test_listing(smoke: Smoke, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    folder, _, _ = smoke
    monkeypatch.chdir(folder)
    assert main([*SMOKE, "--list", "--only", "b-*"]) == 0
    expected = [p for p in load("fig4").points("smoke") if p.panel == "b"]
    shown = capsys.readouterr().out.splitlines()
    assert [line.split() for line in shown] == [["b", p.label, p.point_id, "finished"] for p in expected]
    assert main(["list"]) == 0
    assert any(line.startswith("fig4") for line in capsys.readouterr().out.splitlines())


def test_changed_points_leave_the_profiles_own_table_alone(smoke: Smoke, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _, _ = smoke
    monkeypatch.chdir(folder)
    own = TABLE.read_bytes()
    assert main([*SMOKE, "--only", "a-var-1x32-0s-Jy1.8", "--Jy", "1.35", "--iterations", "3"]) == 0
    changed = read_table(Path("runs/fig4/smoke-changed/table.csv"))
    assert set(changed["point"]) == {"var-1x32-0s-Jy1.35"}
    assert TABLE.read_bytes() == own


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_killed_half_way_no_worker_lives_on_and_the_same_command_gives_the_same_table(
    smoke: Smoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _, _ = smoke
    panel_a = [*SMOKE, "--only", "a-*"]
    process = subprocess.Popen(
        [*COMMAND, *panel_a, "--jobs", "2"], cwd=tmp_path, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )

    def half_way() -> bool:
        """Some points are finished, and another one has a checkpoint."""
        assert process.poll() is None, "it ended before it could be killed"
        points = list(tmp_path.glob("runs/points/*"))
        done = [p for p in points if (p / DONE).exists()]
        return bool(done) and any((p / CHECKPOINT).exists() for p in points if p not in done)

    wait_for(half_way)
    workers = children(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert len(workers) >= 2
    wait_for(lambda: not any(alive(pid) for pid in workers))
    left = [p for p in tmp_path.glob("runs/points/*") if not (p / DONE).exists()]
    assert left
    monkeypatch.chdir(tmp_path)
    assert main(panel_a) == 0
    continued, unbroken = (read_table(where / TABLE).query("panel == 'a'") for where in (tmp_path, folder))
    assert same_numbers(continued, unbroken)
    assert all((p / DONE).exists() for p in left)


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["run", "--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    for word in ("--only", "--profile", "--Jy", "--device", "15 minutes", "repro run fig4 --profile smoke"):
        assert word in shown


def test_collecting_computes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = ["--runs", str(tmp_path), "--wandb", "disabled"]
    assert main(["run", "figS3", "--profile", "smoke", "--collect", *folder]) == 0
    assert "0 of 2 points are finished" in capsys.readouterr().err
    assert not (tmp_path / "points").exists()
    assert read_table(tmp_path / "figS3" / "smoke" / "table.csv").empty
    assert (tmp_path / "figS3" / "smoke" / "figS3.png").stat().st_size > 0


@pytest.mark.parametrize(
    "command", [["list", "fig1"], ["run", "fig1", "--list"], ["run", "fig1", "--collect", "--list"]]
)
def test_a_figure_without_points_says_so(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--profile", "smoke"]) == 0
    assert capsys.readouterr().out == "fig1 has no points: it is drawn without computing\n"


def test_fig1_needs_nothing_computed(tmp_path: Path) -> None:
    assert main(["run", "fig1", "--runs", str(tmp_path), "--wandb", "disabled"]) == 0
    assert (tmp_path / "fig1" / "quick" / "fig1.pdf").stat().st_size > 0
