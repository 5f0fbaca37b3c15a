"""Lightning callbacks that report on a point while it runs.

`Progress` writes a small status file that the launcher shows, `Tracking` mirrors the history to wandb.
"""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from repro.methods.module import PointModule
from repro.running import stopping, tracking
from repro.utils.files import write_atomic
from repro.utils.names import PAULI_AVERAGES

Exact = Callable[[float, str], float]


class Measure(pl.Callback):
    """Measure the module's state at the end of an epoch; listed first, so that the others see the new row."""

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Record the epoch."""
        assert isinstance(pl_module, PointModule)
        pl_module.end_epoch()


class Progress(pl.Callback):
    """Status of a point in a JSON file: epochs done and in all, the last measured row with its seconds, and the seconds
    before the first epoch, which a first stage took.

    Args:
        path: the file, replaced atomically at most every `interval` seconds and at the end.
        label: how the point is called.
    """

    def __init__(self, path: Path, label: str, interval: float = 0.5) -> None:
        self.path, self.label, self.interval = path, label, interval
        self._written = 0.0

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the status unless it was written a moment ago."""
        if not trainer.is_global_zero:
            return
        done = trainer.current_epoch + 1
        if time.monotonic() - self._written > self.interval or done == trainer.max_epochs:
            assert isinstance(pl_module, PointModule)
            history = pl_module.history
            status = {"label": self.label, "done": done, "total": trainer.max_epochs, **history[-1]}
            status["seconds_before"] = history[0]["seconds"]
            write_atomic(self.path, json.dumps(status))
            self._written = time.monotonic()


class Tracking(pl.Callback):
    """Mirror every new row of the history to a tracker, with the error against exact and seconds per epoch.

    Both arguments are called on the first process of the fit only, so that a fit may start its own processes.

    Args:
        make_tracker: gives a tracker, see `repro.running.tracking.Tracker`.
        make_exact: gives the exact value at time t of a named observable (t = inf for the steady state), or None.
    """

    def __init__(self, make_tracker: Callable[[], Any], make_exact: Callable[[], Exact | None]) -> None:
        self.make_tracker, self.make_exact = make_tracker, make_exact
        self.tracker: Any = None
        self.exact: Exact | None = None

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Open the tracker."""
        if trainer.is_global_zero:
            self.tracker = self.make_tracker()
            self.exact = self.make_exact() if self.tracker.active else None

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log the rows that the module has recorded in this epoch."""
        if self.tracker is None or not self.tracker.active:
            return
        assert isinstance(pl_module, PointModule)
        before, *rows = pl_module.history[-1 - pl_module.rows_per_epoch :]
        for row in rows:
            values = _means(row)
            values[tracking.SECONDS_PER_STEP] = row["seconds"] - before["seconds"]
            values[tracking.LEARNING_RATE] = trainer.optimizers[0].param_groups[0]["lr"]
            if self.exact is not None:
                for name in PAULI_AVERAGES:
                    values[tracking.deviation_of(name)] = abs(row[name] - self.exact(row.get("t", float("inf")), name))
            self.tracker.log(values)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the final numbers and close the tracker."""
        assert isinstance(pl_module, PointModule)
        if self.tracker is not None:
            self.tracker.summary({**self._final(pl_module.history[-1]), "point": pl_module.point.label})
            self._close(failed=trainer.interrupted)

    def _final(self, row: dict[str, float]) -> dict[str, float]:
        """The last row, the exact values and the deviations: the columns that runs are sorted and filtered by."""
        values = _means(row)
        if self.exact is not None:
            for name in PAULI_AVERAGES:
                exact = self.exact(row.get("t", float("inf")), name)
                values |= {tracking.exact_of(name): exact, tracking.deviation_of(name): abs(row[name] - exact)}
        return values

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Close the tracker of a fit that failed."""
        self._close(failed=True)

    def _close(self, failed: bool) -> None:
        if self.tracker is not None:
            self.tracker.finish(failed)
            self.tracker = None


def _means(row: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in row.items() if not name.endswith("_error")}


class LeaveSignal(pl.Callback):
    """Restore a signal's handler of before the fit: Lightning would end the fit on that signal.

    A scheduler sends SIGTERM ahead of a preemption; a fit that ends there would end its job, which then nobody
    continues.

    Args:
        number: the signal.
    """

    def __init__(self, number: signal.Signals) -> None:
        self.number = number
        self.handler: Any = None

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Remember the handler: Lightning sets its own between here and the start of training."""
        self.handler = signal.getsignal(self.number)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Restore it."""
        if self.handler is not None and threading.current_thread() is threading.main_thread():
            signal.signal(self.number, self.handler)


class Stop(pl.Callback):
    """End a fit after the epoch in which its worker's event was set, on all ranks of a point together."""

    def __init__(self) -> None:
        self.event = stopping.watched()  # ranks are processes of their own, which get it with this object

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop, if the event is set, after the checkpoint that follows."""
        if self.event is not None and trainer.strategy.broadcast(self.event.is_set()):
            trainer.should_stop = True
