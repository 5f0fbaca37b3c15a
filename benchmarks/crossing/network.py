"""This suite's own way to a steady state: by projection where sums are exact, else by collocation from draws.

A ring: two strings, 500 draws, to t = 5 (8 beyond twelve spins), averaged over the last unit of time. A lattice up to
nine spins: exact sums, four steps to t = 10; beyond, one string from draws, as the figure `methods` ships it.
Beyond what is run the cost of as many iterations is measured at the start of the evolution.
"""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmarks.crossing.problems import COUPLINGS, FIELD, LATTICES, ONE, Problem
from benchmarks.crossing.rows import Measured
from experiments import fig3, fig4
from experiments.methods import BY_COLLOCATION, BY_PROJECTION
from figures.crossing_text import MISSED, PART
from repro.config.listed import Listed
from repro.config.point import Point
from repro.methods.batch_size import GIB
from repro.methods.build import seeded_generator
from repro.methods.collocation_training import CollocationModule
from repro.references.cache import OBSERVABLES
from repro.running import checkpoints
from repro.running.folders import CHECKPOINT, DONE, RunSettings
from repro.running.runner import run_point
from repro.utils.errors import InputError
from repro.utils.paths import RESULTS
from repro.utils.result_table import read_table

AVERAGED = 1.0
"""Last stretch of an evolution that its mean is of (1/gamma)."""
LATE = 8.0
"""End of the evolutions of rings of more than twelve spins: what their fast first unit leaves them off by decays till
then."""
EXACT_SUMS = 9
"""Largest lattice of exact sums."""
SHIPPED_SITES = 16
"""Largest lattice that the figure `methods` has."""
REPEATS = 5
"""Groups of iterations with one evaluation of L that are timed."""
RING = fig3.RING.change(
    **BY_COLLOCATION
    | {"initial": "down", "strings": "2t", "n_samples": 500, "tau": 0.125, "t_end": 5.0, "reuse": 8}
    | {"step_iterations": 600, "first_iterations": 900},
    figure="crossing",
)
SUMMED = fig4.EVOLUTION.change(
    **BY_PROJECTION | {"step_iterations": 500, "tau": 1.25, "t_end": 10.0, "dense_output": 1}, figure="crossing"
)
DRAWN = fig4.EVOLUTION.change(
    **BY_COLLOCATION
    | {"estimator": "sampled", "strings": "0s", "n_samples": 500, "reuse": 8}
    | {"step_iterations": 400, "first_iterations": 600},
    figure="crossing",
)


def evolution(problem: Problem, n_sites: int) -> Listed:
    """The evolution of one size."""
    if problem.panel == ONE:
        return RING.change(n_sites=n_sites, g=FIELD, t_end=LATE if n_sites > 12 else RING.settings["t_end"])
    base = SUMMED if n_sites <= EXACT_SUMS else DRAWN
    rows, cols = next(shape for shape in LATTICES if math.prod(shape) == n_sites)
    return base.change(rows=rows, cols=cols, Jy=_coupling(problem))


def network(problem: Problem, n_sites: int, longest: float, runs: Path) -> Measured:
    """CPU seconds of the evolution; its mean after it has settled, and the largest standard error of that.

    Args:
        problem: which.
        n_sites: of which size.
        longest: CPU seconds; draws that would take more are not run, the cost of an iteration is measured.
        runs: folder of the runs.
    """
    summed = problem.panel != ONE and n_sites <= EXACT_SUMS
    if problem.panel != ONE and EXACT_SUMS < n_sites <= SHIPPED_SITES:
        return shipped(problem, n_sites)
    listed = evolution(problem, n_sites)
    point, settings = listed.point, _in_words(listed)
    iterations = point.method.total_iterations
    if not summed and (seconds := iterations * _cpu_seconds(point, None)) > longest:
        rule = f"{iterations} times an iteration at the start"
        return Measured(seconds, math.nan, settings, {}, PART, rule)
    began = time.process_time()
    folder = run_point(listed, RunSettings(runs, tracking="disabled"))
    taken = time.process_time() - began
    history = pd.read_csv(folder / "history.csv")
    if summed:
        means = {name: float(history[name].iloc[-1]) for name in OBSERVABLES}
        wall = float(json.loads((folder / DONE).read_text())["seconds"])
        if taken > wall / 10:  # computed here, not kept from before
            return Measured(taken, math.nan, settings, means)
        return Measured(wall, math.nan, settings, means, rule="wall time")
    late = history[history["t"] > listed.settings["t_end"] - AVERAGED]
    means = {name: float(late[name].mean()) for name in OBSERVABLES}
    error = max(_standard_error(late[name].to_numpy()) for name in OBSERVABLES)
    return Measured(iterations * _cpu_seconds(point, folder), error, settings, means)


def shipped(problem: Problem, n_sites: int, table: Path = RESULTS / "methods.csv") -> Measured:
    """The evolution of a lattice that the figure `methods` ships, wall time; given up where it ends too early.

    Raises:
        InputError: no such lattice in the table.
    """
    lattice, Jy = problem.of(n_sites).lattice.name, _coupling(problem)
    rows = read_table(table)
    rows = rows[(rows["lattice"] == lattice) & (rows["Jy"] == Jy) & (rows["method"] == "collocation")]
    if not len(rows):
        raise InputError(f"{table}: no evolution of {lattice} at J_y = {Jy:g} by collocation, expected one")
    rows = rows[rows["seed"] == rows["seed"].min()]
    seconds, draws = float(rows["seconds"].max()), float(rows["n_samples"].iloc[0])
    settings = f"collocation, {rows['strings'].iloc[0]}, {draws:.0f} draws, from results/{table.name}"
    steady = rows[np.isinf(rows["t"])].set_index("observable")
    if not len(steady):
        off = float((rows["mean"] - rows["exact"]).abs().max())
        rule = f"to t = {rows['t'].max():g} alone, on the way {off:.3f} off"
        return Measured(seconds, math.nan, settings, {}, MISSED, rule)
    means = {name: float(steady.loc[name, "mean"]) for name in OBSERVABLES}
    return Measured(seconds, float(steady["error"].max()), settings, means, rule="wall time")


def _coupling(problem: Problem) -> float:
    return next(Jy for Jy in COUPLINGS if problem.name.endswith(f"= {Jy:g}"))


def _in_words(listed: Listed) -> str:
    point = listed.point
    kind = f"{listed.settings['method']}, {listed.settings['strings']}"
    draws = f"{point.estimator.n_samples} draws" if listed.settings["estimator"] == "sampled" else "exact sums"
    return f"{kind}, {draws}, {point.method.total_iterations} iterations to t = {listed.settings['t_end']:g}"


def _cpu_seconds(point: Point, folder: Path | None) -> float:
    """Of one iteration in the mean, at the end of the evolution or at its start: what else runs here does not count."""
    module = CollocationModule(point, 4 * GIB)
    if folder:
        module.load_state_dict(checkpoints.load(folder / CHECKPOINT, point)["state_dict"])
    module.begin_step()
    taken = []
    for group in range(REPEATS):
        began = time.process_time()
        for _ in range(module.reuse):
            module.loss(seeded_generator(torch.device("cpu"), point.seed, group))[0].backward()
        taken.append(time.process_time() - began)
    return float(np.median(taken)) / module.reuse


def _standard_error(values: np.ndarray) -> float:
    """Of the mean of a correlated series, from the means of four blocks."""
    from scipy.stats import sem

    return float(sem([block.mean() for block in np.array_split(values, 4)]))
