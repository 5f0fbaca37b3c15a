"""`repro status`: its table, its one-line summaries, watching, refusals."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from experiments import load
from repro.cli import status
from repro.cli.main import main
from repro.running import jobs
from repro.running.jobs import Job, remember

SUBMITTED = Job("7_0", "slurm", "jobs/test")


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "queue", lambda: {"7_0": ("PENDING", "Priority")})
    points = load("figS3").points("smoke")
    remember(tmp_path, points[0], SUBMITTED)
    options = ["--profile", "smoke", "--runs", str(tmp_path)]
    assert main(["status", "figS3", *options]) == 0
    out = capsys.readouterr().out
    assert [line.split()[:3] for line in out.splitlines() if points[0].point_id in line] == [
        [points[0].label, points[0].point_id, "queued"]
    ]
    assert out.splitlines()[-1] == f"figS3 (smoke): {len(points)} points: 1 queued, {len(points) - 1} open"
    assert main(["status", *options]) == 0
    assert "figS3 (smoke): " in capsys.readouterr().out
    assert main(["status", "--profile", "paper", "--runs", str(tmp_path / "none")]) == 0
    assert "nothing of paper has been begun" in capsys.readouterr().out
    assert not (tmp_path / "none").exists()


def test_watching_looks_again_until_ctrl_c(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(status.time, "sleep", sleep)
    assert main(["status", "figS3", "--profile", "smoke", "--watch", "5", "--runs", str(tmp_path)]) == 130
    assert looks == [5.0, 5.0, 5.0]
    assert "figS3 (smoke): " in capsys.readouterr().out


def test_refusals(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "fig44"]) == 2
    for seconds in ("-1", "1e300", "nan"):
        assert main(["status", "fig4", "--watch", seconds]) == 2
        assert ": expected a number of seconds from 0 to 86400" in capsys.readouterr().err
