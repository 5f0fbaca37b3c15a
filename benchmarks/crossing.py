"""When this method is the cheaper one: seconds for the steady Paulis of the Ising ring, against its size.

V = 2, gamma = 1, one field g. Three ways, one core each:

density matrix   QuTiP's `steadystate` (or `mesolve` where it does not converge)
trajectories     QuTiP's `mcsolve` with control variates, as many as a standard error of 0.01 asks for, at least twelve
collocation      this suite, sampled: an evolution to t = 5 (8 beyond twelve spins), averaged over its last unit;
                 as exact as the table says

`python benchmarks/crossing.py --help`. Rows that the table has are not measured again.
"""

from __future__ import annotations

import dataclasses
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import tyro

from experiments import fig3
from experiments.methods import BY_COLLOCATION
from figures import crossing as drawing
from repro.config.listed import Listed
from repro.config.point import Point
from repro.methods.batch_size import GIB
from repro.methods.build import seeded_generator
from repro.methods.collocation_training import CollocationModule
from repro.references import trajectory_steady_state
from repro.references.cache import DEFAULT_FOLDERS, OBSERVABLES
from repro.references.qutip_solvers import qutip_operators, site_averaged_paulis, solve_steady_state
from repro.running import checkpoints
from repro.running.folders import CHECKPOINT, RunSettings
from repro.running.runner import run_point
from repro.utils.files import write_atomic
from repro.utils.provenance import provenance

TARGET = 0.01
AVERAGED = 1.0
"""Last stretch of an evolution that its mean is of (1/gamma)."""
LATE = 8.0
"""End of the evolutions of more than twelve spins: what their fast first unit leaves them off by decays till then."""
REPEATS = 5
"""Groups of iterations with one evaluation of L that are timed."""
SITES = {
    "density matrix": (4, 5, 6, 7, 8, 9, 10),
    "trajectories": (6, 8, 10, 12, 14, 16),
    "collocation": (8, 12, 16, 20, 24),
}
RUN = 16
"""Largest size that this suite is run at; beyond, what the same iterations would cost is measured."""
COLLOCATION = fig3.RING.change(
    **BY_COLLOCATION
    | {"initial": "down", "strings": "2t", "n_samples": 500, "tau": 0.125, "t_end": 5.0, "reuse": 8}
    | {"step_iterations": 600, "first_iterations": 900},
    figure="crossing",
)


@dataclasses.dataclass
class Settings:
    """What is measured."""

    ways: tuple[str, ...] = tuple(SITES)
    """ways to measure: "density matrix", trajectories, collocation"""
    sites: tuple[int, ...] = ()
    """sizes of the ring; none for each way's own"""
    g: float = 1.6
    """transverse field (gamma = 1)"""
    run_to: int = RUN
    """largest ring that this suite evolves; beyond, the cost of its iterations is measured"""
    table: Path = Path("results/crossing.csv")
    """table of measurements, completed as they finish"""
    figure: Path = Path("results/figures/crossing.png")
    """the plot"""
    runs: Path = Path("runs")
    """folder of this suite's own runs"""


def ring(n_sites: int, g: float) -> Listed:
    """This suite's evolution of one ring."""
    t_end = LATE if n_sites > 12 else COLLOCATION.settings["t_end"]
    return COLLOCATION.change(n_sites=n_sites, g=g, t_end=t_end)


def density_matrix(listed: Listed, settings: Settings) -> dict[str, Any]:
    """Seconds of the steady state, operators included."""
    began, N = time.perf_counter(), listed.point.lattice.n_sites
    hamiltonian, jumps = qutip_operators(listed.point.lindblad_model)
    solver, rho = solve_steady_state(hamiltonian, jumps, N)
    means = {name: float(np.real((operator * rho).tr())) for name, operator in site_averaged_paulis(N).items()}
    return {"seconds": time.perf_counter() - began, "error": 0.0, "how": solver, **means}


def by_trajectories(listed: Listed, settings: Settings) -> dict[str, Any]:
    """Seconds of as many trajectories as the target asks for, at least as many as the control variates need.

    A reference that is kept already tells its own seconds and error.
    """
    model, N = listed.point.lindblad_model, listed.point.lattice.n_sites
    folders = (*DEFAULT_FOLDERS, settings.runs / "crossing")
    found = trajectory_steady_state.steady_state(model, folders, target=TARGET, label=f"crossing-N{N}", say=print)
    errors = [found.error(name) for name in OBSERVABLES]
    count = int(found.info["trajectories"])
    needed = max(trajectory_steady_state.LEAST, count * (max(errors) / TARGET) ** 2)
    means = {name: float(found.at(0.0, name)) for name in OBSERVABLES}
    how = f"{count} trajectories, standard error {max(errors):.4f}"
    return {"seconds": found.info["seconds"] * needed / count, "error": max(errors), "how": how, **means}


def by_collocation(listed: Listed, settings: Settings) -> dict[str, Any]:
    """CPU seconds of the evolution; its mean after it has settled, and the largest standard error of that."""
    point, t_end = listed.point, listed.settings["t_end"]
    iterations, n_samples = point.method.total_iterations, point.estimator.n_samples
    if point.lattice.n_sites > settings.run_to:
        how = f"{n_samples} draws, {iterations} iterations: their cost, not run"
        return {"seconds": iterations * _cpu_seconds(point, None), "error": math.nan, "how": how}
    folder = run_point(listed, RunSettings(settings.runs, tracking="disabled"))
    history = pd.read_csv(folder / "history.csv")
    late = history[history["t"] > t_end - AVERAGED]
    means = {name: float(late[name].mean()) for name in OBSERVABLES}
    error = max(_standard_error(late[name].to_numpy()) for name in OBSERVABLES)
    how = f"{n_samples} draws, {iterations} iterations, {len(late)} states to t = {t_end:g}"
    return {"seconds": iterations * _cpu_seconds(point, folder), "error": error, "how": how, **means}


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


MEASURES = {"density matrix": density_matrix, "trajectories": by_trajectories, "collocation": by_collocation}


def measure(settings: Settings) -> pd.DataFrame:
    """Complete the table, row by row."""
    rows = pd.read_csv(settings.table).to_dict("records") if settings.table.exists() else []
    done = {(row["way"], row["n_sites"], row["g"]) for row in rows}
    for way in settings.ways:
        for N in settings.sites or SITES[way]:
            if (way, N, settings.g) in done:
                continue
            print(f"{way}, N = {N}", flush=True)
            found = MEASURES[way](ring(N, settings.g), settings)
            rows.append({"way": way, "n_sites": N, "g": settings.g, **found, "device": provenance("cpu")["device"]})
            table = pd.DataFrame(rows).sort_values(["way", "n_sites"])
            settings.table.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(settings.table, table.to_csv(index=False))
    return pd.DataFrame(rows)


def main(settings: Settings) -> None:
    """Measure, say where the lines cross, draw."""
    table = measure(settings)
    table = table[table["g"] == settings.g]
    for row in table.sort_values(["way", "n_sites"]).to_dict("records"):
        off = drawing.deviation(table, row["way"], row["n_sites"])
        print(f"{row['way']:15} N = {row['n_sites']:2}  {row['seconds']:9.1f} s  off {off:.4f}  ({row['how']})")
    lines = drawing.lines(table)
    for other in ("density matrix", "trajectories"):
        print(drawing.sentence(lines, other))
    drawing.draw(table, lines, settings.figure)
    print(settings.figure)


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
