"""This suite's own way to a steady state: by projection where sums are exact, else from draws.

ring                  velocities (`repro.methods.tdvp`) of one string from 600 draws each, all down, to t = 5 (8 beyond
                      twelve spins), averaged over the last unit of time; the cubic POVM, because in the paper's two
                      POVMs all down has outcomes of probability zero, which draws do not show
lattice to 9 spins    exact sums, four steps of projection to t = 10
larger lattices       one string from draws, by velocities, as the figures `methods` or `frontier` ship it

An evolution that would take too long is not run. The cost of an iteration and of measuring a state at its start then
tell what it would cost.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmarks.crossing.problems import COUPLINGS, FIELD, LATTICES, ONE, Problem
from benchmarks.crossing.rows import Measured
from experiments import fig3, fig4, frontier
from experiments.methods import BY_PROJECTION, BY_TDVP
from figures.crossing_text import MISSED, PART
from repro.config.listed import Listed
from repro.config.point import Point
from repro.methods.batch_size import GIB
from repro.methods.build import seeded_generator
from repro.methods.tdvp import TdvpModule
from repro.physics.povm import CUBIC
from repro.running.folders import CHECKPOINT, DONE, RunSettings, point_folder
from repro.running.runner import run_point
from repro.utils.names import PAULI_AVERAGES
from repro.utils.paths import RESULTS
from repro.utils.result_table import read_table, without_controls

AVERAGED = 1.0
"""Last stretch of an evolution that its mean is of (1/gamma)."""
LATE = 8.0
"""End of the evolutions of rings of more than twelve spins: what their first units leave them off by
decays till then."""
EXACT_SUMS = 9
"""Largest lattice of exact sums."""
SHIPPED = (RESULTS / "methods.csv", RESULTS / "frontier.csv")
"""Tables with lattices beyond exact sums; of equal evolutions the first one's counts."""
FROM_DRAWS = ("tdvp", "collocation")
"""Methods of shipped evolutions, the better first."""
REPEATS = 5
"""Velocities that are timed."""
RING = fig3.RING.change(
    **BY_TDVP | {"povm": CUBIC, "initial": "down", "n_samples": 600, "t_end": 5.0}, figure="crossing"
)
SUMMED = fig4.EVOLUTION.change(
    **BY_PROJECTION | {"step_iterations": 500, "tau": 1.25, "t_end": 10.0, "dense_output": 1}, figure="crossing"
)


def evolution(problem: Problem, n_sites: int) -> Listed:
    """The evolution of one size."""
    if problem.panel == ONE:
        return RING.change(n_sites=n_sites, g=FIELD, t_end=LATE if n_sites > 12 else RING.settings["t_end"])
    rows, cols = next(shape for shape in LATTICES if math.prod(shape) == n_sites)
    if n_sites > EXACT_SUMS:
        return frontier.lattice("workstation", rows, cols, _coupling(problem)).change(figure="crossing")
    return SUMMED.change(rows=rows, cols=cols, Jy=_coupling(problem))


def network(problem: Problem, n_sites: int, longest: float, runs: Path) -> Measured:
    """CPU seconds of the evolution; its mean after it has settled, and the largest standard error of that.

    Args:
        problem: which.
        n_sites: of which size.
        longest: CPU seconds; draws that would take more are not run, their cost is told from the start.
        runs: folder of the runs.
    """
    if problem.panel != ONE and n_sites > EXACT_SUMS and (found := shipped(problem, n_sites)):
        return found
    listed = evolution(problem, n_sites)
    settings, drawn = _in_words(listed), listed.settings["estimator"] == "sampled"
    if drawn:
        seconds, rule = _expected(listed.point)
        if seconds > longest:
            return Measured(seconds, math.nan, settings, {}, PART, rule)
    seconds, rule, history = _run(listed, runs)
    late = history[history["t"] > listed.settings["t_end"] - AVERAGED] if drawn else history.tail(1)
    means = {name: float(late[name].mean()) for name in PAULI_AVERAGES}
    error = max(_standard_error(late[name].to_numpy()) for name in PAULI_AVERAGES) if drawn else math.nan
    return Measured(seconds, error, settings, means, rule=rule)


def _run(listed: Listed, runs: Path) -> tuple[float, str, pd.DataFrame]:
    """CPU seconds, how else they are known where a part was run before, and the history.

    In a folder of its own, so that it does not take up a shorter evolution, whose seconds would be missing.
    """
    runs = runs / "crossing" / listed.point.point_id
    before = (point_folder(runs, listed.point) / CHECKPOINT).exists()
    began = time.process_time()
    folder = run_point(listed, RunSettings(runs, tracking="disabled"))
    taken, history = time.process_time() - began, pd.read_csv(folder / "history.csv")
    if before:
        return float(json.loads((folder / DONE).read_text())["seconds"]), "wall time", history
    return taken, "", history


