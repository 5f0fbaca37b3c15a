"""Compute one point, resumably, in a folder of its own (`repro.running.folders`)."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from repro.ansatz.replay import recorder_of
from repro.config.listed import Listed
from repro.config.point import NUMBERS, Point
from repro.config.settings import leaves
from repro.methods.build import single_precision
from repro.methods.module import PointModule
from repro.methods.modules import module_of
from repro.methods.sanity import WrongNumbersError
from repro.methods.variational import VariationalModule
from repro.running import checkpoints, events, memory_check, stopping
from repro.running.devices import check_device, first_rank
from repro.running.fit import fit
from repro.running.folders import (
    CHECKPOINT,
    CHECKSUM,
    DONE,
    HISTORY,
    LAST_STATE,
    LOCK,
    LOSSES,
    LOSSES_CHECKSUM,
    RunSettings,
    checksum,
    finished,
    point_folder,
)
from repro.utils.errors import InputError
from repro.utils.files import write_atomic
from repro.utils.locks import HeldError, held, locked
from repro.utils.provenance import provenance


class BusyError(RuntimeError):
    """Another process computes the point."""


def run_point(listed: Listed, settings: RunSettings, wait: bool = True) -> Path:
    """Compute a point, or continue it, or return at once if it is finished.

    Args:
        listed: what to compute, and what trackers call it; variational+dynamics first computes its variational stage
            as a point of its own.
        settings: where and on what.
        wait: for another process that computes it.

    Returns:
        The point's folder.

    Raises:
        InputError: unusable device, folder or checkpoint, or graphs without a GPU.
        MemoryError: the device's memory ran out; it says what would fit.
        WrongNumbersError: its own numbers stopped it; the folder keeps the last good state and the reason.
        BusyError: another process computes it, and `wait` is false.
        repro.running.stopping.Stopped: this process was asked to stop; the finished part is saved.
    """
    point = listed.point
    check_device(settings.device)
    if settings.graphs:
        recorder_of(settings.device)
    folder = point_folder(settings.runs, point)
    _make_folder(folder)
    if stopping.stop_requested():
        raise stopping.Stopped
    with _alone(folder, wait):
        if not finished(settings.runs, point):
            with _torch_of_its_own(settings.threads):
                _compute_within_memory(listed, folder, settings, wait)
    return folder


@contextlib.contextmanager
def _alone(folder: Path, wait: bool) -> Iterator[None]:
    """The first rank holds the point's lock; nobody else writes into the folder meanwhile."""
    if not first_rank():
        yield
        return
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(folder / LOCK, wait))
        except HeldError as error:
            raise BusyError(f"{folder.name} is computed elsewhere: {error}") from None
        yield


@contextlib.contextmanager
def _torch_of_its_own(threads: int) -> Iterator[None]:
    """Single precision and so many threads while a point is computed; what the caller had set is put back."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with single_precision():
            yield
    finally:
        torch.set_num_threads(before)


def _compute_within_memory(listed: Listed, folder: Path, settings: RunSettings, wait: bool) -> None:
    """What ran out is looked at when the fit's frames are gone and what they held is free."""
    ran_out = False
    try:
        _compute(listed, folder, settings, wait)
    except torch.OutOfMemoryError:
        ran_out = True
    if ran_out:
        _note(folder, "stopped")
        gc.collect()
        torch.cuda.empty_cache()
        raise memory_check.ran_out(listed, settings.memory, settings.device)


def _compute(listed: Listed, folder: Path, settings: RunSettings, wait: bool) -> None:
    point = listed.point
    stage = None if point.first_stage is None else dataclasses.replace(listed, point=point.first_stage, name="")
    if stage is not None and not wait and held(point_folder(settings.runs, stage) / LOCK):
        raise BusyError(f"its first stage, {stage.point_id}, is computed elsewhere")
    resume = checkpoints.usable(folder, point)
    if first_rank():
        _clean(folder)
        events.record(folder, "resumed" if resume else "started", **_what(listed, settings.time_unit))
    try:
        module = module_of(point, settings.memory)
        module.record = recorder_of(settings.device) if settings.graphs else None
        if stage is not None:
            _start_from(stage, module, settings, wait)
        fit(module, listed, folder, settings, resume)
        if first_rank():
            _write_results(module, folder, settings)
            events.record(folder, "finished")
    except (stopping.Stopped, KeyboardInterrupt, BusyError):
        _note(folder, "stopped")
        raise
    except WrongNumbersError as error:
        if first_rank():
            events.mark_failed(folder, point.point_id, listed.label, str(error))
        raise


def _what(listed: Listed, time_unit: float) -> dict[str, Any]:
    """What a start is for; of a user's problem, whose settings may fill a page, its unit of time."""
    labels = {name: getattr(listed, name) for name in ("figure", "panel", "profile", "label")}
    return {**labels, **({"settings": listed.settings} if type(listed.point) is Point else {"time_unit": time_unit})}


def _clean(folder: Path) -> None:
    """Remove what killed processes have left, and what was noted of an earlier failure and of an earlier last state."""
    for path in (*folder.glob(".*.tmp"), folder / events.FAILED, folder / LAST_STATE):
        path.unlink(missing_ok=True)


def _note(folder: Path, event: str) -> None:
    with contextlib.suppress(InputError):  # the reason for stopping is what the user has to see
        if first_rank():
            events.record(folder, event)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write to '{folder}': {error.strerror}") from error


def _start_from(stage: Listed, module: PointModule, settings: RunSettings, wait: bool) -> None:
    """The second stage starts from the finished first one, and its clock includes it."""
    folder = run_point(stage, settings, wait)
    try:
        checkpoint = checkpoints.load(folder / CHECKPOINT, stage.point)
    except InputError as error:
        reason = str(error).split("; remove it")[0]
        raise InputError(f"first stage: {reason}; remove the folder '{folder}' to compute it again") from error
    module.load_state_dict(checkpoint["state_dict"])
    module.seconds_before = checkpoint["seconds"]


def _write_results(module: PointModule, folder: Path, settings: RunSettings) -> None:
    import pandas as pd

    history = pd.DataFrame(module.history).to_csv(index=False).encode()
    write_atomic(folder / HISTORY, history)
    checksums = {CHECKSUM: checksum(history)}
    if isinstance(module, VariationalModule):
        numbers = range(1, len(module.iteration_losses) + 1)
        losses = pd.DataFrame({"iteration": numbers, "loss": module.iteration_losses}).to_csv(index=False).encode()
        write_atomic(folder / LOSSES, losses)
        checksums[LOSSES_CHECKSUM] = checksum(losses)
    done = {
        "point": leaves(module.point),
        "point_id": module.point.point_id,
        "numbers": NUMBERS,
        "seconds": module.history[-1]["seconds"],
        **checksums,
        "provenance": provenance(settings.device),
    }
    write_atomic(folder / DONE, json.dumps(done, indent=1))
