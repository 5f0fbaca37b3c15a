"""A point in its folder: stopped anywhere and continued, finished, damaged."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pandas as pd
import pytest
import torch

from repro.config.listed import listed_of
from repro.methods.dynamics import DynamicsModule
from repro.methods.variational import VariationalModule
from repro.running import checkpoints, runner
from repro.running.folders import CHECKPOINT, DONE, finished, point_folder
from repro.utils.errors import InputError
from tests.helpers.points import (
    COUPLED,
    EVOLVED,
    SEARCHED,
    SPINS,
    STEPS,
    Interrupted,
    history,
    run,
    stop_before_checkpoint,
    stop_in_iteration,
)

NAIVE = {"estimator": "naive", "n_samples": 40}
RESUMED = {
    "dynamics, exact sums": COUPLED.change(method="dynamics", **STEPS),
    "dynamics, draws": COUPLED.change(method="dynamics", n_samples=40, **STEPS),
    "dynamics, naive": COUPLED.change(method="dynamics", **STEPS, **NAIVE),
    "variational, exact sums": COUPLED.change(iterations=70),
    "variational, draws": COUPLED.change(iterations=70, n_samples=40),
    "variational, naive": COUPLED.change(iterations=70, **NAIVE),
}


@pytest.mark.parametrize("name", RESUMED)
def test_interrupted_runs_give_the_numbers_of_an_unbroken_one(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = RESUMED[name]
    unbroken, broken = run(point, tmp_path / "unbroken"), point_folder(tmp_path / "broken", point)
    for epoch, iteration in ((0, 2), (2, 3), (2, 0)):  # before any checkpoint, in an epoch, at its very start
        with monkeypatch.context() as patch, pytest.raises(Interrupted):
            stop_in_iteration(patch, epoch, iteration)
            run(point, tmp_path / "broken")
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        stop_before_checkpoint(patch, 2)
        run(point, tmp_path / "broken")
    assert len(torch.load(broken / CHECKPOINT, weights_only=True)["history"]) == 3
    assert not finished(tmp_path / "broken", point)

    run(point, tmp_path / "broken")
    assert history(broken).equals(history(unbroken))
    assert len(history(broken)) == 5
    if name.startswith("variational"):
        assert (broken / "losses.csv").read_bytes() == (unbroken / "losses.csv").read_bytes()


@pytest.mark.parametrize("name", ["dynamics, draws", "variational, draws"])
def test_killed_between_the_last_checkpoint_and_the_results(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = RESUMED[name]
    with monkeypatch.context() as patch:
        patch.setattr(runner, "_write_results", lambda *_: None)
        run(point, tmp_path / "broken")
    assert not finished(tmp_path / "broken", point)
    stop_in_iteration(monkeypatch, 0, 0)  # no iteration is left to do
    broken = run(point, tmp_path / "broken")
    monkeypatch.undo()
    assert history(broken).equals(history(run(point, tmp_path / "unbroken")))


def test_finished_point_is_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = run(SEARCHED, tmp_path)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    stop_in_iteration(monkeypatch, 0, 0)
    run(SEARCHED, tmp_path)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    done = json.loads((folder / DONE).read_text())
    assert listed_of(**done["point"]) == SEARCHED
    assert done["point_id"] == folder.name


TWO_STAGES = EVOLVED.change(method="variational+dynamics", iterations=50)


def test_interrupted_second_stage_gives_the_same_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for stage in (VariationalModule, DynamicsModule):
        with monkeypatch.context() as patch, pytest.raises(Interrupted):
            stop_in_iteration(patch, 1, 4, stage)
            run(TWO_STAGES, tmp_path / "broken")
    broken = run(TWO_STAGES, tmp_path / "broken")
    assert history(broken).equals(history(run(TWO_STAGES, tmp_path / "unbroken")))


@pytest.mark.parametrize("method", ["dynamics", "variational+dynamics"])
def test_a_longer_evolution_continues_the_finished_one(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = COUPLED.change(iterations=20)
    long = base.change(method=method, **STEPS | {"t_end": 0.5})
    whole = history(run(long, tmp_path / "whole"))
    other = long.change(t_end=0.3, Jy=1.7)
    folders = [run(shorter, tmp_path) for shorter in (other, long.change(t_end=0.2), long.change(t_end=0.3))]
    epochs: list[int] = []
    step = DynamicsModule.on_train_epoch_start
    monkeypatch.setattr(
        DynamicsModule, "on_train_epoch_start", lambda self: epochs.append(self.current_epoch) or step(self)
    )
    pd.testing.assert_frame_equal(history(run(long, tmp_path)), whole, check_exact=True)
    assert epochs == [3, 4] and all((folder / CHECKPOINT).exists() for folder in folders)


def damage(folder: Path, kind: str) -> None:
    path = folder / CHECKPOINT
    whole = path.read_bytes()
    match kind:
        case "truncated":
            path.write_bytes(whole[: len(whole) // 2])
        case "empty":
            path.write_bytes(b"")
        case "garbage":
            path.write_bytes(b"not a checkpoint\n" * 50)
        case "flipped":
            path.write_bytes(bytes(byte ^ 0xFF for byte in whole))
        case "plain pickle":
            path.write_bytes(pickle.dumps({"point_id": folder.name}, protocol=2))
        case "other type":
            torch.save([1, 2, 3], path)
        case "folder":
            path.unlink()
            path.mkdir()
        case "foreign":
            torch.save({**torch.load(path, weights_only=True), "point_id": "0123456789ab"}, path)


DAMAGES = ("truncated", "empty", "garbage", "flipped", "plain pickle", "other type", "folder", "foreign")


@pytest.mark.parametrize("kind", DAMAGES)
def test_damaged_checkpoint_is_one_clear_line(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        stop_in_iteration(patch, 1, 0)
        run(EVOLVED, tmp_path)
    folder = point_folder(tmp_path, EVOLVED)
    damage(folder, kind)
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    with pytest.raises(InputError, match=f"checkpoint '.*{CHECKPOINT}'.*remove it to start this point again") as error:
        run(EVOLVED, tmp_path)
    assert "\n" not in str(error.value)
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_missing_checkpoint_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        checkpoints.load(tmp_path / CHECKPOINT, SPINS)
