"""Steady states beyond density matrices: quantum trajectories by QuTiP's `mcsolve`.

A trajectory is averaged over time after a burn-in, and over the sites; the mean over independent trajectories, with
control variates, is the value and their spread over sqrt(n) its standard error. Every trajectory has its own seed and
is kept on disk as it finishes, so that an interrupted reference continues.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from repro.physics.lindblad import LindbladModel
from repro.references import control_variates
from repro.references.cache import DEFAULT_FOLDERS, Folders, Reference, Say, describe, find, find_or_compute, key_of
from repro.references.qutip_solvers import qutip_operators, site_averaged_paulis
from repro.references.record import made_in, settings_of
from repro.utils.errors import InputError
from repro.utils.files import write_atomic
from repro.utils.names import PAULI_AVERAGES

MAX_TRAJECTORY_SITES = 16
TARGET = 0.004
BURN_IN, LENGTH, TIME_STEP, BLOCK = 6.0, 14.0, 0.2, 0.4
"""Time discarded, time of a whole trajectory, spacing and blocks of its averages (`decay_unit`)."""
# With fewer, the fitted weights of the controls make the standard error too small.
LEAST = 12
FLOOR = 1e-3
"""Least error. Where spins rarely leave the ground state twelve trajectories may miss what is rare: their standard
error then came out up to 26 times too small (ring of eight, g = 0.3), but never by more than this."""
# The statistical error is a hundred times what these tolerances leave.
OPTIONS: dict[str, Any] = {"method": "tsit5", "atol": 1e-8, "rtol": 1e-6, "map": "serial", "progress_bar": ""}
"""The norm says when a trajectory jumps: phases of large energies must not change it by what slow jumps do. With an
`rtol` of 1e-4, as shipped curves were made, the rate of jumps on 4x4 at J_y = 1.8 is 0.1 % off; a spin that decays at
0.02 beside ten couplings of 1 never jumps."""
KIND = "steady state by trajectories"

Kept = list[dict[str, Any]]


def stored(model: LindbladModel, folders: Folders = DEFAULT_FOLDERS) -> Reference | None:
    """The steady state by trajectories that a folder has of a model, None where none does."""
    found = find(describe(model, KIND), math.inf, folders)
    return None if found is None else _believed(found)


def steady_state(
    model: LindbladModel,
    folders: Folders = DEFAULT_FOLDERS,
    *,
    target: float = TARGET,
    integrator: str = OPTIONS["method"],
    label: str = "",
    say: Say = lambda text: None,
) -> Reference:
    """Site-averaged Paulis of the steady state with standard errors, by quantum trajectories.

    Args:
        model: at most 16 sites.
        folders: searched in order; a new reference goes to the last one, and so do finished trajectories.
        target: trajectories are added until every standard error is at most this.
        integrator: QuTiP's, such as "adams"; no part of what a stored reference is found by.
        label: a name for people, stored beside it.
        say: called with a line of progress after every trajectory.

    Returns:
        A reference whose table has a column `error`.

    Raises:
        InputError: more than 16 sites, a target not above 0, a folder that cannot be written.
    """
    n_sites = model.lattice.n_sites
    if n_sites > MAX_TRAJECTORY_SITES:
        raise InputError(f"trajectories of {n_sites} sites: expected at most {MAX_TRAJECTORY_SITES}")
    if not 0 < target < math.inf:
        raise InputError(f"standard error wanted = {target}: expected a number above 0")
    description = describe(model, KIND)

    def compute() -> Reference:
        partial = Path(folders[-1]) / f"{key_of(description)}.trajectories.json"
        options = {**OPTIONS, "method": integrator}
        told = {"label": label, "settings": _settings(model, target, options)}
        reference = _compute(_System(model, options), target, partial, told, say)
        partial.unlink(missing_ok=True)
        return reference

    return _believed(find_or_compute(description, math.inf, folders, compute))


def _believed(reference: Reference) -> Reference:
    """With errors of at least `FLOOR`."""
    table = reference.table.assign(error=reference.table["error"].clip(lower=FLOOR))
    return replace(reference, table=table)


def decay_unit(model: LindbladModel) -> tuple[float, LindbladModel]:
    """The largest rate gamma of a model, and the model in units of it: trajectories are measured in times 1/gamma.

    Raises:
        InputError: nothing dissipates.
    """
    rate = max((jump.rate for jump in model.jumps if jump.acts), default=0.0)
    if rate == 0:
        raise InputError("trajectories of a model without jump operators: expected at least one")
    return (rate, model) if rate == 1 else (rate, model.in_units_of(rate))


def _settings(model: LindbladModel, target: float, options: dict[str, Any]) -> dict[str, Any]:
    return settings_of(model) | {
        "initial_state": "down",
        "target": target,
        "burn_in": BURN_IN,
        "length": LENGTH,
        "dt": TIME_STEP,
        "block": BLOCK,
        "options": options,
    }


def _compute(system: _System, target: float, partial: Path, info: dict[str, Any], say: Say) -> Reference:
    import pandas as pd

    kept = collect(lambda seed: system.trajectory(seed), _estimate, LEAST, target, partial, say)
    mean, error = _estimate(kept)
    table = pd.DataFrame({"t": math.inf, "observable": PAULI_AVERAGES, "mean": mean, "error": error})
    solver = f"mcsolve {system.options['method']}, control variates"
    return Reference(table, {"kind": KIND, **info, "solver": solver, **made(kept)})


def collect(
    trajectory: Callable[[int], np.ndarray],
    estimate: Callable[[Kept], tuple[np.ndarray, np.ndarray]],
    least: int,
    target: float,
    partial: Path,
    say: Say,
) -> Kept:
    """Add trajectories, each kept in a file as it finishes, until no standard error is above the target.

    Args:
        trajectory: what is measured along the trajectory of a seed.
        estimate: mean and standard error of some trajectories.
        least: the number from which on their spread is trusted.
        target: largest standard error wanted.
        partial: the file.
        say: called with a line of progress after every trajectory.
    """
    kept = _load(partial)
    while len(kept) < least or estimate(kept)[1].max() > target:
        began = time.perf_counter()
        blocks = trajectory(len(kept) + 1).tolist()
        kept.append({"seconds": round(time.perf_counter() - began, 2), "blocks": blocks})
        write_atomic(partial, json.dumps(kept))
        say(f"{len(kept)} trajectories, standard error {estimate(kept)[1].max():.4f} (target {target:g})")
    return kept


def made(kept: Kept) -> dict[str, Any]:
    """Number of trajectories, seconds, versions and time: part of a reference's `info`."""
    return {"trajectories": len(kept), **made_in(sum(trajectory["seconds"] for trajectory in kept))}


