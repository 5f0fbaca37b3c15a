"""Training against closed-form physics, two stages, and losses and gradients that are not finite."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from repro.config.listed import Listed, listed_of
from repro.methods import losses
from repro.methods.build import seeded_generator
from repro.methods.variational import VariationalModule
from repro.running import checkpoints
from repro.running.folders import CHECKPOINT, RunSettings, finished, point_folder
from repro.running.runner import run_point

FREE = listed_of(lattice="chain", n_sites=2, Jx=0.0, Jy=0.0, Jz=0.0, width=8, feedforward=4)
FREE_EVOLUTION = FREE.change(
    method="dynamics", tau=0.05, step_iterations=80, step_learning_rate=5e-3, step_decay="exponential"
)
SQUARE = listed_of(rows=2, cols=2, width=8, feedforward=4, iterations=60)
STEPS: dict[str, Any] = {"tau": 0.05, "t_end": 0.4, "step_iterations": 6}


def settings(folder: Path) -> RunSettings:
    return RunSettings(folder, tracking="disabled")


def first_stage(listed: Listed) -> Listed:
    assert listed.point.first_stage is not None
    return Listed(listed.point.first_stage)


def history(folder: Path, point: Listed) -> pd.DataFrame:
    return pd.read_csv(point_folder(folder, point) / "history.csv")


def test_free_spins_decay_exponentially(tmp_path: Path) -> None:
    point = FREE_EVOLUTION.change(t_end=1.5)
    run_point(point, settings(tmp_path))
    curve = history(tmp_path, point)
    expected = 2 * (-point.settings["gamma"] * curve["t"]).map(math.exp) - 1
    assert curve["t"].iloc[-1] == pytest.approx(1.5)
    assert abs(curve["sigma_z"] - expected).max() < 0.02
    assert abs(curve["sigma_x"]).max() < 0.02


def test_free_coherence_decays_at_half_the_rate(tmp_path: Path) -> None:
    point = FREE_EVOLUTION.change(initial="left", gamma=2.0, t_end=0.6)
    run_point(point, settings(tmp_path))
    curve = history(tmp_path, point)
    assert curve["sigma_y"].iloc[0] == pytest.approx(-1, abs=1e-5)
    assert abs(curve["sigma_y"] + (-point.settings["gamma"] * curve["t"] / 2).map(math.exp)).max() < 0.02
    assert abs(curve["sigma_z"] - ((-point.settings["gamma"] * curve["t"]).map(math.exp) - 1)).max() < 0.03


def test_free_spins_end_down(tmp_path: Path) -> None:
    point = FREE.change(iterations=300)
    run_point(point, settings(tmp_path))
    assert history(tmp_path, point)["sigma_z"].iloc[-1] == pytest.approx(-1, abs=0.02)


def test_second_stage_starts_where_the_first_ended_and_counts_its_time(tmp_path: Path) -> None:
    point = SQUARE.change(method="variational+dynamics", **STEPS)
    first = first_stage(point)
    run_point(first, settings(tmp_path))
    stamp = (point_folder(tmp_path, first) / "done.json").stat().st_mtime_ns
    run_point(point, settings(tmp_path))
    assert (point_folder(tmp_path, first) / "done.json").stat().st_mtime_ns == stamp
    one, two = history(tmp_path, first), history(tmp_path, point)
    assert two["sigma_z"].iloc[0] == one["sigma_z"].iloc[-1]
    assert two["t"].iloc[0] == 0
    assert two["seconds"].iloc[0] >= one["seconds"].iloc[-1]


def test_generators_differ_for_every_part_of_the_key() -> None:
    def draw(*key: int) -> list[float]:
        return torch.rand(4, generator=seeded_generator(torch.device("cpu"), *key)).tolist()

    keys = [(0, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1), (0, 0, 0, 11), (0, 0, 1, 1)]
    assert len({tuple(draw(*key)) for key in keys}) == len(keys)
    assert draw(*keys[3]) == draw(*keys[3])


@pytest.mark.parametrize("method", ["dynamics", "variational"])
def test_a_loss_that_is_not_finite_stops_the_point(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = SQUARE.change(method=method, **STEPS if method == "dynamics" else {})
    true_loss, calls = getattr(losses, method), []

    def poisoned(*arguments: object) -> losses.LossAndStats:
        calls.append(1)
        loss, stats = true_loss(*arguments)
        return (loss, stats) if len(calls) < 22 else (loss * math.nan, {k: v * math.nan for k, v in stats.items()})

    monkeypatch.setattr(losses, method, poisoned)
    with pytest.raises(FloatingPointError, match="not finite"):
        run_point(point, settings(tmp_path))
    kept = checkpoints.load(point_folder(tmp_path, point) / CHECKPOINT, point)
    assert all(torch.isfinite(value).all() for value in kept["state_dict"].values())
    assert not finished(tmp_path, point)


def test_a_gradient_that_is_not_finite_spoils_no_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    true_loss = VariationalModule.loss

    def steep(self: VariationalModule, generator: torch.Generator) -> losses.LossAndStats:
        loss, stats = true_loss(self, generator)
        last = self.current_epoch == 1 and len(self._stats) == 19
        return (loss + torch.sqrt(0 * loss), stats) if last else (loss, stats)  # a finite loss of infinite slope

    monkeypatch.setattr(VariationalModule, "loss", steep)
    with pytest.raises(FloatingPointError, match="not finite"):
        run_point(SQUARE, settings(tmp_path))
    kept = checkpoints.load(point_folder(tmp_path, SQUARE) / CHECKPOINT, SQUARE)
    assert [row["iteration"] for row in kept["history"]] == [0, 20]
    assert all(torch.isfinite(value).all() for value in kept["state_dict"].values())


def test_variational_losses_are_kept_for_every_iteration(tmp_path: Path) -> None:
    point = SQUARE.change(iterations=47)
    run_point(point, settings(tmp_path))
    rows = pd.read_csv(point_folder(tmp_path, point) / "losses.csv")
    assert rows["iteration"].tolist() == list(range(1, 48))
    assert rows["loss"].iloc[-1] == history(tmp_path, point)["loss"].iloc[-1]
    assert history(tmp_path, point)["iteration"].tolist() == [0, 20, 40, 47]
    assert VariationalModule(point.point).n_epochs == 3
