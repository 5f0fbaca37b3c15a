"""A point in its folder: stopped anywhere and continued, finished, longer than before."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import torch

from repro.config.listed import listed_of
from repro.methods.dynamics import DynamicsModule
from repro.methods.module import PointModule
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
    "variational, sampled": COUPLED.change(iterations=70, estimator="sampled", n_samples=40),
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
    assert pd.read_csv(broken / "history.csv")["seconds"].is_monotonic_increasing
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


@pytest.mark.parametrize("spoil", ["missing", "damaged", "of other numbers"])
def test_a_shorter_evolution_that_cannot_be_taken_up_is_passed_over(
    spoil: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = COUPLED.change(method="dynamics", **STEPS)
    whole = history(run(long, tmp_path / "whole"))
    shorter = run(long.change(t_end=0.2), tmp_path), run(long.change(t_end=0.3), tmp_path)
    if spoil == "missing":
        (shorter[1] / CHECKPOINT).unlink()
    elif spoil == "damaged":
        (shorter[1] / CHECKPOINT).write_bytes(b"no checkpoint")
    else:
        monkeypatch.setattr(checkpoints, "NUMBERS", checkpoints.NUMBERS + 1)
    assert history(run(long, tmp_path)).equals(whole)
    events = (point_folder(tmp_path, long) / "events.jsonl").read_text()
    assert '"started"' in events and "failed" not in events


def test_a_finished_search_without_its_state_is_named_with_what_to_remove(tmp_path: Path) -> None:
    search = run(COUPLED.change(iterations=50), tmp_path)
    (search / CHECKPOINT).unlink()
    with pytest.raises(InputError, match=f"first stage: .*remove the folder '{search}' to compute it again"):
        run(COUPLED.change(method="variational+dynamics", iterations=50, **STEPS), tmp_path)


def test_a_finished_point_has_the_seconds_of_its_last_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "fit", lambda module, *_: slow(module))

    def slow(module: PointModule) -> None:
        module.history.append({"t": 1.0, "seconds": 4.0})
        module.seconds_before = 100.0  # what a checkpoint that came back from other processes says, and this clock too

    folder = run(SPINS.change(method="dynamics", **STEPS), tmp_path)
    assert json.loads((folder / DONE).read_text())["seconds"] == 4.0
