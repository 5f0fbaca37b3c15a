"""`repro sync`: what waits is found and uploaded in order, once, and never without a key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from repro import cli, tracking
from repro.errors import InputError
from repro.sync import offline_runs, sync
from repro.tracking import Tracker

NAMES = ["offline-run-20260102_000000-b", "offline-run-20260101_000000-a", "offline-run-20260103_000000-c"]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in NAMES:
        (tmp_path / "wandb" / name).mkdir(parents=True)
    (tmp_path / "wandb" / NAMES[2] / "run-c.wandb.synced").touch()
    (tmp_path / "wandb" / "run-20260101_000000-online").mkdir()
    monkeypatch.setattr(tracking, "has_key", lambda: True)
    return tmp_path


def test_oldest_first_and_none_twice(runs: Path) -> None:
    assert [folder.name for folder in offline_runs(runs)] == [NAMES[1], NAMES[0]]


def test_uploads_each_and_counts_failures(runs: Path) -> None:
    commands: list[Sequence[str]] = []
    said: list[str] = []

    def execute(command: Sequence[str]) -> int:
        commands.append(command)
        return len(commands) - 1

    assert sync(runs, said.append, execute) == 1
    assert [Path(command[-1]).name for command in commands] == [NAMES[1], NAMES[0]]
    assert all(command[1:4] == ["-m", "wandb", "sync"] for command in commands)
    assert "uploaded" in said[0] and "failed" in said[1]


def test_without_a_key_nothing_is_tried(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "has_key", lambda: False)
    with pytest.raises(InputError, match="no key"):
        sync(runs, print, lambda command: pytest.fail("tried"))


def test_nothing_to_do_is_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["sync", "--runs", str(tmp_path)]) == 0
    assert "no offline runs" in capsys.readouterr().out


def test_finds_what_wandb_writes(tmp_path: Path) -> None:
    with Tracker({"point_id": "p"}, group="g", name="n", job_type="train", folder=tmp_path, mode="offline") as tracker:
        tracker.log({"t": 0.0, "sigma_z": 1.0})
    assert len(offline_runs(tmp_path)) == 1
