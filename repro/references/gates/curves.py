"""Curves and steady states by trajectories of gates (`repro.references.gates.circuit`), with standard errors.

Finished trajectories are kept in one file: a curve and a steady state are made of the same ones, and what was stopped
goes on. A reference that is stored is taken whatever its target; without it a smaller target adds to them. Looking up
what is stored needs no simulator.

The step is the longest one or one of its halves: that which leaves no more than the least error, as measured on a
cluster of sites (`repro.references.gates.accuracy`).

Array suffixes: R trajectories, M times, P observables.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from repro.physics.lindblad import LindbladModel
from repro.physics.povm import bloch_vector, product_state_density
from repro.references.cache import (
    DEFAULT_FOLDERS,
    SLACK,
    Folders,
    Reference,
    Say,
    describe,
    find,
    find_or_compute,
    key_of,
    numbers,
)
from repro.references.gates.accuracy import StepErrors
from repro.references.gates.circuit import PACKAGE, Circuit, check_installed, time_step
from repro.references.limits import has_unique_steady_state
from repro.references.record import curve_table, settings_of
from repro.references.trajectory_steady_state import Kept, collect, decay_unit, made
from repro.utils.errors import InputError
from repro.utils.names import PAULI_AVERAGES

TARGET = 0.01
BURN_IN, LENGTH = 6.0, 10.0
"""The steady state is the mean between these times (1/gamma), the last of which ends a trajectory."""
ENDS = (0.25, 1.0, 4.5, LENGTH)
"""Times at which trajectories may end (1/gamma): the first that reaches what is asked, or one that is kept already."""
LEAST = 8
"""Trajectories from which on their spread is trusted."""
FLOOR = 0.003
"""Least error: what the step leaves is smaller."""
HALVINGS = 6
"""How often the longest step is halved at most."""
CHECKED = 2.0
"""Time over which at most a step's error is measured (1/gamma): it is largest while the state still turns."""
CURVE, STEADY = "dynamics by gates", "steady state by gates"

Estimate = Callable[[Kept], tuple[np.ndarray, np.ndarray]]
Described = Callable[[float, int], dict[str, Any]]


def stored(
    model: LindbladModel, initial_state: str, t_end: float, folders: Folders = DEFAULT_FOLDERS
) -> Reference | None:
    """The evolution to t_end that a folder has of a model, the longest one; None where none does."""
    return _find(_describing(CURVE, model, initial_state), _ends(model, t_end), t_end, folders)


def stored_steady_state(model: LindbladModel, folders: Folders = DEFAULT_FOLDERS) -> Reference | None:
    """The steady state that a folder has of a model, None where none does."""
    return _find(_describing(STEADY, model), [LENGTH], math.inf, folders)


def _ends(model: LindbladModel, t_end: float) -> list[float]:
    """Ends of trajectories (1/gamma) that reach a time."""
    return [end for end in ENDS if end >= t_end * decay_unit(model)[0] * (1 - SLACK)]


def _find(described: Described, ends: Sequence[float], t_end: float, folders: Folders) -> Reference | None:
    """The reference of the longest trajectories, of whichever step."""
    tried = (described(end, halvings) for end in reversed(ends) for halvings in range(HALVINGS + 1))
    return next(filter(None, (find(each, t_end, folders) for each in tried)), None)


def evolution(
    model: LindbladModel,
    initial_state: str,
    folders: Folders = DEFAULT_FOLDERS,
    *,
    t_end: float | None = None,
    target: float = TARGET,
    label: str = "",
    say: Say = lambda text: None,
) -> Reference:
    """Site-averaged Paulis from a product state, with standard errors.

    Args:
        model: at most 26 sites, jump operators on one site each.
        initial_state: the Bloch direction of every spin, such as "up".
        folders: searched in order; a new curve goes to the last one, and so do trajectories.
        t_end: last time wanted, at most 10 / gamma, which it is by default; the curve may go on beyond it.
        target: trajectories are added until every standard error at every time is at most this.
        label: a name for people, stored beside it.
        say: called with a line of progress after every trajectory.

    Returns:
        A reference whose table has a column `error`, at least 0.003.

    Raises:
        InputError: a model out of reach, an unknown state, a target below 0.003, no qsim, no step that is good enough,
            a folder that cannot be written.
    """
    until = LENGTH / decay_unit(model)[0] if t_end is None else t_end
    if known := stored(model, initial_state, until, folders):
        return known
    circuit = _circuit(model, initial_state, until, folders, target)
    description = _describing(CURVE, model, initial_state)(circuit.end, circuit.halvings)

    def compute() -> Reference:
        kept = _trajectories(circuit, _kept_in(folders, description), _of_curve, target, say)
        table = curve_table(circuit.times / circuit.rate, *_of_curve(kept))
        settings = _settings(model, initial_state, circuit, target)
        return Reference(table, {"kind": CURVE, "label": label, "settings": settings, **_made(kept)})

    return find_or_compute(description, until, folders, compute)


