"""What a job asks of a cluster, as options of `repro run`, and the executor that submits it."""

from __future__ import annotations

import logging
import math
import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.utils.errors import InputError, unknown

if TYPE_CHECKING:
    from repro.running.folders import RunSettings

LAUNCHERS = ("here", "local", "slurm")
SIGNAL_SECONDS = 90
"""How long before its time limit a job gets a signal; it then goes back into the queue."""
TIME_LIMIT = 240
MAX_TIMEOUTS = 50
"""Time limits that one point may run into."""
OF_SLURM = ("detach", "partition", "account", "time_limit", "cpus_per_task", "mem_gb", "sbatch")
"""Options that nothing but SLURM takes."""
NO_LIMIT = 365 * 24 * 60
"""Minutes of a job of this machine."""


@dataclass
class ClusterOptions:
    """Where points are computed, and what each of them asks of the cluster."""

    launcher: str = "here"
    """here (processes of this command), slurm (jobs of a SLURM cluster), or local (the same jobs on this machine,
    without a scheduler); jobs need: pip install '.[cluster]'"""
    detach: bool = False
    """with slurm: submit and return; `repro status` tells how far they are, --collect draws"""
    partition: str = ""
    """of SLURM; the cluster's default without"""
    account: str = ""
    """whom SLURM charges"""
    time_limit: int = TIME_LIMIT
    """minutes of one job; a point that needs more goes back into the queue and continues"""
    cpus_per_task: int | None = None
    """cores of each process; by default --threads"""
    gpus_per_node: int | None = None
    """GPUs of each node; by default --devices with --device cuda"""
    mem_gb: float | None = None
    """GiB of main memory of each node; the cluster's default without"""
    sbatch: tuple[str, ...] = ()
    """any further options of sbatch, such as qos=long constraint=a100 exclusive"""

    def check(self) -> None:
        """Refuse what cannot be launched.

        Raises:
            InputError: unknown launcher, numbers out of range, submitit or SLURM missing.
        """
        if self.launcher not in LAUNCHERS:
            raise unknown("launcher", self.launcher, LAUNCHERS)
        for name in ("time_limit", "cpus_per_task", "mem_gb"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise InputError(f"{name} = {value}: expected a number above 0")
        if self.gpus_per_node is not None and self.gpus_per_node < 0:
            raise InputError(f"gpus_per_node = {self.gpus_per_node}: expected a number not below 0")
        self.further()
        for name in OF_SLURM if self.launcher != "slurm" else ():
            if getattr(self, name) != getattr(ClusterOptions, name):
                option = name.replace("_", "-")
                raise InputError(f"--{option} with launcher {self.launcher}: expected launcher slurm")
        if self.launcher != "here" and find_spec("submitit") is None:
            raise InputError(f"launcher {self.launcher} needs submitit: pip install '.[cluster]'")
        if self.launcher == "slurm" and not (shutil.which("sbatch") and shutil.which("srun")):
            raise InputError("launcher slurm: no 'sbatch' and 'srun' here; expected a node of a SLURM cluster")

    def further(self) -> dict[str, Any]:
        """The options in `sbatch`: name -> value, True for one without.

        Raises:
            InputError: not an option.
        """
        options: dict[str, Any] = {}
        for given in self.sbatch:
            name, separator, value = given.removeprefix("--").partition("=")
            if not re.fullmatch(r"[a-z][a-z-]*", name) or bool(separator) != bool(value):
                raise InputError(f"sbatch '{given}': expected key=value, or the name of an option without a value")
            options[name] = value if separator else True
        return options

    def gpus(self, cuda: bool, devices: int) -> int:
        """GPUs of a node that a point gets."""
        return devices * cuda if self.gpus_per_node is None else self.gpus_per_node

    def slurm(self, cuda: bool, devices: int, nodes: int, threads: int, jobs: int | None) -> dict[str, Any]:
        """Parameters of submitit's executor.

        Args:
            cuda: whether points compute on GPUs.
            devices, nodes: processes per node and nodes of each point.
            threads: CPU threads of a process.
            jobs: points at a time; None: as many as the cluster gives.
        """
        cores = self.cpus_per_task or threads
        parameters = {
            "timeout_min": self.time_limit,
            "nodes": nodes,
            "tasks_per_node": devices,
            "cpus_per_task": cores,
            "gpus_per_node": self.gpus(cuda, devices) or None,
            "mem_gb": self.mem_gb,
            "slurm_partition": self.partition or None,
            "slurm_account": self.account or None,
            "slurm_array_parallelism": jobs,
            "slurm_signal_delay_s": min(SIGNAL_SECONDS, 30 * self.time_limit),
            # Where one process of a point is gone, the others would wait for it for ever. srun does not take over the
            # cores that sbatch was asked for (since SLURM 22.05).
            "slurm_srun_args": ["--kill-on-bad-exit=1", f"--cpus-per-task={cores}"],
            # Some clusters let jobs go back into the queue only where they say so themselves.
            "slurm_additional_parameters": {"requeue": True, **self.further()},
        }
        return {name: value for name, value in parameters.items() if value is not None}

    def executor(
        self, folder: Path, name: str, settings: RunSettings, environment: Mapping[str, str], jobs: int | None
    ) -> Any:
        """submitit's executor, which submits jobs.

        Args:
            folder: where submitit keeps what it submits and how that ends.
            name: of the jobs, as the queue shows them.
            settings: what each point is computed on.
            environment: variables that a job starts with.
            jobs: points at a time; None: as many as the cluster gives.
        """
        import submitit

        logging.getLogger("submitit").setLevel(logging.ERROR)
        cuda = settings.device.startswith("cuda")
        if self.launcher != "slurm":
            python = shlex.join(
                ["env", *(f"{variable}={value}" for variable, value in environment.items()), sys.executable]
            )
            local = submitit.LocalExecutor(folder, max_num_timeout=MAX_TIMEOUTS, python=python)
            local.update_parameters(timeout_min=NO_LIMIT, gpus_per_node=self.gpus(cuda, settings.devices))
            return local
        executor = submitit.AutoExecutor(folder, cluster="slurm", slurm_max_num_timeout=MAX_TIMEOUTS)
        parameters = self.slurm(cuda, settings.devices, settings.nodes, settings.threads, jobs)
        exports = [f"export {variable}={value}" for variable, value in environment.items()]
        executor.update_parameters(name=name, slurm_setup=exports, **parameters)
        return executor


def default_jobs(jobs: int | None) -> int:
    """Points at a time on this machine."""
    return jobs or os.cpu_count() or 1
