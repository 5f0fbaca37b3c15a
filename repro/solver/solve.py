"""Solve a spin lattice of your own: `solve` in Python; `repro solve FILE.py` on the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from repro.config.listed import Listed
from repro.reporting.unphysical import worst
from repro.running.folders import DONE, point_folder
from repro.solver import exact_source
from repro.solver.bends import bends
from repro.solver.machine import Machine, run_settings
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
from repro.utils.files import check_writable
from repro.utils.formatting import significant
from repro.utils.validation import check_bool, check_instance

SETTLED_CHANGE = 3e-3
"""A steady state has settled where no observable still moves by more, in units of the largest value it can have."""
DOUBLINGS = 2
"""How often an evolution that has not settled goes on for as long again."""


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
            chains, uniform rings) or quantum trajectories (any lattice of up to sixteen sites, or twenty-six with
            qsim), in up to ten minutes each.
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
    machine = Machine(run_settings(runs, jobs, device, threads, memory, problem.unit), jobs, check_bool("quiet", quiet))
    check_bool("exact", exact)
    return _solve(problem, request, machine, exact)


def _solve(problem: Problem, request: Request, machine: Machine, exact: bool) -> Solution:
    """Compute in natural units and put together; the table is in the problem's own."""
    import pandas as pd

    settings, natural = machine.settings, problem.in_natural_units()
    todo = points(problem, request, settings.memory, settings.device)
    check_writable(settings.runs)
    machine.compute([point for of_kind in todo.values() for point in of_kind])
    notes: list[str] = []
    if STEADY in todo:
        todo[STEADY] = _settled(natural, todo[STEADY], machine, notes, problem.unit)
        notes += which_state(natural, todo[STEADY], problem.unit)
    rows, told = _rows(natural, todo, machine, notes, exact)
    every = list({point.point_id: point for of_kind in todo.values() for point in of_kind}.values())
    notes += bends(every, settings.runs)
    table = pd.DataFrame(rows, columns=[*COLUMNS]).assign(t=lambda own: (own["t"] / problem.unit).map(significant))
    notes += worst(table, {each.name: each.bound for each in problem.asked}.__getitem__, lambda row: "")
    folders = tuple(point_folder(settings.runs, point) for point in every)
    return Solution(
        problem,
        table,
        folders,
        sum(json.loads((folder / DONE).read_text())["seconds"] for folder in folders),
        tuple(notes),
        least_eigenvalue(every, settings.runs),
        told,
        (todo.get(STEADY) or todo[EVOLUTION])[0].point,
    )


def _rows(
    natural: Problem, todo: Mapping[str, list[Listed]], machine: Machine, notes: list[str], exact: bool
) -> tuple[list[dict[str, object]], tuple[str, ...]]:
    """Rows of the table, and what is said of the exact values; notes are added to."""
    folder = machine.settings.runs / "reference"
    rows: list[dict[str, object]] = []
    known: list[Exact | None] = []
    if EVOLUTION in todo:
        runs = runs_of(natural, todo[EVOLUTION], machine.settings.runs)
        known.append(exact_source.evolution(natural, times_of(runs), folder, notes, machine.say) if exact else None)
        rows += evolution_rows(natural, runs, known[-1])
    if STEADY in todo:
        runs = runs_of(natural, todo[STEADY], machine.settings.runs)
        known.append(exact_source.steady_state(natural, folder, notes, machine.say) if exact else None)
        rows += steady_rows(natural, runs, known[-1], fluctuates(todo[STEADY][0].point))
    return rows, tuple(each.told for each in known if each and each.told)


def _settled(problem: Problem, steady: list[Listed], machine: Machine, notes: list[str], unit: float) -> list[Listed]:
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
