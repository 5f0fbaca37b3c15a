"""One fit of a point's module by Lightning: from the newest good checkpoint to the end, or until asked to stop."""

from __future__ import annotations

import contextlib
import json
import logging
import signal
import warnings
from functools import partial
from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from torch.multiprocessing import ProcessExitedException
from torch.multiprocessing.spawn import ProcessException

from repro.config.listed import Listed
from repro.config.point import Point
from repro.config.settings import change
from repro.methods.module import PointModule
from repro.methods.sanity import WrongNumbersError
from repro.references import of_point
from repro.running import checkpoints, stopping, tracking, tracking_mode
from repro.running.callbacks import LeaveSignal, Measure, Progress, Stop, Tracking
from repro.running.devices import environments, first_rank, in_submitted_job, launched_outside
from repro.running.folders import CHECKPOINT, DONE, PROGRESS, RunSettings, point_folder
from repro.utils import launchers
from repro.utils.errors import InputError
from repro.utils.provenance import provenance


def _continue_shorter(point: Point, folder: Path, runs: Path) -> Path | None:
    """Checkpoint with which a longer evolution takes up the longest finished one that differs in t_end alone.

    The same numbers, sooner. All ranks look at the same files and come to the same answer; the first one writes.
    """
    for shorter in _finished_shorter(point, runs):
        with contextlib.suppress(InputError):  # of other numbers, damaged or gone: the next one, or from the start
            checkpoint = checkpoints.load(point_folder(runs, shorter) / CHECKPOINT, shorter)
            if first_rank():
                # callbacks would take the other point's file for an old one of theirs, and delete it
                checkpoints.save(checkpoint | {"point_id": point.point_id, "callbacks": {}}, folder / CHECKPOINT)
            return folder / CHECKPOINT
    return None


def _finished_shorter(point: Point, runs: Path) -> list[Point]:
    """Finished evolutions that differ in t_end alone and end earlier, the longest first."""
    if point.method.evolution is None:
        return []
    shorter: dict[int, Point] = {}
    for path in (runs / "points").glob(f"*/{DONE}"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, InputError):
            done = json.loads(path.read_text())
            other = change(point, t_end=done["point"]["t_end"])
            steps = other.method.evolution.n_steps if other.method.evolution else 0
            if other.point_id == done["point_id"] and steps < point.method.evolution.n_steps:
                shorter[steps] = other
    return [shorter[steps] for steps in sorted(shorter, reverse=True)]


def fit(module: PointModule, listed: Listed, folder: Path, settings: RunSettings, resume: Path | None) -> None:
    """Fit a point's module to the end.

    Args:
        module: freshly made.
        listed: the point, and what trackers call it.
        folder: the point's.
        settings: where and on what.
        resume: the checkpoint to go on from.

    Raises:
        repro.running.stopping.Stopped: asked to; the finished part is saved.
        WrongNumbersError, torch.OutOfMemoryError: as that of any of the ranks.
        RuntimeError: one of several ranks has ended otherwise.
    """
    point = module.point
    if resume is None:
        resume = _continue_shorter(point, folder, settings.runs)
    _quiet_lightning()
    with launchers.without_trainer_settings():
        trainer = _trainer(module, listed, folder, settings)
    try:
        trainer.fit(module, ckpt_path=resume)
    except ProcessException as error:
        raise _of_rank(error) from error
    if settings.ranks > 1 and (folder / CHECKPOINT).exists():
        # the fit ran in processes of its own: what they measured is in their checkpoint
        module.on_load_checkpoint(checkpoints.load(folder / CHECKPOINT, point))
    if trainer.interrupted:
        raise KeyboardInterrupt
    if module.epochs_done < module.n_epochs:
        raise stopping.Stopped


def _of_rank(error: ProcessException) -> Exception:
    """What a rank's end means for the point: failed checks and memory that ran out are the same as without ranks."""
    reason = _reason(error)
    for kind in (WrongNumbersError, torch.OutOfMemoryError):
        name, found, text = reason.partition(f"{kind.__name__}: ")
        if found and not name.strip("abcdefghijklmnopqrstuvwxyz_."):
            return kind(text)
    return RuntimeError(
        f"rank {error.error_index} ended ({reason}); run the same command again to continue from the last checkpoint"
    )


def _reason(error: ProcessException) -> str:
    """Signal or exit code of a rank, or the last line of what it raised: also what its peers raise when it is gone."""
    if isinstance(error, ProcessExitedException):
        return error.signal_name or f"exit code {error.exit_code}"
    return str(error).strip().splitlines()[-1]


def _tracker(listed: Listed, settings: RunSettings) -> tracking.Tracker:
    labels = {"figure": listed.figure, "panel": listed.panel, "profile": listed.profile, "point_id": listed.point_id}
    sites = {"n_sites": listed.point.lattice.n_sites}  # a rectangle's settings are its rows and columns
    return tracking.Tracker(
        listed.settings | labels | sites | provenance(settings.device),
        group=listed.figure,
        name=listed.label,
        job_type=tracking.TRAIN,
        folder=settings.runs,
        mode=tracking_mode.resolve_mode(settings.tracking),
        tags=[listed.profile, listed.point.method.kind],
    )


def _trainer(module: PointModule, listed: Listed, folder: Path, settings: RunSettings) -> pl.Trainer:
    kind, _, number = settings.device.partition(":")
    checkpoint = ModelCheckpoint(
        folder, filename=CHECKPOINT.removesuffix(".ckpt"), save_on_train_epoch_end=True, enable_version_counter=False
    )
    tracked = Tracking(partial(_tracker, listed, settings), partial(of_point.exact_of, module.point, settings.runs))
    alone = settings.ranks == 1
    return pl.Trainer(
        accelerator="cpu" if kind == "cpu" else "cuda",
        devices=[int(number or 0)] if alone and kind == "cuda" else settings.devices,
        num_nodes=settings.nodes,
        strategy="auto" if alone else ("ddp" if launched_outside() else "ddp_spawn"),
        max_epochs=module.n_epochs,
        callbacks=[
            Measure(),
            Progress(folder / PROGRESS, listed.label),
            tracked,
            Stop(),
            checkpoint,
            *((LeaveSignal(signal.SIGTERM),) if in_submitted_job() else ()),
        ],
        plugins=[checkpoints.ChecksummedCheckpointIO(), *environments(settings.ranks)],
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
