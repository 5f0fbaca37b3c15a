"""`repro sync`: what waits is found and uploaded in order, once, and never without a key."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from repro.cli import main
from repro.running import tracking_mode
from repro.running.sync import TIMEOUT, offline_runs, sync
from repro.utils.errors import InputError
from tests.helpers.paths import ROOT

NAMES = ["offline-run-20260102_000000-b-1", "offline-run-20260101_000000-a-1", "offline-run-20260103_000000-c-1"]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in NAMES:
        (tmp_path / "wandb" / name).mkdir(parents=True)
    (tmp_path / "wandb" / NAMES[2] / "run-c-1.wandb.synced").touch()
    (tmp_path / "wandb" / "run-20260101_000000-online").mkdir()
    monkeypatch.setattr(tracking_mode, "has_key", lambda: True)
    return tmp_path


class Wandb:
    """Stands in for `wandb sync`, which ends with 0 whether or not the server took the run."""

    def __init__(self, refused: str = "", silent: str = "") -> None:
        self.refused, self.silent = refused, silent
        self.commands: list[Sequence[str]] = []

    def __call__(self, command: Sequence[str], timeout: float, **_: Any) -> subprocess.CompletedProcess[str]:
        self.commands.append(command)
        folder = Path(command[-1])
        if folder.name == self.silent:
            raise subprocess.TimeoutExpired(command, timeout)
        if folder.name == self.refused:
            said = "wandb: Syncing 1 run(s):\nwandb: ERROR returned error 401\nwandb: end\n"
            return subprocess.CompletedProcess(command, 0, "", said)
        (folder / f"run-{folder.name[-3:]}.wandb.synced").touch()
        return subprocess.CompletedProcess(command, 0, "", "wandb: Finished syncing\n")


def test_oldest_first_and_none_twice(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb, said = Wandb(), []
    monkeypatch.setattr(subprocess, "run", wandb)
    assert sync(runs, said.append) == 0
    assert [Path(command[-1]).name for command in wandb.commands] == [NAMES[1], NAMES[0]]
    assert all(command[1:4] == ["-m", "wandb", "sync"] for command in wandb.commands)
    assert said == [f"[1/2] {NAMES[1]}: uploaded", f"[2/2] {NAMES[0]}: uploaded"]
    assert sync(runs, said.append) == 0 and len(wandb.commands) == 2


def test_a_refused_run_counts_as_failed_whatever_the_exit_code(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(subprocess, "run", Wandb(refused=NAMES[1]))
    assert main.main(["sync", "--runs", str(runs)]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told == [f"[1/2] {NAMES[1]}: failed: ERROR returned error 401", f"[2/2] {NAMES[0]}: uploaded"]
    assert [folder.name for folder in offline_runs(runs)] == [NAMES[1]]


def test_a_server_that_does_not_answer_is_given_up(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(subprocess, "run", Wandb(silent=NAMES[0]))
    assert sync(runs, said.append) == 1
    assert f"within {TIMEOUT:g} s" in said[1]


def test_the_rest_of_a_continued_run_waits_for_its_beginning(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = "offline-run-20260104_000000-a-1"
    (runs / "wandb" / later).mkdir()
    wandb, said = Wandb(refused=NAMES[1]), []
    monkeypatch.setattr(subprocess, "run", wandb)
    assert sync(runs, said.append) == 2
    assert [Path(command[-1]).name for command in wandb.commands] == [NAMES[1], NAMES[0]]
    assert [folder.name for folder in offline_runs(runs)] == [NAMES[1], later]


def test_without_a_key_nothing_is_tried(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking_mode, "has_key", lambda: False)
    with pytest.raises(InputError, match="no key"):
        sync(runs, print, lambda folder: pytest.fail("tried"))


def test_nothing_to_do_is_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["sync", "--runs", str(tmp_path)]) == 0
    assert "no offline runs" in capsys.readouterr().out


REAL = """
import sys
from pathlib import Path
from repro.running.tracking import Tracker

with Tracker({"point_id": "p"}, group="g", name="n", job_type="train", folder=Path(sys.argv[1]), mode="offline") as run:
    run.log({"t": 0.0, "sigma_z": 1.0})
"""


def test_finds_what_wandb_writes(tmp_path: Path) -> None:
    # in a process of its own: wandb's service and settings would stay with the other tests
    subprocess.run([sys.executable, "-c", REAL, str(tmp_path)], check=True, cwd=ROOT)
    assert len(offline_runs(tmp_path)) == 1
