"""Which processor computes, and in how many processes: one per device that shares a point's samples."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import torch

from repro.config.point import Point
from repro.utils import launchers
from repro.utils.errors import InputError

if TYPE_CHECKING:
    from pytorch_lightning.plugins.environments import ClusterEnvironment


def check_device_name(device: str) -> None:
    """Refuse what is no device, whatever this machine has.

    Raises:
        InputError: not "cpu", "cuda" or "cuda:N".
    """
    if not re.fullmatch(r"cpu|cuda(:[0-9]{1,4})?", device):
        raise InputError(f"device '{device}': expected cpu, cuda or cuda:N")


def check_device(device: str) -> None:
    """Refuse a device that this machine lacks.

    Raises:
        InputError: not "cpu", "cuda" or "cuda:N", or no such GPU here.
    """
    check_device_name(device)
    kind, _, number = device.partition(":")
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise InputError(f"device '{device}': this machine has {torch.cuda.device_count()} CUDA devices")


def check_processes(device: str, devices: int, nodes: int) -> None:
    """Refuse a number of processes that cannot be started.

    Raises:
        InputError: more GPUs than there are, one GPU named for several, several nodes that nobody starts, or
            processes that torchrun or srun has numbered otherwise.
    """
    kind, _, number = device.partition(":")
    if devices > 1 and number:
        raise InputError(f"device '{device}' with devices = {devices}: expected cpu or cuda")
    if kind == "cuda" and devices > torch.cuda.device_count():
        raise InputError(f"devices = {devices}: this machine has {torch.cuda.device_count()} CUDA devices")
    if nodes > 1 and not launched_outside():
        raise InputError(f"nodes = {nodes}: expected to be started on each node by srun or torchrun")
    launchers.check(devices, nodes)


def of_worker(device: str, devices: int, number: int) -> str:
    """Where one of several processes computes its points: "cuda" without a number goes round the GPUs of this machine.

    Args:
        device: "cpu", "cuda" or "cuda:1", as asked for.
        devices: GPUs that share each point; more than one are Lightning's to number.
        number: of the process, from 0.
    """
    if device != "cuda" or devices > 1 or torch.cuda.device_count() < 2:
        return device
    return f"cuda:{number % torch.cuda.device_count()}"


def at_once(device: str, devices: int, jobs: int) -> int:
    """Of so many points at a time, the most that meet on one device; arguments as in `of_worker`."""
    return len(
        {number for number in range(jobs) if of_worker(device, devices, number) == of_worker(device, devices, 0)}
    )


def check_shares(point: Point, ranks: int) -> None:
    """Refuse a point that several processes cannot share.

    Raises:
        InputError: enumeration, or draws that do not divide.
    """
    point.estimator.check_ranks(point.label, ranks)


def first_rank() -> bool:
    """Whether this is the first of the processes that srun or torchrun started; true when nobody did.

    Raises:
        InputError: they call it by something else than a number.
    """
    return launchers.rank() == 0


def launched_outside() -> bool:
    """Whether srun or torchrun starts the processes of a fit, one per device."""
    return launchers.by_torchrun() or launchers.by_srun()


def environments(ranks: int) -> list[ClusterEnvironment]:
    """Plugins that say to Lightning's trainer which process it is, where it would guess wrong.

    A point of one process is alone even inside a job step of many tasks. Inside one that srun started, Lightning must
    not put the job back into the queue as well: submitit does.
    """
    from pytorch_lightning.plugins.environments import LightningEnvironment, SLURMEnvironment

    if ranks > 1 and launchers.by_torchrun():
        return []
    if ranks > 1 and launchers.by_srun():
        return [SLURMEnvironment(auto_requeue=False)]
    return [LightningEnvironment()]


def in_submitted_job() -> bool:
    """Whether submitit started this process; submitit alone then handles the cluster's signals."""
    return "SUBMITIT_EXECUTOR" in os.environ
