"""Adam and its rate: fresh at every time step of an evolution, kept through a variational search."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import experiments
from repro.config.listed import listed_of
from repro.methods.dynamics import DynamicsModule
from repro.methods.variational import VariationalModule
from repro.running.folders import RunSettings
from repro.running.runner import run_point

SQUARE = listed_of(rows=2, cols=2, width=8, feedforward=4, iterations=60)
STEPS: dict[str, Any] = {"tau": 0.05, "t_end": 0.4, "step_iterations": 6}


def settings(folder: Path) -> RunSettings:
    return RunSettings(folder, tracking="disabled")


def test_adam_is_fresh_at_every_time_step_and_its_rate_falls_as_documented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = SQUARE.change(method="dynamics", tau=0.05, step_iterations=10, t_end=0.3, step_factor=0.1)
    seen: list[tuple[int, int, bool, float]] = []
    true_step = DynamicsModule.training_step

    def watched(self: DynamicsModule, batch: object, batch_idx: int) -> torch.Tensor:
        optimizer = self.trainer.optimizers[0]
        seen.append((self.current_epoch, batch_idx, not optimizer.state, optimizer.param_groups[0]["lr"]))
        return true_step(self, batch, batch_idx)

    monkeypatch.setattr(DynamicsModule, "training_step", watched)
    run_point(point, settings(tmp_path / "step"))
    assert [(epoch, i) for epoch, i, fresh, _ in seen if fresh] == [(0, 0), (1, 0), (2, 0)]
    assert [rate for epoch, _, _, rate in seen if epoch == 1] == pytest.approx([1e-2] * 8 + [1e-3] * 2)
    seen.clear()
    run_point(point.change(step_decay="exponential"), settings(tmp_path / "exponential"))
    assert [rate for epoch, _, _, rate in seen if epoch == 2] == pytest.approx(
        [1e-2 * 0.1 ** (i / 10) for i in range(10)]
    )


def test_variational_search_keeps_adam_and_its_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[float, bool]] = []
    true_step = VariationalModule.training_step

    def watched(self: VariationalModule, batch: object, batch_idx: int) -> torch.Tensor:
        optimizer = self.trainer.optimizers[0]
        seen.append((optimizer.param_groups[0]["lr"], not optimizer.state))
        return true_step(self, batch, batch_idx)

    monkeypatch.setattr(VariationalModule, "training_step", watched)
    run_point(SQUARE.change(learning_rate=2e-3), settings(tmp_path))
    assert seen == [(2e-3, True)] + [(2e-3, False)] * (SQUARE.settings["iterations"] - 1)


def test_more_iterations_in_the_first_steps() -> None:
    point = SQUARE.change(method="dynamics", first_steps=2, first_iterations=9, **STEPS)
    assert [point.point.method.evolution.adam.iterations(k) for k in range(4)] == [9, 9, 6, 6]


@pytest.mark.parametrize("figure", ["fig2", "fig4", "figS3", "figS4"])
def test_the_paper_profile_has_the_public_codes_schedule(figure: str) -> None:
    """Beside PyTorch's own StepLR, which the public code uses: 1e-2, halved after 80 of 120 iterations."""
    evolution = next(p for p in experiments.load(figure).points("paper") if p.settings["method"] == "dynamics")
    module = DynamicsModule(evolution.point)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=80, gamma=0.5)
    rates = []
    for _ in range(120):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    adam = module.adam
    iterations = range(adam.iterations(0))
    assert [adam.step_learning_rate * module.decay(i) for i in iterations] == rates
    assert evolution.settings["n_samples"] == 12000


@pytest.mark.parametrize("iterations", [1, 2, 10])
def test_no_schedule_leaves_a_step_without_a_rate(iterations: int) -> None:
    """A rate that grows from 0 would leave a single iteration, such as a control's half of two, without any."""
    for decay in ("exponential", "cycle", "step"):
        point = SQUARE.change(method="dynamics", step_decay=decay, **{**STEPS, "step_iterations": iterations})
        module = DynamicsModule(point.point)
        module.trainer = SimpleNamespace(current_epoch=0)  # type: ignore[assignment]
        assert max(module.decay(k) for k in range(iterations)) > 0
