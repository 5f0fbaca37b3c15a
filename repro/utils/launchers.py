"""Who has started this process: torchrun, a job step of srun, or nobody that counts ranks.

Ranks are read from the environment, where programs that have long ended may have left theirs: only a launcher that says
its own name as well is believed.
"""

from __future__ import annotations

import os
import re

from repro.utils.errors import InputError

SRUN = ("SLURM_PROCID", "SLURM_JOB_ID", "SLURM_STEP_ID")
TORCHRUN = ("RANK", "TORCHELASTIC_RUN_ID")
RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")
"""What Lightning takes for a rank, whoever has set it."""
LEFT_OVER = (*RANKS, "NODE_RANK", "GROUP_RANK", "WORLD_SIZE")


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
    name = "RANK" if by_torchrun() else "SLURM_PROCID"
    given = os.environ[name]
    if not re.fullmatch("[0-9]+", given):
        raise InputError(f"rank '{given}' in {name}: expected a whole number")
    return int(given)


def forget_left_over(numbers: bool = True) -> None:
    """Remove ranks that no launcher has set, before Lightning reads them.

    Args:
        numbers: also those that are numbers, which another library in this process may use.
    """
    if by_torchrun():
        kept: tuple[str, ...] = tuple(name for name in LEFT_OVER if name != "SLURM_PROCID")
    elif by_srun():
        kept = ("SLURM_PROCID",)
    else:
        kept = ()
    for name in LEFT_OVER:
        if name not in kept and (numbers or not os.environ.get(name, "0").isdecimal()):
            os.environ.pop(name, None)