def steady_state(
    model: LindbladModel,
    initial_state: str = "up",
    folders: Folders = DEFAULT_FOLDERS,
    *,
    target: float = TARGET,
    label: str = "",
    say: Say = lambda text: None,
) -> Reference:
    """Site-averaged Paulis of the steady state: the mean of the same trajectories over t = 6 to 10 / gamma.

    Args:
        model: as for `evolution`; decay on every site, so that the steady state is shown to be unique.
        initial_state: what the trajectories start from; no part of what a stored reference is found by.
        folders, target, label, say: as for `evolution`.

    Raises:
        InputError: as `evolution`, a steady state not shown to be unique, or rates more than a factor of two apart.
    """
    import pandas as pd

    _check_settles(model)
    if known := stored_steady_state(model, folders):
        return known
    circuit = _circuit(model, initial_state, LENGTH / decay_unit(model)[0], folders, target)
    curve = _describing(CURVE, model, initial_state)(LENGTH, circuit.halvings)
    steady = _describing(STEADY, model)(LENGTH, circuit.halvings)
    estimate = partial(_of_steady_state, circuit.times)

    def compute() -> Reference:
        kept = _trajectories(circuit, _kept_in(folders, curve), estimate, target, say)
        mean_P, error_P = estimate(kept)
        table = pd.DataFrame({"t": math.inf, "observable": PAULI_AVERAGES, "mean": mean_P, "error": error_P})
        settings = _settings(model, initial_state, circuit, target) | {"burn_in": BURN_IN / circuit.rate}
        return Reference(table, {"kind": STEADY, "label": label, "settings": settings, **_made(kept)})

    return find_or_compute(steady, math.inf, folders, compute)


def _circuit(model: LindbladModel, initial_state: str, t_end: float, folders: Folders, target: float) -> Circuit:
    """Trajectories that reach a time, in steps that leave no more than the least error."""
    if not (ends := _ends(model, t_end)):
        raise InputError(f"trajectories of gates to t = {t_end:g}: expected at most {LENGTH / decay_unit(model)[0]:g}")
    longest = Circuit(model, initial_state, min(CHECKED, ends[0]))
    if not FLOOR <= target < math.inf:
        raise InputError(f"standard error wanted = {target}: expected a number of at least {FLOOR}")
    check_installed()
    vectors = [bloch_vector(initial_state)] * model.lattice.n_sites
    halvings, _ = StepErrors(longest.model, vectors, longest.times, pairs=False).good_step(longest.h, HALVINGS, FLOOR)
    described = _describing(CURVE, model, initial_state)
    kept = [end for end in ends if _kept_in(folders, described(end, halvings)).exists()]
    return Circuit(model, initial_state, kept[-1] if kept else ends[0], halvings)


def _describing(kind: str, model: LindbladModel, initial_state: str | None = None) -> Described:
    """From the end of trajectories (1/gamma) and how often the step is halved to the description; the model is read
    once, because a look-up tries many."""
    rate, natural = decay_unit(model)
    start = {} if initial_state is None else {"initial_state": numbers(product_state_density(initial_state))}
    common, longest = describe(model, kind, **start), time_step(natural) / rate
    return lambda end, halvings: {**common, "dt": longest / 2**halvings, "length": end / rate}


def _kept_in(folders: Folders, curve: dict[str, Any]) -> Path:
    """The file of a curve's trajectories."""
    return Path(folders[-1]) / f"{key_of(curve)}.gates.json"


def _of_curve(kept: Kept) -> tuple[np.ndarray, np.ndarray]:
    """Means, and of every observable the largest error of any time: before the first jumps all trajectories are alike,
    and their spread says nothing."""
    mean_MP, error_MP = _spread(np.array([trajectory["blocks"] for trajectory in kept]))
    return mean_MP, np.broadcast_to(error_MP.max(axis=0), mean_MP.shape)


def _of_steady_state(times: np.ndarray, kept: Kept) -> tuple[np.ndarray, np.ndarray]:
    at_rest = times >= BURN_IN - 1e-9
    return _spread(np.array([np.array(trajectory["blocks"])[at_rest].mean(0) for trajectory in kept]))


def _spread(values_R: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over trajectories and its error, infinite of one alone: their standard error, and what one more that is as
    far off as the farthest would change, because spins that are rarely excited are seen too rarely by a few."""
    R, mean = len(values_R), values_R.mean(0)
    if R < 2:
        return mean, np.full(mean.shape, math.inf)
    error = np.hypot(values_R.std(0, ddof=1) / math.sqrt(R), np.abs(values_R - mean).max(0) / R)
    return mean, error.clip(min=FLOOR)


def _trajectories(circuit: Circuit, file: Path, estimate: Estimate, target: float, say: Say) -> Kept:
    """So many that an estimate meets its target."""
    return collect(circuit.trajectory, estimate, LEAST, target, file, say)


def _settings(model: LindbladModel, initial_state: str, circuit: Circuit, target: float) -> dict[str, Any]:
    unit = circuit.rate
    more = {"initial_state": initial_state, "dt": circuit.h / unit, "t_end": circuit.end / unit, "target": target}
    return settings_of(model) | more


def _made(kept: Kept) -> dict[str, Any]:
    how = made(kept)
    how["versions"] |= {PACKAGE: version(PACKAGE)}
    return {"solver": "trajectories of gates, qsim", **how}


def _check_settles(model: LindbladModel) -> None:
    if not has_unique_steady_state(model):
        raise InputError("steady state by gates: not shown to be unique, expected decay (or its like) on every site")
    slowest, rate = min(jump.strength for jump in model.jumps if jump.strength > 0), decay_unit(model)[0]
    if slowest < rate / 2:  # the burn-in is in units of the rate
        raise InputError(f"steady state by gates: rates from {slowest:g} to {rate:g}, expected a factor of two at most")
