"""Evolutions beyond density matrices: quantum trajectories by QuTiP's `mcsolve`, from a product state.

Over any stretch of time d<O>/dt = <L^+(O)>, so that O(b) - O(a) - int_a^b L^+(O) dt has mean zero whatever the state.
Every trajectory is measured at the times of a table; four such stretches of the Paulis themselves, up to each time, are
the controls; they leave a tenth of the fluctuations (`repro.references.control_variates`). Finished trajectories are
kept, so that an interrupted reference continues (`repro.references.trajectory_steady_state`).

Array suffixes: R trajectories, M times, P observables.
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from repro.physics.lindblad import LindbladModel
from repro.physics.povm import product_state_density
from repro.references import control_variates
from repro.references.cache import (
    DEFAULT_FOLDERS,
    Folders,
    Reference,
    Say,
    describe,
    find,
    find_or_compute,
    key_of,
    numbers,
)
from repro.references.qutip_solvers import qutip_operators, site_averaged_paulis
from repro.references.record import curve_table, settings_of
from repro.references.trajectory_steady_state import MAX_TRAJECTORY_SITES, OPTIONS, Kept, collect, decay_unit, made
from repro.utils.errors import InputError

TARGET = 0.005
TIME_STEP, RESOLVED, ON_A_SITE = 0.025, 4.0, 16.0
"""Spacing of the table and of the integrals (units 1/gamma), finer where a term is stronger than so many gamma, or all
on a site in sum: it has to resolve the fastest frequency."""
STRETCHES, SHORTEST = 4, 0.25
"""Of the controls, and the time (1/gamma) that one lasts at least: few trajectories jump in less."""
LEAST = 100
"""With fewer, the fitted weights of the twelve controls make the standard error too small."""
KIND = "dynamics by trajectories"


def stored(
    model: LindbladModel, initial_state: str, t_end: float, folders: Folders = DEFAULT_FOLDERS
) -> Reference | None:
    """The evolution by trajectories to t_end that a folder has of a model, None where none does."""
    return find(_description(model, initial_state), t_end, folders)


def evolution(
    model: LindbladModel,
    initial_state: str,
    t_end: float,
    folders: Folders = DEFAULT_FOLDERS,
    *,
    target: float = TARGET,
    label: str = "",
    say: Say = lambda text: None,
) -> Reference:
    """Site-averaged Paulis from a product state with standard errors, by quantum trajectories.

    Args:
        model: at most 16 sites.
        initial_state: the Bloch direction of every spin, such as "up".
        t_end: last time wanted (units 1/gamma). A stored curve that reaches further is returned whole.
        folders: searched in order; a new curve goes to the last one, and so do finished trajectories.
        target: trajectories are added until every standard error at every time is at most this.
        label: a name for people, stored beside it.
        say: called with a line of progress after every trajectory.

    Returns:
        A reference whose table has a column `error`.

    Raises:
        InputError: more than 16 sites, an unknown state, t_end or target not above 0, a folder that cannot be written.
    """
    n_sites = model.lattice.n_sites
    if n_sites > MAX_TRAJECTORY_SITES:
        raise InputError(f"trajectories of {n_sites} sites: expected at most {MAX_TRAJECTORY_SITES}")
    if not (0 < t_end < math.inf and 0 < target < math.inf):
        raise InputError(f"trajectories to t = {t_end} with standard error {target}: expected two positive numbers")
    description = _description(model, initial_state)
    rate, natural, step = _in_its_unit(model)
    times = step * np.arange(math.ceil(t_end * rate / step - 1e-9) + 1)

    def compute() -> Reference:
        file = Path(folders[-1]) / f"{key_of(description)}.{len(times)}.trajectories.json"
        system = _System(natural, initial_state, times)
        kept = collect(system.trajectory, partial(_estimate, times), LEAST, target, file, say)
        settings = settings_of(model) | {"initial_state": initial_state, "t_end": t_end}
        settings |= {"dt": step / rate, "target": target, "options": OPTIONS}
        info = {"kind": KIND, "label": label, "settings": settings}
        table = curve_table(times / rate, *_estimate(times, kept))
        reference = Reference(table, {**info, "solver": "mcsolve tsit5", **made(kept)})
        file.unlink(missing_ok=True)
        return reference

    return find_or_compute(description, t_end, folders, compute)


def _in_its_unit(model: LindbladModel) -> tuple[float, LindbladModel, float]:
    """The decay rate, the model in units of it, and the spacing of the times in units of 1/rate."""
    rate, natural = decay_unit(model)
    return rate, natural, TIME_STEP * min(1.0, RESOLVED / natural.unit, ON_A_SITE / control_variates.fastest(natural))


def _description(model: LindbladModel, initial_state: str) -> dict[str, Any]:
    rate, _, step = _in_its_unit(model)
    return describe(model, KIND, initial_state=numbers(product_state_density(initial_state)), dt=step / rate)


def _estimate(times: np.ndarray, kept: Kept) -> tuple[np.ndarray, np.ndarray]:
    """Mean at every time (1/rate) and, of every observable, the largest standard error of any time: shape (M, P).

    Where few trajectories have jumped yet the controls fit them too well: the error there alone would be too small.
    """
    values_RMP, zero_RMP = np.split(np.array([trajectory["blocks"] for trajectory in kept]), 2, axis=2)
    estimates = []
    for m, t in enumerate(times):
        edges = np.linspace(0, m, _stretches(t) + 1).astype(int)
        controls_RC = np.diff(zero_RMP[:, edges], axis=1).reshape(len(kept), -1)
        estimates.append(control_variates.estimate(values_RMP[:, None, m], controls_RC[:, None]))
    mean_MP, error_MP = (np.array(each) for each in zip(*estimates, strict=True))
    return mean_MP, np.broadcast_to(error_MP.max(axis=0), mean_MP.shape)


def _stretches(t: float) -> int:
    return min(STRETCHES, 1 + int(t / SHORTEST + 1e-9))


class _System:
    """Operators of a model, built once for all its trajectories."""

    def __init__(self, model: LindbladModel, initial_state: str, times: np.ndarray) -> None:
        import qutip

        N, self.times = model.lattice.n_sites, times
        self.hamiltonian, self.jumps = qutip_operators(model)
        paulis = list(site_averaged_paulis(N).values())
        drifts = [control_variates.adjoint_generator(self.hamiltonian, self.jumps, pauli) for pauli in paulis]
        self.measured = [*paulis, *drifts]
        one_spin = qutip.Qobj(np.linalg.eigh(product_state_density(initial_state))[1][:, -1:])
        self.start = qutip.tensor([one_spin] * N)

    def trajectory(self, seed: int) -> np.ndarray:
        """At the table's times the observables and O(t) - O(0) - int_0^t L^+(O): shape (times, 2 observables)."""
        import qutip
        from scipy.integrate import cumulative_simpson

        settings = {"ntraj": 1, "seeds": [np.random.SeedSequence(seed)], "options": OPTIONS}
        result = qutip.mcsolve(self.hamiltonian, self.start, self.times, self.jumps, e_ops=self.measured, **settings)
        values_MP, drifts_MP = np.split(np.real(np.array(result.expect)).T, 2, axis=1)
        drifted_MP = cumulative_simpson(drifts_MP, x=self.times, axis=0, initial=0)
        return np.hstack([values_MP, values_MP - values_MP[0] - drifted_MP])
