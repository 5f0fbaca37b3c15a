"""POVM samples of what only state vectors hold: quantum trajectories (QuTiP's `mcsolve`), measured on their way.

A trajectory is integrated from one time to the next; at each its state vector is measured in every POVM
(`benchmarks.ansatz_limit.outcomes`), then forgotten. The samples of a trajectory are one file, so that an interrupted
run goes on and more trajectories can be added. Over many trajectories they are samples of the mixed state.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ansatz_limit.outcomes import measured
from benchmarks.ansatz_limit.problems import Problem
from repro.physics.povm import POVMS, product_state_density
from repro.references.cache import describe, key_of, numbers
from repro.references.qutip_solvers import qutip_operators
from repro.references.trajectory_steady_state import OPTIONS
from repro.utils.arrays import read_arrays, write_arrays
from repro.utils.files import check_writable

Say = Callable[[str], None]

SPACING = 0.2
"""Trajectories are measured at every multiple of it up to the last time asked for (1/gamma)."""
LATE = 10.0
"""The time (1/gamma) that stands for the steady state: the slowest decay, gamma / 2, has left 0.7 % of the start."""
FOLDER = "ansatz-limit"


def times_of(problems: Sequence[Problem]) -> tuple[float, ...]:
    """When trajectories are measured that serve some problems."""
    asked = {LATE if math.isinf(problem.t) else problem.t for problem in problems}
    last = max((problem.t for problem in problems if not math.isinf(problem.t)), default=0.0)
    grid = {round(SPACING * k, 12) for k in range(1, math.floor(last / SPACING + 1e-9) + 1)}
    return tuple(sorted(asked | grid))


def folder_of(problem: Problem, povms: Sequence[str], n: int, runs: Path) -> Path:
    """Where the trajectories of a model are kept, by everything that decides their samples but their times."""
    model = problem.point(povms[0]).lindblad_model
    frames = [numbers(POVMS[povm]().frame.reshape(8, 2)) for povm in povms]
    start = numbers(product_state_density("up"))
    description = describe(model, "POVM samples of trajectories", initial=start, frames=frames, samples=n)
    return runs / FOLDER / key_of({**description, "options": OPTIONS})


def collect(
    problems: Sequence[Problem], povms: Sequence[str], count: int, n: int, runs: Path, say: Say
) -> list[dict[str, np.ndarray]]:
    """Samples of trajectories 1 to `count`; what a folder has is not made again.

    Args:
        problems: of one lattice and coupling.
        povms: names; every one is measured on every trajectory.
        count: of trajectories.
        n: samples of a trajectory at a time in a POVM.
        runs: folder of runs.
        say: called with lines of progress.

    Returns:
        For each trajectory its samples (n, N) by `key(povm, t)`.

    Raises:
        InputError: a folder that cannot be written.
    """
    folder, times = folder_of(problems[0], povms, n, runs), times_of(problems)
    names = [key(povm, t) for povm in povms for t in times]
    check_writable(folder)
    found, system, began, made = [], None, time.perf_counter(), 0
    for number in range(1, count + 1):
        file = folder / f"{number:05d}.npz"
        kept = _load(file, names)
        if kept is None:
            system = system or _System(problems[0])
            kept = system.trajectory(number, times, povms, n)
            write_arrays(file, kept)
            made += 1
            say(f"trajectory {number} of {count}, {(time.perf_counter() - began) / made:.1f} s each")
        found.append(kept)
    return found


def key(povm: str, t: float) -> str:
    """The name of the samples of a time in a trajectory's file."""
    return f"{povm} {LATE if math.isinf(t) else t:g}"


def _load(file: Path, names: Sequence[str]) -> dict[str, np.ndarray] | None:
    """The samples of a trajectory; None where they are missing, damaged, or not of every time."""
    kept = read_arrays(file)
    return None if kept is None or not {*names} <= {*kept} else {name: kept[name] for name in names}


class _System:
    """Operators of a model, built once for all its trajectories."""

    def __init__(self, problem: Problem) -> None:
        import qutip

        model = problem.point("tetrahedral").lindblad_model
        hamiltonian, jumps = qutip_operators(model)
        self.solver = qutip.MCSolver(hamiltonian, jumps, options=OPTIONS)
        self.start = qutip.tensor([qutip.basis(2, 0)] * model.lattice.n_sites)

    def trajectory(self, number: int, times: Sequence[float], povms: Sequence[str], n: int) -> dict[str, Any]:
        """Samples (n, N) of one trajectory by `key(povm, t)`."""
        samples = {}
        self.solver.start(self.start, 0.0, seed=[np.random.SeedSequence(number)])
        for t in times:
            psi = self.solver.step(t).full().ravel()
            psi /= np.linalg.norm(psi)
            for povm in povms:
                name = key(povm, t)
                rng = np.random.default_rng([number, *name.encode()])
                samples[name] = measured(psi, POVMS[povm](), n, rng)
        return samples
