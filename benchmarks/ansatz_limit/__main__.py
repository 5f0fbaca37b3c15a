"""`python -m benchmarks.ansatz_limit`: complete the table of fits."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import torch
import tyro

from benchmarks import ansatz_limit
from benchmarks.ansatz_limit import page
from benchmarks.ansatz_limit.complete import Fits, complete
from benchmarks.ansatz_limit.likelihood import Budget
from benchmarks.ansatz_limit.problems import SHIPPED, Problem
from benchmarks.ansatz_limit.rows import Table
from benchmarks.ansatz_limit.variants import VARIANTS, named
from repro.utils.errors import InputError
from repro.utils.files import check_file, check_writable, write_atomic

SHIPPED_TABLE = Path("results/ansatz_limit.csv")


@dataclasses.dataclass
class Settings:
    """What is fitted. Rows that the table has are not computed again."""

    lattice: str = ""
    """such as 4x4 (periodic) or 12-ring, up to 16 sites; by default the states of the shipped table"""
    Jy: float = 1.8
    """coupling J_y of that lattice (J_x = 0.9, J_z = 1, gamma = 1)"""
    times: tuple[float, ...] = (1.4,)
    """times of that lattice, from all spins up (1/gamma); inf: the steady state"""
    variants: tuple[str, ...] = tuple(variant.name for variant in VARIANTS)
    """ansaetze to fit"""
    trajectories: int = 100
    """beyond nine sites: how many; every fifth is held out"""
    samples: int = 500
    """of each trajectory at each time in each POVM"""
    iterations: int = 500
    """Adam iterations of a fit"""
    batch: int = 2048
    """samples of a minibatch"""
    rate: float = 1e-2
    """Adam's highest rate in its one cycle"""
    sums: str = "exact"
    """exact: the loss sums over all configurations where p is known; samples: it never does"""
    seed: int = 0
    """of weights and minibatches"""
    table: Path = SHIPPED_TABLE
    """table of fits, completed as they finish"""
    runs: Path = Path("runs")
    """folder of samples and fitted weights"""


def main(settings: Settings) -> None:
    """Make samples, fit, say; of the shipped table the page is written too."""
    torch.set_num_threads(1)
    problems = SHIPPED
    if settings.lattice:
        problems = tuple(Problem(settings.lattice, settings.Jy, t) for t in settings.times)
    if not problems:
        raise InputError("no times: expected at least one")
    check_file(settings.table)
    shipped = settings.table == SHIPPED_TABLE
    if shipped:
        page.read(page.PAGE)
    check_writable(settings.runs)
    budget = Budget(settings.iterations, settings.batch, settings.rate, settings.sums)
    table, chosen = Table(settings.table, settings.runs), named(settings.variants)
    wanted = Fits(problems, chosen, (settings.trajectories, settings.samples), budget, settings.seed)
    complete(table, wanted, settings.runs, _say)
    if shipped:
        write_atomic(page.PAGE, page.with_tables(page.read(page.PAGE), table.frame()))
    print(settings.table)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    try:
        main(tyro.cli(Settings, description=ansatz_limit.__doc__))
    except InputError as error:
        print(f"ansatz_limit: {error}", file=sys.stderr)
        sys.exit(2)