def shipped(problem: Problem, n_sites: int, tables: Sequence[Path] = SHIPPED) -> Measured | None:
    """The evolution of a lattice from draws that a table has, None where none does.

    One that reaches a steady state counts before one that ends too early, which is given up; velocities before
    collocation. Wall time and means of the seed that is furthest off trajectories, of the first one where there are
    none; the rule says what the others are off by.
    """
    found = [(table, rows) for table in tables if len(rows := _of_lattice(read_table(table), problem, n_sites))]
    if not found:
        return None
    table, rows = max(found, key=lambda each: np.isinf(each[1]["t"]).any())  # the first of equals
    chosen, which = _seed_that_counts(rows[np.isinf(rows["t"])], int(rows["seed"].min()))
    rows, others = (rows[(rows["seed"] == chosen) == counts] for counts in (True, False))
    seconds, draws = float(rows["seconds"].max()), float(rows["n_samples"].iloc[0])
    settings = f"{rows['method'].iloc[0]}, {rows['strings'].iloc[0]}, {draws:.0f} draws, from results/{table.name}"
    steady = rows[np.isinf(rows["t"])].set_index("observable")
    if not len(steady):
        rule = f"to t = {rows['t'].max():g} alone, on the way {_off(rows):.3f} off"
        return Measured(seconds, math.nan, settings, {}, MISSED, rule)
    means = {name: float(steady.loc[name, "mean"]) for name in PAULI_AVERAGES}
    rule = "wall time" + _of_others(others[np.isinf(others["t"])], which)
    return Measured(seconds, float(steady["error"].max()), settings, means, rule=rule)


def _of_lattice(rows: pd.DataFrame, problem: Problem, n_sites: int) -> pd.DataFrame:
    """A table's evolutions of one lattice by the better method from draws, its controls left out."""
    rows = rows[(rows["lattice"] == problem.of(n_sites).lattice.name) & (rows["Jy"] == _coupling(problem))]
    rows = without_controls(rows)
    method = next((name for name in FROM_DRAWS if name in set(rows["method"])), "")
    return rows[rows["method"] == method]


def _seed_that_counts(steady: pd.DataFrame, first: int) -> tuple[int, str]:
    """The seed whose steady state is furthest off, and how to call it; the first one where nothing is known."""
    if not len(steady) or steady["exact"].isna().any():
        return first, "first seed"
    off = {int(seed): _off(steady[steady["seed"] == seed]) for seed in steady["seed"].unique()}
    return max(off, key=lambda seed: off[seed]), "the seed furthest off"


def _of_others(steady: pd.DataFrame, which: str) -> str:
    """What the steady states of further seeds are off trajectories by, or their <sigma_z> where there are none."""
    if not len(steady):
        return ""
    if steady["exact"].isna().any():
        values = steady[steady["observable"] == "sigma_z"].sort_values("seed")["mean"]
        return f", {which}; <sigma_z> of others " + ", ".join(f"{value:.3f}" for value in values)
    off = ", ".join(f"{_off(of_seed):.3f}" for _, of_seed in steady.groupby("seed"))
    return f", {which}; others {off} off trajectories"


def _off(rows: pd.DataFrame) -> float:
    return float((rows["mean"] - rows["exact"]).abs().max())


def _coupling(problem: Problem) -> float:
    return next(Jy for Jy in COUPLINGS if problem.name.endswith(f"= {Jy:g}"))


def _in_words(listed: Listed) -> str:
    point = listed.point
    kind = f"{listed.settings['method']}, {listed.settings['strings']}"
    draws = f"{point.estimator.n_samples} draws" if listed.settings["estimator"] == "sampled" else "exact sums"
    return f"{kind}, {draws}, {point.method.total_iterations} iterations to t = {listed.settings['t_end']:g}"


def _expected(point: Point) -> tuple[float, str]:
    """CPU seconds of the whole evolution as its start costs them, and by which rule."""
    module = TdvpModule(point, 4 * GIB)
    velocities, states = point.method.total_iterations, module.n_epochs + 1
    began = time.process_time()
    module.measure()
    measuring = time.process_time() - began
    rule = f"{velocities} times an iteration at the start, {states} times the means"
    return velocities * _of_a_velocity(module) + states * measuring, rule


def _of_a_velocity(module: TdvpModule) -> float:
    """CPU seconds at the start of an evolution: what else runs here does not count."""
    taken = []
    for number in range(REPEATS):
        generator = seeded_generator(torch.device("cpu"), module.point.seed, number)
        began = time.process_time()
        module.velocity(generator)
        taken.append(time.process_time() - began)
    return float(np.median(taken))


def _standard_error(values: np.ndarray) -> float:
    """Of the mean of a correlated series, from the means of four blocks."""
    from scipy.stats import sem

    return float(sem([block.mean() for block in np.array_split(values, 4)]))
