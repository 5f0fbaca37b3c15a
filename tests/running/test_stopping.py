"""SIGTERM and Ctrl-C: the running step is finished and saved, the exit code says which, and how to go on is printed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import torch

from repro.cli import run
from repro.cli.main import main
from repro.running import events
from repro.running.folders import CHECKPOINT
from repro.utils.result_table import read_table
from tests.helpers.tables import same_numbers
from tests.helpers.waiting import send_when

TABLE = Path("runs/fig4/smoke-changed/table.csv")
SIGNALS = {signal.SIGTERM: 143, signal.SIGINT: 130}


def command(step_iterations: int) -> list[str]:
    only = ["--only", "a-dyn-1x32-0s-Jy1.8", "--step-iterations", str(step_iterations), "--first-steps", "0"]
    return ["run", "fig4", "--profile", "smoke", "--wandb", "disabled", "--jobs", "1", *only, "--t-end", "0.4"]


EVOLVED = command(150)


def saved_steps(folder: Path) -> int:
    """Time steps in the checkpoint, and the start; zero without one."""
    found = list(folder.glob(f"runs/points/*/{CHECKPOINT}"))
    return len(torch.load(found[0], weights_only=True)["history"]) if found else 0


def heard(folder: Path) -> list[str]:
    points = list(folder.glob("runs/points/*"))
    return [str(event["event"]) for point in points for event in events.read(point)]


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unbroken")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(EVOLVED) == 0
    return folder / TABLE


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)], ids=lambda number: number.name
)
def test_the_step_is_finished_and_the_same_command_goes_on(
    number: signal.Signals,
    unbroken: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    thread = send_when(lambda: saved_steps(tmp_path), number)
    assert main(EVOLVED) == SIGNALS[number]
    thread.join()
    said = capfd.readouterr().err.splitlines()
    assert said[0].startswith("stopping when the running time steps are finished")
    assert said[-1].endswith("repro " + " ".join(EVOLVED))
    assert "Traceback" not in "".join(said)
    assert heard(tmp_path) == ["started", "stopped"]
    assert 1 < saved_steps(tmp_path) < 5
    assert not TABLE.exists()
    assert main(EVOLVED) == 0
    assert heard(tmp_path) == ["started", "stopped", "resumed", "finished"]
    assert same_numbers(read_table(TABLE), read_table(unbroken))


def test_a_second_signal_stops_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    thread = send_when(lambda: heard(tmp_path), signal.SIGTERM, signal.SIGTERM)
    assert main(command(1_000_000)) == 143
    thread.join()
    assert "Traceback" not in capfd.readouterr().err
    assert heard(tmp_path) == ["started"]


def test_before_anything_is_computed_there_is_nothing_to_wait_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run.Run, "run", lambda self: os.kill(os.getpid(), signal.SIGTERM))
    assert main(EVOLVED) == 143
    assert capsys.readouterr().err.startswith("repro: stopped; to go on: repro run fig4")
