"""Who has started this process: torchrun, a job step of srun, or nobody that counts ranks.

Ranks are read from the environment, where programs that have long ended may have left theirs: only a launcher that says
its own name as well is believed.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator

from repro.utils.errors import InputError

SRUN = ("SLURM_PROCID", "SLURM_JOB_ID", "SLURM_STEP_ID")
TORCHRUN = ("RANK", "TORCHELASTIC_RUN_ID")
RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")
"""What Lightning takes for a rank, whoever has set it."""
LEFT_OVER = (*RANKS, "NODE_RANK", "GROUP_RANK", "WORLD_SIZE")
MEETING = ("MASTER_ADDR", "MASTER_PORT", "STANDALONE_PORT")
"""Where processes meet: a launcher's own, or left by others. Those that a fit starts itself meet at a free port."""
MOST_PORT = 65535
LIGHTNING = "PL_TRAINER_"
"""What starts so, Lightning takes for settings of every trainer."""


def by_torchrun() -> bool:
    """Whether torchrun starts the processes of a fit."""
    return all(name in os.environ for name in TORCHRUN)


def by_srun() -> bool:
    """Whether a job step of srun does."""
    return not by_torchrun() and all(name in os.environ for name in SRUN)


def rank() -> int:
    """Which of the processes that they started this is; 0 when nobody did.

    Raises:
        InputError: they call it by something else than a number.
    """
    if not (by_torchrun() or by_srun()):
        return 0
    names = ("RANK", "LOCAL_RANK") if by_torchrun() else ("SLURM_PROCID",)
    for name in names:  # Lightning reads the second one as soon as it is imported
        if (given := os.environ.get(name)) is not None and _number(given) is None:
            raise InputError(f"rank '{given}' in {name}: expected a whole number")
    return int(os.environ[names[0]])


def check(devices: int, nodes: int) -> None:
    """Refuse what the launcher says where it cannot be what so many processes need to find each other.

    Args:
        devices, nodes: processes on each node that share a point, and nodes.

    Raises:
        InputError: a number that is none, that is missing, or of another number of processes; no port, no address.
    """
    ranks = devices * nodes
    if ranks == 1 or not (by_torchrun() or by_srun()):
        return
    if by_torchrun():
        _check("WORLD_SIZE", ranks, f"{ranks} processes, --devices times --nodes")
        _check("LOCAL_RANK")
        _check("GROUP_RANK", default="0")
        _check("MASTER_PORT", most=MOST_PORT, default="0")
    else:
        _check("SLURM_NTASKS", ranks, f"{ranks} tasks, --devices times --nodes")
        _check("SLURM_NTASKS_PER_NODE", devices, f"{devices}, as --devices (srun --ntasks-per-node={devices})")
        _check("SLURM_NNODES", nodes, f"{nodes}, as --nodes", str(nodes))
        for name in ("SLURM_LOCALID", "SLURM_NODEID", "SLURM_JOB_ID"):
            _check(name)
        _check("MASTER_PORT", most=MOST_PORT, default="0")
    if not os.environ.get("MASTER_ADDR", "here").strip():
        raise InputError("MASTER_ADDR is empty: expected the name or address of the first node")


def _check(
    name: str, value: int | None = None, expected: str = "a whole number", default: str = "", most: int | None = None
) -> None:
    given = os.environ.get(name, default)
    number = _number(given)
    if number is None or number != (number if value is None else value) or number > (number if most is None else most):
        expected = expected if most is None else f"{expected} up to {most}"
        raise InputError(f"'{given}' in {name}: expected {expected}" if given else f"no {name}: expected {expected}")


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None


def forget_left_over(numbers: bool = True) -> None:
    """Remove ranks that no launcher has set, before Lightning reads them.

    Args:
        numbers: also those that are numbers, and where processes meet, which another library in this process may use.
    """
    if by_torchrun():
        kept: tuple[str, ...] = tuple(name for name in LEFT_OVER if name != "SLURM_PROCID")
    elif by_srun():
        kept = ("SLURM_PROCID",)
    else:
        kept = ()
        for name in MEETING if numbers else ():
            os.environ.pop(name, None)
    for name in LEFT_OVER:
        if name not in kept and (numbers or _number(os.environ.get(name, "0")) is None):
            os.environ.pop(name, None)


@contextlib.contextmanager
def without_trainer_settings() -> Iterator[None]:
    """No variable of the environment sets an option of Lightning's trainer: a point's settings are its own."""
    before = {name: value for name, value in os.environ.items() if name.startswith(LIGHTNING)}
    for name in before:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(before)
