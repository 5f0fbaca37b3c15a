"""Solve a spin lattice of your own: `solve` in Python; `repro solve FILE.py` on the command line."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.config.listed import Listed
from repro.methods.batch_size import GIB
from repro.reporting.unphysical import worst
from repro.running import launch
from repro.running.devices import check_device
from repro.running.display import Display
from repro.running.folders import DONE, RunSettings, point_folder
from repro.running.runner import run_point
from repro.solver import exact_source
from repro.solver.bends import bends
from repro.solver.plan import AUTO, EVOLUTION, STEADY, Request, longer, points
from repro.solver.problem import Problem
from repro.solver.solution import Solution
from repro.solver.table import (
    COLUMNS,
    Exact,
    evolution_rows,
    least_eigenvalue,
    runs_of,
    steady_rows,
    still_moving,
    times_of,
)
from repro.solver.tail import fluctuates
from repro.solver.which_state import which_state
from repro.utils.errors import InputError
from repro.utils.files import check_folder, check_writable
from repro.utils.formatting import significant
from repro.utils.validation import (
    MOST_PROCESSES,
    check_bool,
    check_instance,
    check_int,
    check_memory,
    check_text,
    shorten,
)

SETTLED_CHANGE = 3e-3
"""A steady state has settled where no observable still moves by more, in units of the largest value it can have."""
DOUBLINGS = 2
"""How often an evolution that has not settled goes on for as long again."""


class FailedError(RuntimeError):
    """A run failed; the message says which and why, and the same call goes on from its last good state."""


@dataclass(frozen=True)
class _Machine:
    """Where and how runs are computed."""

    settings: RunSettings
    jobs: int
    quiet: bool

    def say(self, line: str) -> None:
        """Show a line of progress."""
        from rich.console import Console

        Console(stderr=True, quiet=self.quiet, highlight=False).print(line, markup=False, soft_wrap=True)

    def compute(self, todo: Sequence[Listed]) -> None:
        """Compute points that are not finished, here or in processes of their own."""
        from rich.console import Console

        console = Console(stderr=True, quiet=self.quiet)
        if self.jobs:
            failures = launch.run_points(todo, self.settings, self.jobs, console)
            if failures:
                raise FailedError("; ".join(f"{label}: {reason}" for label, reason in failures.items()))
            return
        unfinished = launch.unfinished(todo, self.settings, console)
        if unfinished:
            with Display(unfinished, self.settings, console) as display, _refreshing(display) as lock:
                for point in unfinished:
                    run_point(point, self.settings)
                    with lock:
                        display.finish(point, "")


def solve(
    problem: Problem,
    t_end: float | None = None,
    steady: bool = False,
    *,
    seed: int = 0,
    seeds: int = 1,
    method: str = AUTO,
    estimator: str = AUTO,
    step: float | None = None,
    iterations: int | None = None,
    exact: bool = True,
    runs: Path | str = "runs",
    jobs: int = 0,
    device: str = "cpu",
    threads: int = 1,
    memory: float = 4.0,
    quiet: bool = False,
    **changes: Any,
) -> Solution:
    """Evolve a problem, find its steady state, or both, with an autoregressive network over POVM outcomes.

    Every run is kept in `runs`: a call that was interrupted goes on, and one that is repeated answers at once.

    Example:
        ```python
        import numpy as np
        import repro
        from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, SIGMA_Z

        lattice = repro.ring(4)
        model = repro.LindbladModel(
            lattice,
            one_site=[(site, 0.5 * SIGMA_X) for site in lattice.sites],
            two_site=[(bond, 0.5 * np.kron(SIGMA_Z, SIGMA_Z)) for bond in lattice.bonds],
            jumps=[(site, SIGMA_MINUS, 1.0) for site in lattice.sites],
        )
        solution = repro.solve(repro.Problem(model, correlators=[("Z0", "Z2")]), t_end=3.0, steady=True)
        print(solution.summary())
        ```

    Args:
        problem: the model, its initial state, its POVM, and what is measured.
        t_end: length of the evolution; None for none (times in the inverse unit of the rates, hbar = 1).
        steady: also (or only) find the steady state: an evolution to t = 10 over the model's largest energy
            or rate, longer where it still moves.
        seed: of weights and draws.
        seeds: how many. With two or more, and a control run, `error` is an estimate of the whole error
            (`repro.reporting.error_estimate`); with one it is that of the draws alone.
        method: "auto" (projection where sums are exact; from draws collocation, and tdvp for steady states), or the
            paper's "dynamics" (Eq. 4) and, for steady states, "variational" (Eq. 5).
        estimator: "enumeration" of all 4^N configurations, "sampled", or "auto": by size and by free memory.
        step: length of a time step.
        iterations: of Adam within a time step (1.5 times as many in the first); of tdvp steps of its rule.
        exact: compute exact values beside it: by QuTiP up to ten sites; beyond, with errors, by matrix products (open
            chains, uniform rings) or quantum trajectories (any lattice of up to sixteen sites), in up to ten minutes
            each.
        runs: folder for checkpoints, histories and exact values.
        jobs: 0 computes in this process; more in as many processes.
        device: cpu, cuda or cuda:N.
        threads: CPU threads of each run.
        memory: GiB that an evaluation of draws may take.
        quiet: show no progress.
        changes: further settings, such as layers=1, width=64 or n_samples=2000.

    Raises:
        InputError: anything that cannot be used, in one line, before anything runs.
        FailedError: a run in a process of its own failed.
        repro.methods.sanity.WrongNumbersError: the numbers of a run in this process failed a check.
    """
    check_instance("problem", problem, Problem)
    request = Request(t_end, steady, seed, seeds, method, estimator, step, iterations, changes)
    machine = _Machine(_settings(runs, jobs, device, threads, memory, problem.unit), jobs, check_bool("quiet", quiet))
    check_bool("exact", exact)
    return _solve(problem, request, machine, exact)


def _settings(runs: Path | str, jobs: int, device: str, threads: int, memory: float, unit: float) -> RunSettings:
    if not isinstance(runs, str | os.PathLike):
        raise InputError(f"runs = {shorten(runs)}: expected a folder")
    folder = Path(runs)
    check_int("jobs", jobs, 0, MOST_PROCESSES)
    check_int("threads", threads, 1, MOST_PROCESSES)
    check_memory(memory)
    check_device(check_text("device", device))
    check_folder(folder)
    return RunSettings(folder, device, threads, "disabled", int(memory * GIB), time_unit=unit)


def _solve(problem: Problem, request: Request, machine: _Machine, exact: bool) -> Solution:
    """Solve in natural units; the table is in the problem's own."""
    import pandas as pd

    settings, natural, folder = machine.settings, problem.in_natural_units(), machine.settings.runs / "reference"
    todo = points(problem, request, settings.memory, settings.device)
    check_writable(settings.runs)
    machine.compute([point for of_kind in todo.values() for point in of_kind])
    notes: list[str] = []
    if STEADY in todo:
        todo[STEADY] = _settled(natural, todo[STEADY], machine, notes, problem.unit)
        notes += which_state(natural, todo[STEADY], problem.unit)
    rows: list[dict[str, object]] = []
    known: list[Exact | None] = []
    if EVOLUTION in todo:
        histories = runs_of(natural, todo[EVOLUTION], settings.runs)
        where = folder, notes, machine.say
        known.append(exact_source.evolution(natural, times_of(histories), *where) if exact else None)
        rows += evolution_rows(natural, histories, known[-1])
    if STEADY in todo:
        histories = runs_of(natural, todo[STEADY], settings.runs)
        known.append(exact_source.steady_state(natural, folder, notes, machine.say) if exact else None)
        rows += steady_rows(natural, histories, known[-1], fluctuates(todo[STEADY][0].point))
    every = [point for of_kind in todo.values() for point in of_kind]
    folders, notes = [point_folder(settings.runs, point) for point in every], [*notes, *bends(every, settings.runs)]
    seconds = sum(json.loads((folder / DONE).read_text())["seconds"] for folder in folders)
    table = pd.DataFrame(rows, columns=[*COLUMNS]).assign(t=lambda own: (own["t"] / problem.unit).map(significant))
    notes += worst(table, {each.name: each.bound for each in problem.asked}.__getitem__, lambda row: "")
    least, told = least_eigenvalue(every, settings.runs), tuple(each.told for each in known if each and each.told)
    last = (todo.get(STEADY) or todo[EVOLUTION])[0].point
    return Solution(problem, table, tuple(folders), seconds, tuple(notes), least, told, last)


def _settled(problem: Problem, steady: list[Listed], machine: _Machine, notes: list[str], unit: float) -> list[Listed]:
    """Continue the points of the steady state until no observable moves any more; returns the last ones."""
    for doubling in range(DOUBLINGS + 1):
        histories = runs_of(problem, steady, machine.settings.runs)
        if steady[0].point.method.evolution is None:
            return steady
        moving = still_moving(problem, histories, fluctuates(steady[0].point))
        if moving <= SETTLED_CHANGE:
            return steady
        if doubling < DOUBLINGS:
            steady = [longer(point) for point in steady]
            machine.compute(steady)
    t = significant(steady[0].settings["t_end"] / unit)
    notes.append(f"the steady state still moves by about {moving:.4f} of what an observable can be, at t = {t:g}")
    return steady


@contextmanager
def _refreshing(display: Display) -> Iterator[threading.Lock]:
    """Show progress while this thread computes; hold the lock to change what is shown."""
    lock, done = threading.Lock(), threading.Event()

    def show() -> None:
        while not done.wait(launch.POLL_SECONDS):
            with lock:
                display.refresh()

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield lock
    finally:
        done.set()
        thread.join()
