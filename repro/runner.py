"""Compute one point, resumably, in a folder of its own.

runs/points/<point id>/  last.ckpt      weights, optimiser, history: replaced at every epoch
                         progress.json  where it stands
                         history.csv    one row per epoch, written at the end
                         losses.csv     loss of every iteration (variational)
                         done.json      settings and provenance; its presence means finished
"""

from __future__ import annotations

import dataclasses
import json
import logging
import pickle
import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from filelock import FileLock
from pytorch_lightning.callbacks import ModelCheckpoint

from repro import tracking
from repro.callbacks import Exact, Measure, Progress, Tracking
from repro.errors import InputError
from repro.experiment import Point
from repro.files import write_atomic
from repro.provenance import provenance
from repro.training import DynamicsModule, PointModule, VariationalModule

CHECKPOINT = "last.ckpt"
DONE = "done.json"


@dataclasses.dataclass(frozen=True)
class RunSettings:
    """How to run, as opposed to what: nothing here changes the numbers beyond rounding.

    Attributes:
        runs: folder for everything computed.
        device: "cpu", "cuda" or "cuda:1".
        threads: CPU threads of one point.
        tracking: wandb mode "online", "offline" or "disabled"; None decides by the environment.
    """

    runs: Path
    device: str = "cpu"
    threads: int = 1
    tracking: str | None = None


def point_folder(runs: Path, point: Point) -> Path:
    """Where a point lives."""
    return runs / "points" / point.point_id


def finished(runs: Path, point: Point) -> bool:
    """Whether a point has been computed to its end."""
    return (point_folder(runs, point) / DONE).exists()


def check_device(device: str) -> None:
    """Refuse a device that this machine lacks.

    Raises:
        InputError: not "cpu", "cuda" or "cuda:N", or no such GPU here.
    """
    kind, _, number = device.partition(":")
    if kind not in ("cpu", "cuda") or (number and not number.isdigit()) or (kind == "cpu" and number):
        raise InputError(f"device '{device}': expected cpu, cuda or cuda:N")
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise InputError(f"device '{device}': this machine has {torch.cuda.device_count()} CUDA devices")


def run_point(point: Point, settings: RunSettings, exact: Exact | None = None) -> Path:
    """Compute a point, or continue it, or return at once if it is finished.

    Args:
        point: what to compute; variational+dynamics first computes its variational stage as a point of its own.
        settings: where and on what.
        exact: exact curve for tracking, see `repro.callbacks.Tracking`.

    Returns:
        The point's folder.

    Raises:
        InputError: unusable device, folder or checkpoint.
        FloatingPointError: a loss became non-finite.
    """
    check_device(settings.device)
    folder = point_folder(settings.runs, point)
    _make_folder(folder)
    with FileLock(folder / ".lock"):
        if not finished(settings.runs, point):
            torch.set_num_threads(settings.threads)
            module = (VariationalModule if point.method == "variational" else DynamicsModule)(point)
            if point.method == "variational+dynamics":
                _start_from_variational(module, settings, exact)
            _fit(module, folder, settings, exact)
            _write_results(module, folder, settings)
    return folder


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".lock").touch()
    except OSError as error:
        raise InputError(f"cannot write to '{folder}': {error.strerror}") from error


def _start_from_variational(module: PointModule, settings: RunSettings, exact: Exact | None) -> None:
    """The second stage starts from the finished first one, and its clock includes it."""
    first = run_point(module.point.variational_stage(), settings, exact)
    checkpoint = load_checkpoint(first / CHECKPOINT, module.point.variational_stage())
    module.load_state_dict(checkpoint["state_dict"])
    module.seconds_before = checkpoint["seconds"]


def load_checkpoint(path: Path, point: Point) -> dict[str, Any]:
    """Read a checkpoint of a point; loading executes no code.

    Raises:
        InputError: unreadable, truncated, or of another point.
    """
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0][:80] if str(error) else type(error).__name__
        raise InputError(
            f"checkpoint '{path}' cannot be read ({reason}); remove it to start this point again"
        ) from error
    if not isinstance(checkpoint, dict) or checkpoint.get("point_id") != point.point_id:
        raise InputError(f"checkpoint '{path}' is not of point {point.label}; remove it to start this point again")
    return checkpoint


def _fit(module: PointModule, folder: Path, settings: RunSettings, exact: Exact | None) -> None:
    point = module.point
    resume = folder / CHECKPOINT
    if resume.exists():
        load_checkpoint(resume, point)
    tracker = tracking.Tracker(
        {**dataclasses.asdict(point), "point_id": point.point_id, **provenance(settings.device)},
        group=point.figure,
        name=point.label,
        job_type="train",
        folder=settings.runs,
        mode=tracking.resolve_mode(settings.tracking),
        tags=[point.profile, point.method],
    )
    _quiet_lightning()
    with tracker:
        trainer = _trainer(module, folder, settings, [Tracking(tracker, exact)] if tracker.active else [])
        trainer.fit(module, ckpt_path=resume if resume.exists() else None)
        if trainer.interrupted or trainer.current_epoch < module.n_epochs:
            raise KeyboardInterrupt
        last = {name: value for name, value in module.history[-1].items() if not name.endswith("_error")}
        tracker.summary({**last, "point": point.label})


def _trainer(module: PointModule, folder: Path, settings: RunSettings, more: Iterable[pl.Callback]) -> pl.Trainer:
    kind, _, number = settings.device.partition(":")
    checkpoint = ModelCheckpoint(
        folder, filename=CHECKPOINT.removesuffix(".ckpt"), save_on_train_epoch_end=True, enable_version_counter=False
    )
    return pl.Trainer(
        accelerator="cpu" if kind == "cpu" else "cuda",
        devices=1 if kind == "cpu" else [int(number or 0)],
        max_epochs=module.n_epochs,
        callbacks=[Measure(), Progress(folder / "progress.json", module.point.label), *more, checkpoint],
        reload_dataloaders_every_n_epochs=1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def _quiet_lightning() -> None:
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for message in (
        ".*does not have many workers.*",
        ".*GPU available but not used.*",
        ".*Checkpoint directory.*",
        ".*LeafSpec.*",
    ):
        warnings.filterwarnings("ignore", message)


def _write_results(module: PointModule, folder: Path, settings: RunSettings) -> None:
    import pandas as pd

    write_atomic(folder / "history.csv", pd.DataFrame(module.history).to_csv(index=False))
    if isinstance(module, VariationalModule):
        losses = pd.DataFrame(
            {"iteration": range(1, len(module.iteration_losses) + 1), "loss": module.iteration_losses}
        )
        write_atomic(folder / "losses.csv", losses.to_csv(index=False))
    done = {
        "point": dataclasses.asdict(module.point),
        "point_id": module.point.point_id,
        "seconds": module.seconds,
        "provenance": provenance(settings.device),
    }
    write_atomic(folder / DONE, json.dumps(done, indent=1))