def _load(partial: Path) -> Kept:
    try:
        return list(json.loads(partial.read_text()))
    except (OSError, ValueError):
        return []


def _estimate(kept: Kept) -> tuple[np.ndarray, np.ndarray]:
    if not kept:
        return np.zeros(len(PAULI_AVERAGES)), np.full(len(PAULI_AVERAGES), math.inf)
    blocks_RTO = np.array([trajectory["blocks"] for trajectory in kept])
    return control_variates.estimate(blocks_RTO[..., : len(PAULI_AVERAGES)], blocks_RTO[..., len(PAULI_AVERAGES) :])


class _System:
    """Operators of a model, built once for all its trajectories."""

    def __init__(self, model: LindbladModel, options: dict[str, Any]) -> None:
        import qutip

        self.options = options
        N = model.lattice.n_sites
        _, model = decay_unit(model)
        self.hamiltonian, self.jumps = qutip_operators(model)
        sums = control_variates.pauli_sums(model)
        controls = [control_variates.adjoint_generator(self.hamiltonian, self.jumps, operator) for operator in sums]
        self.measured = [*site_averaged_paulis(N).values(), *controls]
        # near the steady state of decaying spins, so that the burn-in can be short
        self.start = qutip.tensor([qutip.basis(2, 1)] * N)

    def trajectory(self, seed: int) -> np.ndarray:
        """Averages over the blocks of time after the burn-in: (blocks, 3 observables and the controls)."""
        import qutip

        n_times = round((LENGTH - BURN_IN) / TIME_STEP)
        times = np.concatenate([[0.0], BURN_IN + TIME_STEP * np.arange(1, n_times + 1)])
        settings = {"ntraj": 1, "seeds": [np.random.SeedSequence(seed)], "options": self.options}
        result = qutip.mcsolve(self.hamiltonian, self.start, times, self.jumps, e_ops=self.measured, **settings)
        values = np.real(np.array(result.expect))[:, 1:]
        return values.reshape(len(self.measured), round((LENGTH - BURN_IN) / BLOCK), -1).mean(2).T
