"""Compute one point, resumably, in a folder of its own.

runs/points/<point id>/  last.ckpt      weights, optimiser, history: replaced at every epoch
                         progress.json  where it stands
                         history.csv    one row per epoch, written at the end
                         losses.csv     loss of every iteration (variational)
                         done.json      settings and provenance; its presence means finished
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import logging
import pickle
import signal
import warnings
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from filelock import FileLock
from pytorch_lightning.callbacks import ModelCheckpoint
from torch.multiprocessing import ProcessExitedException
from torch.multiprocessing.spawn import ProcessException

from repro import references, tracking
from repro.callbacks import LeaveSignal, Measure, Progress, Tracking
from repro.collocation_training import CollocationModule
from repro.errors import InputError
from repro.experiment import Point
from repro.files import write_atomic
from repro.folders import DONE, PROGRESS, finished, point_folder
from repro.memory import GIB
from repro.processes import check_device, environments, first_rank, in_submitted_job, launched_outside
from repro.projection_training import ProjectionModule
from repro.provenance import provenance
from repro.training import DynamicsModule, PointModule, VariationalModule

CHECKPOINT = "last.ckpt"
MODULES: dict[str, type[PointModule]] = {
    "variational": VariationalModule,
    "dynamics": DynamicsModule,
    "variational+dynamics": DynamicsModule,
    "projection": ProjectionModule,
    "collocation": CollocationModule,
}


@dataclasses.dataclass(frozen=True)
class RunSettings:
    """How to run, as opposed to what: nothing here changes the numbers beyond rounding.

    Attributes:
        runs: folder for everything computed.
        device: "cpu", "cuda" or "cuda:1".
        threads: CPU threads of one point.
        tracking: wandb mode "online", "offline" or "disabled"; None decides by the environment.
        memory: bytes that one evaluation of the sampled estimator may take.
        devices, nodes: processes that share every batch of a point: GPUs (or CPU processes) of a node, and nodes.
    """

    runs: Path
    device: str = "cpu"
    threads: int = 1
    tracking: str | None = None
    memory: int = 4 * GIB
    devices: int = 1
    nodes: int = 1

    @property
    def ranks(self) -> int:
        """Processes of one fit."""
        return self.devices * self.nodes


def run_point(point: Point, settings: RunSettings) -> Path:
    """Compute a point, or continue it, or return at once if it is finished.

    Args:
        point: what to compute; variational+dynamics first computes its variational stage as a point of its own.
        settings: where and on what.

    Returns:
        The point's folder.

    Raises:
        InputError: unusable device, folder or checkpoint.
        FloatingPointError: a loss became non-finite.
    """
    check_device(settings.device)
    folder = point_folder(settings.runs, point)
    _make_folder(folder)
    with FileLock(folder / ".lock") if first_rank() else contextlib.nullcontext():
        if not finished(settings.runs, point):
            torch.set_num_threads(settings.threads)
            module = MODULES[point.method](point, settings.memory)
            if point.method == "variational+dynamics":
                _start_from_variational(module, settings)
            _fit(module, folder, settings)
            if first_rank():
                _write_results(module, folder, settings)
    return folder


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".lock").touch()
    except OSError as error:
        raise InputError(f"cannot write to '{folder}': {error.strerror}") from error


def _start_from_variational(module: PointModule, settings: RunSettings) -> None:
    """The second stage starts from the finished first one, and its clock includes it."""
    first = run_point(module.point.variational_stage(), settings)
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


def _continue_shorter(point: Point, folder: Path, runs: Path) -> None:
    """A longer evolution takes up the longest finished one that differs in t_end alone: the same numbers, sooner."""
    shorter = []
    for path in (runs / "points").glob(f"*/{DONE}") if point.method != "variational" else ():
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, InputError):
            other = Point(**json.loads(path.read_text())["point"])
            if (
                other.n_steps < point.n_steps
                and dataclasses.replace(other, t_end=point.t_end).point_id == point.point_id
            ):
                shorter.append(other)
    if shorter:
        longest = max(shorter, key=lambda other: other.n_steps)
        checkpoint = load_checkpoint(point_folder(runs, longest) / CHECKPOINT, longest)
        stream = io.BytesIO()
        # callbacks would take the other point's file for an old one of theirs, and delete it
        torch.save(checkpoint | {"point_id": point.point_id, "callbacks": {}}, stream)
        write_atomic(folder / CHECKPOINT, stream.getvalue())


def _fit(module: PointModule, folder: Path, settings: RunSettings) -> None:
    point = module.point
    resume = folder / CHECKPOINT
    if not resume.exists() and first_rank():
        _continue_shorter(point, folder, settings.runs)
    if resume.exists():
        load_checkpoint(resume, point)
    _quiet_lightning()
    trainer = _trainer(module, folder, settings)
    try:
        trainer.fit(module, ckpt_path=resume if resume.exists() else None)
    except ProcessException as error:
        raise RuntimeError(
            f"rank {error.error_index} ended ({_reason(error)}); "
            "run the same command again to continue from the last checkpoint"
        ) from error
    if settings.ranks > 1 and resume.exists():
        # the fit ran in processes of its own: what they measured is in their checkpoint
        module.on_load_checkpoint(load_checkpoint(resume, point))
    if trainer.interrupted or module.epochs_done < module.n_epochs:
        raise KeyboardInterrupt


def _reason(error: ProcessException) -> str:
    """Signal or exit code of a rank, or the last line of what it raised: also what its peers raise when it is gone."""
    if isinstance(error, ProcessExitedException):
        return error.signal_name or f"exit code {error.exit_code}"
    return str(error).strip().splitlines()[-1]


def _tracker(point: Point, settings: RunSettings) -> tracking.Tracker:
    return tracking.Tracker(
        {**dataclasses.asdict(point), "point_id": point.point_id, **provenance(settings.device)},
        group=point.figure,
        name=point.label,
        job_type="train",
        folder=settings.runs,
        mode=tracking.resolve_mode(settings.tracking),
        tags=[point.profile, point.method],
    )


def _trainer(module: PointModule, folder: Path, settings: RunSettings) -> pl.Trainer:
    kind, _, number = settings.device.partition(":")
    checkpoint = ModelCheckpoint(
        folder, filename=CHECKPOINT.removesuffix(".ckpt"), save_on_train_epoch_end=True, enable_version_counter=False
    )
    tracked = Tracking(
        partial(_tracker, module.point, settings), partial(references.exact_of, module.point, settings.runs)
    )
    alone = settings.ranks == 1
    return pl.Trainer(
        accelerator="cpu" if kind == "cpu" else "cuda",
        devices=[int(number or 0)] if alone and kind == "cuda" else settings.devices,
        num_nodes=settings.nodes,
        strategy="auto" if alone else ("ddp" if launched_outside() else "ddp_spawn"),
        plugins=[*environments(settings.ranks)],
        max_epochs=module.n_epochs,
        callbacks=[
            *(Measure(), Progress(folder / PROGRESS, module.point.label), tracked, checkpoint),
            *((LeaveSignal(signal.SIGTERM),) if in_submitted_job() else ()),
        ],
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
        ".*`srun` command is available.*",
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
