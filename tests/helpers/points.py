"""Points of a second or less, a way to run them, and a way to stop them in the middle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from repro.config.listed import Listed, listed_of
from repro.methods.module import PointModule
from repro.running.callbacks import Progress
from repro.running.folders import CHECKSUM, DONE, RunSettings
from repro.running.runner import run_point

# Two spins that do not see each other: every <sigma_z> decays as 2 exp(-gamma t) - 1 from all up.
SPINS = listed_of(lattice="chain", n_sites=2, Jx=0.0, Jy=0.0, Jz=0.0, width=8, feedforward=8)
STEPS: dict[str, Any] = {"tau": 0.05, "t_end": 0.4, "step_iterations": 5}
EVOLVED = SPINS.change(method="dynamics", **STEPS)
SEARCHED = SPINS.change(iterations=50)
COUPLED = SPINS.change(Jx=0.9, Jy=1.8, Jz=1.0)


class Interrupted(Exception):
    """Raised by a test in the middle of a run."""


def run(point: Listed, runs: Path) -> Path:
    """Compute a point, untracked; its folder."""
    return run_point(point, RunSettings(runs, tracking="disabled"))


def history(folder: Path) -> pd.DataFrame:
    """A finished point's history without the column that no two runs share."""
    return pd.read_csv(folder / "history.csv", dtype=str).astype(float).drop(columns="seconds")


def without_checksum(folder: Path) -> None:
    """A finished point as earlier versions left it, which did not check its history."""
    done = json.loads((folder / DONE).read_bytes())
    del done[CHECKSUM]
    (folder / DONE).write_text(json.dumps(done))


def stop_in_iteration(
    patch: pytest.MonkeyPatch, epoch: int, iteration: int, module: type[PointModule] = PointModule
) -> None:
    """Every run of a kind of module stops just before this iteration."""
    step = module.training_step

    def stopping(self: PointModule, batch: int, batch_idx: int) -> object:
        if (self.current_epoch, batch_idx) == (epoch, iteration):
            raise Interrupted
        return step(self, batch, batch_idx)

    patch.setattr(module, "training_step", stopping)


def assert_goes_on(
    point: Listed, folder: Path, epoch: int, iteration: int, module: type[PointModule] = PointModule
) -> None:
    """A run that stops just before this iteration and goes on later has the numbers of one that never stopped."""
    whole = history(run(point, folder / "whole"))
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
        stop_in_iteration(patch, epoch, iteration, module)
        run(point, folder / "broken")
    broken = history(run(point, folder / "broken"))
    pd.testing.assert_frame_equal(broken, whole, check_exact=True)


def stop_before_checkpoint(patch: pytest.MonkeyPatch, epoch: int) -> None:
    """Every run stops at the end of this epoch, after it was measured and before it is saved."""

    def stopping(self: Progress, trainer: object, pl_module: PointModule) -> None:
        if pl_module.current_epoch == epoch:
            raise Interrupted

    patch.setattr(Progress, "on_train_epoch_end", stopping)
